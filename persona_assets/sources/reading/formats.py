"""Reading one delivered file as text, whatever its format.

Belongs here: the formats that file-based sources understand, and errors that say what is wrong
with a file. Does not belong here: what the columns mean (`mapping.py`, `online_retail.py`).

Every value becomes text, because only text can carry a shop's dirt on to the place that judges
it: an article number `00123` keeps its zeros, and one bad price does not spoil the column.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl
import polars.selectors as cs

from persona_assets.errors import UserError
from persona_assets.sources.reading.delivered import (
    AS_THE_CONTENT_SHOWS,
    Delivered,
    EmptyFile,
    FileFormat,
    Format,
)

LARGEST_EXACT_INTEGER = 2**53
"""Whole numbers above this are not exact in a float64 and keep their float notation."""


def read_text(
    path: Path,
    *,
    options: FileFormat = AS_THE_CONTENT_SHOWS,
    columns: Collection[str] | None = None,
    partitions: Mapping[str, str | None] = MappingProxyType({}),
    fallback_encoding: str | None = None,
) -> Delivered:
    """All rows of one file, in file order, every column as text.

    CSV and JSON lines come through literally. Typed values of Parquet and Excel are written as
    ISO 8601 (times; those with a zone in UTC with suffix `Z`), as plain integers (whole floats,
    since integers with gaps are often stored as floats) and as `true`/`false`. Empty text and
    NaN become null. Nested columns are left out. The sheets of a workbook follow one another.

    Args:
        path: the file; its ending (`.csv`, `.jsonl`, `.ndjson`, `.parquet`, `.xlsx`) tells its
            format.
        options: what the mapping says of the section's files.
        columns: the columns to be read, or paths into such; None: all.
        partitions: columns that the file's folder names state (`year=2024`).
        fallback_encoding: encoding of a CSV file that is not UTF-8; None: such a file is an error.

    Raises:
        UserError: the file is missing, of another format or cannot be read.
        EmptyFile: the file has no content at all.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}; correct the path")
    if path.suffix.lower() not in READERS:
        raise UserError(
            f"{path} ends with {path.suffix!r}, which is none of {sorted(READERS)}; "
            "convert the file or correct its ending"
        )
    if path.stat().st_size == 0:
        raise EmptyFile(f"{path} is empty (0 bytes); deliver it again or remove it")
    if path.suffix.lower() == ".csv":
        frame = _read_csv(path, fallback_encoding)
    else:
        frame = READERS[path.suffix.lower()](path)
    text = _as_text(frame, path).with_columns(
        pl.lit(value, pl.String).alias(name) for name, value in partitions.items()
    )
    header = tuple(text.columns)
    if columns is not None:
        text = text.select(name for name in header if name in columns)
    return Delivered(
        text,
        header,
        pl.Series("row", range(1, len(text) + 1), dtype=pl.Int64()),
        FORMATS[path.suffix.lower()],
    )


def _read_csv(path: Path, fallback_encoding: str | None = None) -> pl.DataFrame:
    broken = _first_byte_that_is_not_utf8(path)
    if broken is not None and fallback_encoding is None:
        raise UserError(
            f"{path} is not UTF-8 (first bad byte at offset {broken}); save it as UTF-8"
        )
    encoding = "utf8" if broken is None else str(fallback_encoding)
    try:
        return pl.read_csv(path, infer_schema=False, encoding=encoding, glob=False)
    except pl.exceptions.PolarsError as error:
        raise _unreadable(path, "CSV (comma-separated, with a header)", error) from error


def _first_byte_that_is_not_utf8(path: Path) -> int | None:
    offset = 0
    with path.open("rb") as lines:
        for line in lines:  # a line feed is never part of a longer UTF-8 sequence
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return offset + error.start
            offset += len(line)
    return None


def _read_json_lines(path: Path) -> pl.DataFrame:
    # Not by Polars: it gives a column one type and fails on `17` beside `"17"`. Numbers stay the
    # text they were.
    records = list(_json_records(path))
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {name: [_json_text(record.get(name)) for record in records] for name in names}
    try:
        return pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))
    except UnicodeEncodeError as error:
        raise UserError(f"{path} holds half a character: {error}; write whole ones") from error


def _json_records(path: Path) -> Iterator[dict[str, object]]:
    with path.open(encoding="utf-8-sig") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                record = json.loads(line, parse_int=str, parse_float=str, parse_constant=_no_value)
                if not isinstance(record, dict):
                    raise UserError(
                        f"{path} line {number} is not a JSON object; write one object a line"
                    )
                yield record
        except json.JSONDecodeError as error:
            raise UserError(
                f"{path} line {number} is not JSON: {error.msg} at column {error.colno}; "
                "correct or remove the line"
            ) from error
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is not UTF-8: {error}; save it as UTF-8") from error


def _no_value(_: str) -> None:
    """What `NaN` and `Infinity` stand for: they are no JSON and no values."""


def _json_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False)
    except pl.exceptions.PolarsError as error:
        raise _unreadable(path, "Parquet", error) from error


def _read_excel(path: Path) -> pl.DataFrame:
    from fastexcel import FastExcelError

    try:
        # No inference: calamine writes whole numbers without a fraction and times as ISO 8601.
        sheets = pl.read_excel(path, sheet_id=0, infer_schema_length=0, raise_if_empty=False)
    except (FastExcelError, pl.exceptions.PolarsError) as error:
        raise _unreadable(path, "an Excel workbook", error) from error
    filled = {name: sheet for name, sheet in sheets.items() if sheet.width}
    if not filled:
        raise UserError(f"{path} has no sheet with a header; deliver it again")
    first, columns = next((name, sheet.columns) for name, sheet in filled.items())
    for name, sheet in filled.items():
        if sheet.columns != columns:
            raise UserError(
                f"{path}: sheet {name!r} has columns {sheet.columns}, but sheet {first!r} has "
                f"{columns}; remove the sheet or give it the same header"
            )
    return pl.concat(filled.values())


READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".parquet": _read_parquet,
    ".xlsx": _read_excel,
}

FORMATS: dict[str, Format] = {
    ".csv": "delimited text",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".parquet": "Parquet",
    ".xlsx": "Excel",
}


def _as_text(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    number = cs.float().cast(pl.Float64).fill_nan(None)
    whole = (number == number.floor()) & (number.abs() < LARGEST_EXACT_INTEGER)
    try:
        typed = frame.select(~cs.nested()).with_columns(
            cs.datetime(time_zone=None).dt.to_string("%Y-%m-%dT%H:%M:%S%.f"),
            cs.datetime(time_zone="*")
            .dt.convert_time_zone("UTC")
            .dt.to_string("%Y-%m-%dT%H:%M:%S%.fZ"),
            pl.when(whole)
            .then(number.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(number.cast(pl.String)),
        )
        text = typed.with_columns(pl.all().cast(pl.String))
    except pl.exceptions.PolarsError as error:
        raise _unreadable(path, "columns of numbers, texts and times", error) from error
    return text.with_columns(pl.when(pl.all() != "").then(pl.all()))


def _unreadable(path: Path, wanted: str, error: Exception) -> UserError:
    reason = str(error).strip().splitlines()[0]
    return UserError(f"{path} cannot be read as {wanted}: {reason}; correct the file or its ending")
