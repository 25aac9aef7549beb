"""What reading a file takes and gives.

Belongs here: the settings of a section's files and the result of reading one. Does not belong
here: any format (a module each) or what the columns mean (`mapping.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from persona_assets.errors import UserError

Format = Literal["delimited text", "JSON lines", "JSON array", "Parquet", "Excel"]


@dataclass(frozen=True)
class FileFormat:
    """What a person says of a section's files; None: as the content shows.

    Attributes:
        separator: the character between the fields of delimited text.
        encoding: name of a text encoding, as in `cp1252`.
        sheet: the only sheet of a workbook to be read.
        header_row: line of a text, or row of a sheet, from 1, that holds the column names.
        section: the mapping's section, for error texts that name a setting.
    """

    separator: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    section: str = "events"

    def __post_init__(self) -> None:
        """Refuses an encoding, separator or row number that cannot be one."""
        if self.encoding is not None and not _is_text_encoding(self.encoding):
            raise UserError(
                f"format.encoding is {self.encoding!r}, which is not a text encoding; use one "
                "such as "
                "'cp1252', 'latin-1' or 'utf-16'"
            )
        if self.separator is not None and (
            len(self.separator) != 1
            or not self.separator.isascii()
            or self.separator in _NO_SEPARATORS
        ):
            raise UserError(
                f"format.separator is {self.separator!r}; give one character such as ';', '|' or "
                '"\\t" (a tab, in double quotes)'
            )
        if self.header_row is not None and not _is_a_row(self.header_row):
            raise UserError(
                f"format.header_row is {self.header_row!r}; give the number of the row with the "
                "column names, counted from 1: header_row = 3"
            )

    def setting(self, name: str, value: str) -> str:
        """How to write a setting down: `encoding = "cp1252" in [events.format]`."""
        return f'{name} = "{value}" in [{self.section}.format]'


AS_THE_CONTENT_SHOWS = FileFormat()
"""Nothing is said about the files."""


class EmptyFile(UserError):  # noqa: N818 - what it is, and callers may skip it
    """A file without any content: no header and no row."""


@dataclass(frozen=True)
class Delivered:
    """The rows of one file.

    Attributes:
        frame: every column as text, in file order; empty text is null. If columns were asked for,
            those of them that the file has.
        header: all columns of the file, whether read or not, and those of its folders' names.
        row: for each row of `frame` the number of the file's row (from 1, header and blank lines
            not counted) that it comes from; a list that is exploded makes several rows of one.
        format: what the file is.
        separator: between the fields of delimited text, else None.
        encoding: Python's name of the text's encoding, None for Parquet and Excel.
        compression: `gzip` or `zstd`, None if there is none.
        nested: column that holds objects or lists → the paths to what they hold, as a mapping
            writes them (`items[].item_id`).
        absent: columns of `frame` whose field is in no row, though another file's rows may have it;
            only JSON can lack a field so.
        notes: what was chosen or skipped, a sentence each.
    """

    frame: pl.DataFrame
    header: tuple[str, ...]
    row: pl.Series
    format: Format
    separator: str | None = None
    encoding: str | None = None
    compression: str | None = None
    nested: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


_NO_SEPARATORS = '"\r\n\0'


def _is_text_encoding(name: str) -> bool:
    try:
        "a".encode(name)
    except (LookupError, UnicodeError, ValueError):  # unknown, or no encoding of text (`zip`)
        return False
    return True


def _is_a_row(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1
