"""Reading one file as text, whatever its format.

Belongs here: the way from a path to a frame, format by format. Does not belong here: any format.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.reading.contents import Contents, contents
from persona_assets.sources.reading.delimited import read_delimited
from persona_assets.sources.reading.delivered import (
    AS_THE_CONTENT_SHOWS,
    Delivered,
    FileFormat,
    Format,
)
from persona_assets.sources.reading.encodings import in_utf8
from persona_assets.sources.reading.excel import read_excel
from persona_assets.sources.reading.json_records import (
    ENDINGS,
    looks_like_json,
    read_json,
    unreadable_notes,
)
from persona_assets.sources.reading.parquet import ParquetTable
from persona_assets.sources.reading.paths import Path as ColumnPath
from persona_assets.sources.reading.paths import resolved, roots
from persona_assets.sources.reading.text_cells import Cells, json_inside, walked
from persona_assets.sources.reading.typed_text import without_empty

COMPRESSED_ENDINGS = (".gz", ".gzip", ".zst", ".zstd")


def read_text(
    path: Path,
    *,
    options: FileFormat = AS_THE_CONTENT_SHOWS,
    columns: Collection[str] | None = None,
    required: Collection[str] = (),
    partitions: Mapping[str, str | None] = MappingProxyType({}),
) -> Delivered:
    """All rows of one file, in file order, every column as text.

    Delimited text and JSON come through literally. Typed values of Parquet and Excel are written as
    `typed_text` says. Empty text and NaN become null. Compression and format are recognised by the
    content; the file's ending decides only where text could be either of two.

    Args:
        path: the file.
        options: what a person says of the file.
        columns: names of columns to read, or paths into such (`paths.py`); None: all columns, but
            those of Parquet that are nested or have no text.
        required: those of `columns` that a workbook's sheet cannot lack.
        partitions: columns that the file's folder names state (`year=2024`).

    Raises:
        UserError: the file is missing, cannot be read, or has two columns of one name.
        EmptyFile: the file has no content at all.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}; correct the path")
    there = contents(path)
    if there.kind == "Parquet":
        delivered = _parquet(there, path, columns)
    elif there.kind == "Excel":
        needed = [name for name in required or columns or () if name not in partitions]
        delivered = _excel(there, path, options, columns, needed or None)
    else:
        delivered = _text(there, path, options, columns)
    if there.compression is not None:
        delivered = replace(delivered, compression=there.compression)
    return _with_partitions(delivered, partitions, columns, path)


def _text(
    there: Contents,
    path: Path,
    options: FileFormat,
    columns: Collection[str] | None,
) -> Delivered:
    data, encoding = in_utf8(there.data, path, options)
    notes = [] if encoding == "utf-8" else [f"{path.name}: its encoding is {encoding}"]
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED_ENDINGS else path
    if name.suffix.lower() in ENDINGS or looks_like_json(data):
        json = read_json(data, path, columns)
        return Delivered(
            without_empty(json.frame),
            json.header,
            json.row,
            json.format,
            encoding=encoding,
            nested=dict(json_inside(json.frame)) | json.nested,
            absent=json.absent,
            notes=(*notes, *json.notes),
        )
    known = None if columns is None else roots(columns)
    table = read_delimited(data, name, path, options, known)
    delivered = _cells(table.frame, table.header, "delimited text", path, columns)
    return replace(
        delivered,
        encoding=encoding,
        separator=table.separator,
        notes=(*notes, *table.notes, *delivered.notes),
    )


def _excel(
    there: Contents,
    path: Path,
    options: FileFormat,
    columns: Collection[str] | None,
    required: Collection[str] | None,
) -> Delivered:
    book = read_excel(there.data, path, options, required)
    delivered = _cells(book.frame, tuple(book.frame.columns), "Excel", path, columns)
    return replace(delivered, notes=(*book.notes, *delivered.notes))


def _cells(
    frame: pl.DataFrame,
    header: tuple[str, ...],
    form: Format,
    path: Path,
    columns: Collection[str] | None,
) -> Delivered:
    """The wanted columns of a frame of text, whose cells may be JSON."""
    text = without_empty(frame)
    paths = _resolved(header if columns is None else columns, header)
    cells = walked(text, paths, path)
    return Delivered(
        cells.frame,
        header,
        _rows(cells, frame.height),
        form,
        nested=dict(json_inside(text)) | _nested(cells),
        notes=_notes(cells, path),
    )


def _parquet(there: Contents, path: Path, columns: Collection[str] | None) -> Delivered:
    table = ParquetTable(there.data, path)
    typed, wanted = table.plan(columns)
    frames, rows = [], []
    nested: dict[str, tuple[str, ...]] = dict(table.nested)
    notes: list[str] = []
    for frame, position in table.batches(typed):
        cells = walked(frame, wanted, path)
        of_file = position if cells.position is None else position[cells.position]
        frames.append(cells.frame)
        rows.append(of_file + 1)
        nested |= dict(json_inside(cells.frame)) | _nested(cells)
        notes.extend(_notes(cells, path))
    if not frames:
        frames = [pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))]
        rows = [pl.Series(range(1, 1 + (0 if typed else table.rows)), dtype=pl.Int64)]
    left_out = table.without_text if columns is None else ()
    return Delivered(
        pl.concat(frames),
        table.header,
        pl.concat(rows).cast(pl.Int64).alias("row"),
        "Parquet",
        nested=nested,
        notes=(*left_out, *notes[:1]),
    )


def _resolved(texts: Collection[str], header: Collection[str]) -> dict[str, ColumnPath]:
    found = {text: resolved(text, header) for text in texts}
    return {text: path for text, path in found.items() if path is not None}


def _rows(cells: Cells, height: int) -> pl.Series:
    position = cells.position if cells.position is not None else pl.int_range(height, eager=True)
    return (position + 1).cast(pl.Int64).alias("row")


def _nested(cells: Cells) -> dict[str, tuple[str, ...]]:
    return {} if cells.walker is None else cells.walker.nested


def _notes(cells: Cells, path: Path) -> tuple[str, ...]:
    return () if cells.walker is None else tuple(unreadable_notes(cells.walker, path.name))


def _with_partitions(
    delivered: Delivered,
    partitions: Mapping[str, str | None],
    columns: Collection[str] | None,
    path: Path,
) -> Delivered:
    """Adds the columns that folder names state, unless the file has them with the same values."""
    frame = delivered.frame
    for name, value in partitions.items():
        if columns is not None and name not in columns:
            continue
        if name in delivered.header:
            if not frame[name].eq_missing(value).all():
                raise UserError(
                    f"{path} has a column {name!r}, and so has its folder ({name}=…), with other "
                    "values; rename or remove one of them"
                )
            continue
        given = pl.Series(name, [value], dtype=pl.String())
        constant = given.new_from_index(0, len(delivered.row))
        others = frame.select(pl.exclude(name))  # JSON has nulls for a field that it lacks
        frame = others.hstack([constant]) if others.width else pl.DataFrame(constant)
    return replace(
        delivered,
        frame=frame,
        header=tuple(dict.fromkeys([*delivered.header, *partitions])),
        absent=tuple(name for name in delivered.absent if name not in partitions),
    )
