"""Rows above a table's column names, as reports have them: a title, a period, remarks.

Belongs here: finding the row of column names below such rows, and the message. Does not belong
here: reading the rows of a format, or the setting `header_row` (`delivered.py`).
"""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path

from persona_assets.errors import UserError
from persona_assets.sources.reading.delivered import FileFormat
from persona_assets.sources.reading.headers import DATA, column_names
from persona_assets.sources.reading.separators import SAMPLE, SEPARATORS

LOOKED_AT = 30
"""Rows in which column names are looked for; a report's remarks are shorter."""
NARROWEST = 3
"""Columns of the least table that is told from its title: user, product and time."""


class HeaderBelowError(UserError):
    """The column names are not in the first row; `row` says where they seem to be."""

    def __init__(self, what: str, row: int, options: FileFormat) -> None:
        super().__init__(
            f"{what}: the column names seem to be in row {row}, below a title or remarks; if they "
            f"are, write header_row = {row} in [{options.section}.format], or remove the rows "
            "above them"
        )
        self.row = row


def header_below(rows: Sequence[Sequence[str | None]]) -> int | None:
    """The place, from 0, of the row that seems to hold the column names; None: the first one does.

    A title fills at most half as many cells as the table below it.

    Args:
        rows: the first rows of a file, from the first one that holds anything.
    """
    filled = [sum(bool((cell or "").strip()) for cell in row) for row in rows]
    width = max(filled, default=0)
    if width < NARROWEST or 2 * filled[0] > width:
        return None
    place = filled.index(width)
    names = [name for name in column_names(rows[place]) if name is not None]
    data = sum(DATA.fullmatch(name) is not None for name in names)
    return None if 2 * data > len(names) else place


def refuse_titles(
    data: bytes, path: Path, options: FileFormat, columns: Collection[str] | None, skipped: int
) -> None:
    """Check that delimited text begins with its column names.

    Args:
        data: UTF-8 text from its first line that is not blank.
        path: for the error text.
        options: what the person says; a stated separator is the only one that is tried.
        columns: columns that are looked for; if one is in the first row, that is the header.
        skipped: lines before `data`.

    Raises:
        HeaderBelowError: they seem to be in a later line.
    """
    sample = data[:SAMPLE].decode("utf-8", "ignore")
    found: dict[int, int] = {}
    for separator in [options.separator] if options.separator else SEPARATORS:
        lines, rows = _first_rows(sample, separator)
        if not rows:
            continue
        first = column_names(rows[0])
        width = max(map(len, rows))
        if columns is not None and {*first} & {*columns}:
            return
        names = sum(name is not None for name in first)
        alike = names > 1 and {*map(len, rows)} == {width}
        if 2 * names > width and (names >= NARROWEST or alike):
            return  # a header, whatever is wrong with the rows below it
        if (place := header_below(rows)) is not None:
            found[width] = lines[place]
    if found:
        raise HeaderBelowError(str(path), skipped + found[max(found)], options)


def _first_rows(sample: str, separator: str) -> tuple[list[int], list[list[str]]]:
    """The first records that are not blank, each with the line that it begins in, from 1."""
    lines, rows = [], []
    for line, row in islice(_records(sample, separator), LOOKED_AT):
        lines.append(line)
        rows.append(row)
    return lines, rows


def _records(sample: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    begin = 1
    try:
        for row in reader:
            if row:
                yield begin, row
            begin = reader.line_num + 1
    except csv.Error:  # a quote that is never closed, of which `quotes.py` has more to say
        return
