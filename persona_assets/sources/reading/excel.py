"""Excel workbooks.

Belongs here: which sheets are read, and the row of column names. Does not belong here: what other
formats have.

Cells come as text: whole numbers without a fraction, times as ISO 8601. A sheet's first row that
holds anything is its header.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.reading.delivered import EmptyFile, FileFormat
from persona_assets.sources.reading.headers import column_names, listed, refuse_duplicates
from persona_assets.sources.reading.paths import ways
from persona_assets.sources.reading.title_rows import LOOKED_AT, HeaderBelowError, header_below
from persona_assets.sources.reading.typed_text import without_empty


@dataclass(frozen=True)
class Workbook:
    """Sheets that were read, one after another: all columns of text, and notes."""

    frame: pl.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Sheet:
    name: str
    cells: pl.DataFrame
    names: list[str | None]
    first: int
    """Row of the sheet, from 1, that `cells` begin with."""

    def has(self, wanted: Collection[str]) -> bool:
        return all(_has(self.names, text) for text in wanted)

    def row_with(self, wanted: Collection[str]) -> int | None:
        """The row of the sheet that holds all wanted names, if it is near the top."""
        top = self.cells.head(LOOKED_AT).iter_rows()
        for number, row in enumerate(top, start=self.first):
            names = column_names(row)
            if all(_has(names, text) for text in wanted):
                return number
        return None


def read_excel(
    data: bytes,
    path: Path,
    options: FileFormat,
    required: Collection[str] | None,
) -> Workbook:
    """The rows of a workbook's sheets.

    Args:
        data: the workbook.
        path: for error texts.
        options: may name the only sheet to be read.
        required: names and paths that a sheet cannot lack, and is passed over if it does; None:
            all columns of the first sheet.

    Raises:
        EmptyFile: no sheet holds anything.
        UserError: it is no workbook, has no such sheet, or no sheet has the columns.
    """
    sheets = _sheets(data, path, options)
    wanted = [name for name in sheets[0].names if name] if required is None else required
    chosen = [sheet for sheet in sheets if sheet.has(wanted)]
    if not chosen:
        for sheet in sheets:
            if (row := sheet.row_with(wanted)) is not None:
                raise HeaderBelowError(f"{path} sheet {sheet.name!r}", row, options)
        chosen = sheets[:1]  # the section's reader says what is missing
    if required is None and options.header_row is None:
        for sheet in chosen:
            if (place := header_below(sheet.cells.head(LOOKED_AT).rows())) is not None:
                raise HeaderBelowError(f"{path} sheet {sheet.name!r}", sheet.first + place, options)
    others = [sheet for sheet in sheets if sheet not in chosen]
    notes = tuple(
        f"{path.name}: sheet {sheet.name!r} was not read, its columns are {listed(sheet.names)}"
        for sheet in others
    )
    for sheet in chosen:
        refuse_duplicates(sheet.names, path, f" sheet {sheet.name!r}")
    frames = [_frame(sheet) for sheet in chosen]
    return Workbook(pl.concat(frames, how="diagonal"), notes)


def _sheets(data: bytes, path: Path, options: FileFormat) -> list[_Sheet]:
    """The sheets that hold anything."""
    import fastexcel  # 40 ms, for workbooks alone

    try:
        book = fastexcel.read_excel(data)
        names = book.sheet_names
        if options.sheet is not None:
            if options.sheet not in names:
                raise UserError(
                    f"{path} has no sheet {options.sheet!r}; its sheets are {names}; correct sheet "
                    f"in [{options.section}.format]"
                )
            names = [options.sheet]
        cells = {
            # From the first row on, as without `skip_rows` blank rows at the top are not counted.
            name: book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars()
            for name in names
        }
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError) as error:
        raise UserError(
            f"{path} cannot be read as an Excel workbook: it is truncated, damaged or protected "
            "by a password; deliver it again"
        ) from error
    filled = {name: rows for name, rows in cells.items() if not _blank(rows).all()}
    if not filled:
        raise EmptyFile(f"{path} has no sheet with a header; deliver it again")
    sheets = [_sheet(name, rows, options.header_row) for name, rows in filled.items()]
    found = [sheet for sheet in sheets if sheet is not None]
    if not found:
        raise UserError(
            f"{path} has no row {options.header_row} with column names, as format.header_row says; "
            "correct header_row"
        )
    return found


def _sheet(name: str, rows: pl.DataFrame, header_row: int | None) -> _Sheet | None:
    """The rows of a sheet from its column names on; None where there is no such row."""
    begin = int(_blank(rows).arg_min() or 0) if header_row is None else header_row - 1
    below = rows.slice(begin)
    if below.is_empty() or not any(column_names(below.row(0))):
        return None
    return _Sheet(name, below, column_names(below.row(0)), begin + 1)


def _blank(rows: pl.DataFrame) -> pl.Series:
    """(rows,) whether a row of a sheet holds nothing."""
    empty = pl.all().is_null() | (pl.all() == "")
    return rows.select(blank=pl.all_horizontal(empty)).to_series()


def _frame(sheet: _Sheet) -> pl.DataFrame:
    """The rows below the header that hold anything, in the columns that have a name."""
    rows = sheet.cells.slice(1)
    named = {
        old: name for old, name in zip(rows.columns, sheet.names, strict=True) if name is not None
    }
    named_rows = rows.select(pl.col(old).cast(pl.String).alias(new) for old, new in named.items())
    return without_empty(named_rows).filter(~pl.all_horizontal(pl.all().is_null()))


def _has(names: Collection[str | None], text: str) -> bool:
    return any(way.root in names for way in ways(text))
