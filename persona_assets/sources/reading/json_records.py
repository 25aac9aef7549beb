"""JSON: lines of objects, an array of them, or objects one after another.

Belongs here: from text to records, and what is wrong with it by line. Does not belong here: what a
path finds in a record (`nested_json.py`).
"""

import io
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.reading.delivered import Format
from persona_assets.sources.reading.nested_json import DECODER, DuplicateKeyError, Walker
from persona_assets.sources.reading.paths import MARKS, resolved, roots
from persona_assets.sources.reading.paths import Path as ColumnPath

ENDINGS = (".json", ".jsonl", ".ndjson")
SPACE = re.compile(r"[ \t\r\n]*")
CHUNK = 50_000
"""Rows that are held as Python texts at a time."""


@dataclass(frozen=True)
class Records:
    """JSON that was read; see `Delivered` for the fields of the same names."""

    frame: pl.DataFrame
    row: pl.Series
    header: tuple[str, ...]
    format: Format
    nested: dict[str, tuple[str, ...]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def looks_like_json(data: bytes) -> bool:
    """Whether text of any name is JSON: its first line is an object, or it begins an array."""
    begin = data[:4096].lstrip()
    if begin.startswith(b"["):
        return begin[1:].lstrip()[:1] in (b"{", b"]")
    return begin.startswith(b"{") and begin[1:].lstrip()[:1] in (b'"', b"}")


def read_json(data: bytes, path: Path, columns: Collection[str] | None) -> Records:
    """The columns of JSON records, numbers as the text that they were.

    Args:
        data: UTF-8 text.
        path: for error texts.
        columns: names and paths to read; None: all fields of the records. A field that no record
            has is a column of nulls.

    Raises:
        UserError: the text is not JSON, or no objects, or one has two fields of one name.
    """
    records, form = _records(data, path)
    if columns is None:
        known = list(records)
        names = dict.fromkeys(name for _, record in known for name in record)
        header, records = names, iter(known)
        paths = {name: ColumnPath(name) for name in names}
    else:
        header = {}
        there = _columns_in(data, columns)
        paths = {text: resolved(text, there) or ColumnPath(text) for text in columns}
    walker = Walker(paths)
    frames, rows = [_frame({text: [] for text in paths}, path)], [pl.Series(dtype=pl.Int64)]
    for number, (line, record) in enumerate(records, start=1):
        if not record.keys() <= header.keys():
            header |= dict.fromkeys(record)
        try:
            walker.add(record, number)
        except RecursionError as error:
            raise _too_deep(path, line) from error
        except DuplicateKeyError as error:
            raise _duplicate(path, line, error) from error
        if number % CHUNK == 0:
            _take(walker, frames, rows, path)
    _take(walker, frames, rows, path)
    return Records(
        pl.concat(frames),
        pl.concat(rows).alias("row"),
        tuple(header),
        form,
        walker.nested,
        tuple(text for text in paths if text in walker.missing and text not in walker.present),
        tuple(unreadable_notes(walker, path.name)),
    )


def unreadable_notes(walker: Walker, name: str) -> Iterator[str]:
    """What to say of values in which paths found nothing to go on with."""
    for text, numbers in walker.unreadable.items():
        more = f" and in {len(numbers) - 1} more" if len(numbers) > 1 else ""
        yield (
            f"{name} row {numbers[0]}{more}: there is no object or list for {text!r}, which is "
            "read as empty"
        )


def _columns_in(data: bytes, texts: Collection[str]) -> set[str]:
    """Columns that texts may begin with; names with dots and brackets only where they occur."""
    return {
        root
        for root in roots(texts)
        if not any(mark in root for mark in MARKS)
        or re.search(re.escape(json.dumps(root, ensure_ascii=False).encode()) + rb"\s*:", data)
    }


def _take(walker: Walker, frames: list[pl.DataFrame], rows: list[pl.Series], path: Path) -> None:
    values, numbers = walker.taken()
    frames.append(_frame(values, path))
    rows.append(pl.Series(numbers, dtype=pl.Int64))


def _frame(values: dict[str, list[str | None]], path: Path) -> pl.DataFrame:
    try:
        return pl.DataFrame(values, schema=dict.fromkeys(values, pl.String))
    except UnicodeEncodeError as error:
        raise UserError(
            f"{path} holds half a character (a lone surrogate such as \\ud800) in one of its "
            "texts; write whole ones"
        ) from error


def _records(data: bytes, path: Path) -> tuple[Iterator[tuple[int, dict[str, Any]]], Format]:
    first = (data[:1].isspace() and data.lstrip()[:1]) or data[:1]
    if first != b"[" and _first_line_is_whole(data):
        return _lines(data, path), "JSON lines"
    return _documents(data.decode("utf-8"), path), "JSON array" if first == b"[" else "JSON lines"


def _first_line_is_whole(data: bytes) -> bool:
    line = data.lstrip().split(b"\n", 1)[0]
    try:
        DECODER.decode(line.decode("utf-8"))
    except (json.JSONDecodeError, RecursionError, DuplicateKeyError):
        return b"\n" not in data.strip() or not line.rstrip().endswith((b"{", b"[", b","))
    return True


def _lines(data: bytes, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # a carriage return inside a JSON text is escaped
    for number, line in enumerate(io.BytesIO(data), start=1):
        if line.isspace():
            continue
        try:
            yield number, _object(DECODER.decode(line.decode("utf-8")), path, number)
        except json.JSONDecodeError as error:
            raise UserError(
                f"{path} line {number} is not JSON: {error.msg} at column {error.colno}; "
                "correct or remove the line"
            ) from error
        except RecursionError as error:
            raise _too_deep(path, number) from error
        except DuplicateKeyError as error:
            raise _duplicate(path, number, error) from error


def _documents(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of an array, or one after another, over any number of lines."""
    position = _after_space(text, 0)
    array = text[position] == "["
    position += array
    line, counted = 1, 0
    first = True
    while True:
        position = _after_space(text, position)
        if position < len(text) and array and text[position] == "]":
            if (rest := _after_space(text, position + 1)) < len(text):
                raise _not_json(path, text, rest, "Extra data after the array")
            return
        if position == len(text) and not array:
            return
        if array and not first:
            if text[position : position + 1] != ",":
                raise _not_json(path, text, position, "Expecting ',' or the end of the array")
            position = _after_space(text, position + 1)
        line += text.count("\n", counted, position)
        counted, first = position, False
        try:
            value, position = DECODER.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise _not_json(path, text, error.pos, error.msg) from error
        except RecursionError as error:
            raise _too_deep(path, line) from error
        except DuplicateKeyError as error:
            raise _duplicate(path, line, error) from error
        yield line, _object(value, path, line)


def _after_space(text: str, position: int) -> int:
    found = SPACE.match(text, position)
    return found.end() if found else position


def _object(value: Any, path: Path, line: int) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict):
        raise UserError(f"{path} line {line} is not a JSON object; write one object a line")
    return value


def _not_json(path: Path, text: str, position: int, reason: str) -> UserError:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return UserError(
        f"{path} line {line} is not JSON: {reason} at column {column}; correct the file"
    )


def _too_deep(path: Path, line: int) -> UserError:
    return UserError(
        f"{path} line {line} is nested too deeply to be read (hundreds of lists or objects inside "
        "one another); correct or remove it"
    )


def _duplicate(path: Path, line: int, error: DuplicateKeyError) -> UserError:
    return UserError(
        f"{path} line {line} has an object with two fields {error.key!r}; rename or remove one"
    )
