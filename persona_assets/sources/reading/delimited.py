"""Delimited text: CSV and its relatives with other separators.

Belongs here: from UTF-8 text with a header to columns of text. Does not belong here: encodings,
which separator it is and what quotes mean (modules of their own).

Every record has as many fields as the header; one with fewer or more is an error, since nobody can
say which of its fields is missing. Only empty fields at the end of all records, or empty names at
the end of the header, are passed over, as spreadsheets write them.
"""

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from persona_assets.errors import UserError
from persona_assets.sources.reading.delivered import EmptyFile, FileFormat
from persona_assets.sources.reading.encodings import LINE_END, line_of
from persona_assets.sources.reading.headers import column_names, refuse_duplicates
from persona_assets.sources.reading.quotes import Offsets, quoted_spans, records, unescaped
from persona_assets.sources.reading.separators import SAMPLE, SEPARATORS, separator_of
from persona_assets.sources.reading.title_rows import refuse_titles

BLOCK = 1 << 20
"""Bytes that Arrow parses at a time; with a larger record it must read all in one."""
DECLARED = re.compile(rb"\s*sep=(.)(?:\r\n|\r|\n)", re.IGNORECASE)
"""How Excel is told the separator, in a line before the header."""
BLANK_LINES = re.compile(rb"(?:[ \t]*(?:\r\n|\r|\n))*")
LINE_ENDS = re.compile(rb"[\r\n]*")
QUOTE_OR_LINE_END = re.compile(rb'"|\r\n|\r|\n')


@dataclass(frozen=True)
class Table:
    """Delimited text that was read: its columns of text, its whole header, what was chosen."""

    frame: pl.DataFrame
    rows: int
    header: tuple[str, ...]
    separator: str
    notes: tuple[str, ...]


def read_delimited(
    data: bytes,
    name: Path,
    path: Path,
    options: FileFormat,
    columns: Collection[str] | None,
) -> Table:
    """The columns of delimited text.

    Args:
        data: UTF-8 text.
        name: its ending decides between separators that are equally good.
        path: for error texts.
        options: what the person says.
        columns: names to read, where the file has them; None: all.

    Raises:
        EmptyFile: there is no header.
        UserError: the separator is not certain, two columns have one name, or a line is malformed.
    """
    if options.header_row is not None:
        data = _from_line(options.header_row, data, path)
    declared = DECLARED.match(data)
    begin = _after(BLANK_LINES, data, declared.end() if declared else 0)
    if begin >= len(data):
        raise EmptyFile(f"{path} is empty (no header and no row); deliver it again or remove it")
    if options.header_row is None:
        above = line_of(data, begin) - 1
        refuse_titles(data[begin : begin + SAMPLE], path, options, columns, above)
    separator = options.separator or (declared.group(1).decode("latin-1") if declared else None)
    separator = separator or separator_of(data[begin : begin + SAMPLE + 1], name, options, columns)
    notes = []
    if separator != ",":
        called = SEPARATORS.get(separator, repr(separator))
        notes.append(f"{path.name}: fields are separated by {called}")
    if (doubled := unescaped(data, separator)) is not None:
        data = doubled
        notes.append(f'{path.name}: quotes inside quoted fields are written \\"')
    cells, end = _header(data, begin, separator, path)
    names = column_names(cells)
    refuse_duplicates(names, path)
    table = _Records(data, end, separator, quoted_spans(data, separator, path), path)
    wanted = {
        name: number
        for number, name in enumerate(names)
        if name is not None and (columns is None or name in columns)
    }
    frame, rows = table.read(names, wanted)
    header = tuple(name for name in names if name is not None)
    return Table(frame, rows, header, separator, tuple(notes))


def _from_line(number: int, data: bytes, path: Path) -> bytes:
    """The text with the lines above one left blank, so that lines keep their numbers."""
    ends = [found.end() for found in islice(LINE_END.finditer(data), number - 1)]
    if len(ends) < number - 1 or data[ends[-1] if ends else 0 :].isspace():
        raise UserError(
            f"{path} has no line {number} with column names, as format.header_row says; correct "
            "header_row"
        )
    return b"\n" * len(ends) + data[ends[-1] if ends else 0 :]


def _after(pattern: re.Pattern[bytes], data: bytes, begin: int) -> int:
    found = pattern.match(data, begin)
    return found.end() if found else begin


def _header(data: bytes, begin: int, separator: str, path: Path) -> tuple[list[str], int]:
    """The cells of the first record and the offset after it."""
    quoted, end = False, len(data)
    for found in QUOTE_OR_LINE_END.finditer(data, begin):
        if found.group() == b'"':
            quoted = not quoted
        elif not quoted:
            end = found.end()
            break
    text = data[begin:end].decode("utf-8").rstrip("\r\n")
    try:
        rows = list(csv.reader([text], delimiter=separator))
    except csv.Error as error:
        raise UserError(
            f"{path}: its first line cannot be read as column names separated by {separator!r}; "
            "correct "
            "the header or the separator"
        ) from error
    return rows[0], end


def _is_empty(column: pa.ChunkedArray) -> bool:
    return not pc.any(pc.not_equal(column, "")).as_py()


class _Records:
    """The records after the header, parsed by Arrow; what Arrow refuses is looked at in detail."""

    def __init__(
        self,
        data: bytes,
        begin: int,
        separator: str,
        spans: tuple[Offsets, Offsets],
        path: Path,
    ) -> None:
        self.data, self.begin, self.separator = data, begin, separator
        self.spans, self.path = spans, path

    def read(self, names: Sequence[str | None], wanted: dict[str, int]) -> tuple[pl.DataFrame, int]:
        """Columns of text by name, and the number of records."""
        width = len(names)
        if _after(LINE_ENDS, self.data, self.begin) == len(self.data):
            return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String)), 0
        numbers = list(wanted.values())
        table = self._parsed(width, numbers, BLOCK)
        if table is None:
            width = self._width(names)
            extra = range(len(names), width)
            table = self._parsed(width, [*numbers, *extra], len(self.data))
            if table is None or not all(_is_empty(table[str(number)]) for number in extra):
                raise self._malformed(len(names))
        columns = {name: table[str(number)] for name, number in wanted.items() if number < width}
        frame = pl.DataFrame(pl.from_arrow(pa.table(columns)))
        missing = [pl.lit(None, pl.String).alias(name) for name in wanted if name not in columns]
        return frame.with_columns(missing), table.num_rows

    def _parsed(self, width: int, numbers: Sequence[int], block: int) -> pa.Table | None:
        """Columns by number; None if Arrow refuses a record."""
        names = [str(number) for number in range(width)]
        read = [str(number) for number in numbers if number < width] or names[:1]
        try:
            return pa.csv.read_csv(
                pa.BufferReader(pa.py_buffer(self.data).slice(self.begin)),
                read_options=pa.csv.ReadOptions(column_names=names, block_size=block),
                parse_options=pa.csv.ParseOptions(
                    delimiter=self.separator, newlines_in_values=len(self.spans[0]) > 0
                ),
                convert_options=pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=read,
                    strings_can_be_null=False,
                    check_utf8=False,  # it was checked
                ),
            )
        except pa.ArrowInvalid:  # its text holds the record, and is for nobody's eyes
            return None

    def _width(self, names: Sequence[str | None]) -> int:
        """The number of fields of all records, if it differs from the header's in nothing.

        Raises:
            UserError: a record has too few or too many fields.
        """
        fields = self._fields()[1]
        width = int(fields[0])
        if (fields == width).all() and not any(names[width:]):
            return width
        raise self._malformed(len(names))

    def _fields(self) -> tuple[Offsets, Offsets]:
        """Lines and numbers of fields of the records after the header."""
        found = records(self.data, self.separator, self.spans)
        after = found.start >= self.begin
        return found.line[after], found.fields[after]

    def _malformed(self, width: int) -> UserError:
        line, fields = self._fields()
        wrong = np.flatnonzero(fields != width)
        if not len(wrong):
            return UserError(f"{self.path} cannot be read as delimited text; deliver it again")
        first = wrong[0]
        more = f" ({len(wrong)} such lines)" if len(wrong) > 1 else ""
        return UserError(
            f"{self.path} line {line[first]} has {fields[first]} fields and the header {width}"
            f"{more}; correct the line (a value that holds a separator must be in double quotes)"
        )
