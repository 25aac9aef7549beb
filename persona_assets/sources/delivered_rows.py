"""A section's rows as delivered, under our names.

Belongs here: finding a section's files in the folder and applying the mapping's columns, values,
constants and times. Does not belong here: types, days and identifiers (`files.py`).
"""

from pathlib import Path

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.column_rules import filled_down, in_our_columns, of_the_section
from persona_assets.sources.delivered_times import as_the_mart_reads, instants
from persona_assets.sources.mapping import TableMapping
from persona_assets.sources.reading import read_text

WHEN_UNMAPPED = {"kind": "product", "status": "completed"}
"""What a row is where the shop makes no such distinction."""


def delivered_rows(folder: Path, mapping: TableMapping) -> pl.DataFrame:
    """All rows of a section's files, in the order of the files' names, as text in our columns.

    Columns of the contract that the mapping does not give are null. Besides them: `place` (file
    and row, for error texts) and, where the table has a timestamp, `instant` (null where the
    timestamp cannot be read).

    Raises:
        UserError: no file matches, one cannot be read or lacks a mapped column, or there are no
            rows at all.
    """
    rows = pl.concat([_renamed(path, folder, mapping) for path in _files(folder, mapping)])
    if rows.is_empty():
        raise UserError(f"{folder / mapping.file} has a header and no rows; deliver it again")
    rows = rows.with_columns(
        *(pl.col(name).replace(values) for name, values in mapping.values.items()),
    ).with_columns(pl.col(name).fill_null(value) for name, value in mapping.defaults.items())
    others = [name for name in mapping.table.polars_schema if name not in mapping.columns]
    stated = {name: mapping.constants.get(name, WHEN_UNMAPPED.get(name)) for name in others}
    rows = rows.with_columns(pl.lit(value, pl.String).alias(name) for name, value in stated.items())
    times = [name for name in ("timestamp", "arrived_at") if name in mapping.given]
    rows = rows.with_columns(as_the_mart_reads(rows[time], mapping.time) for time in times)
    if "timestamp" not in times:
        return rows
    return rows.with_columns(instants(rows["timestamp"]).alias("instant"))


def is_delivered(folder: Path, mapping: TableMapping) -> bool:
    """Whether a section has a file, or may not lack one."""
    return not mapping.optional_file or bool(_matching(folder, mapping))


def _matching(folder: Path, mapping: TableMapping) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(mapping.file) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise UserError(
            f"[{mapping.section}] file = {mapping.file!r} is no pattern inside the folder: "
            f"{error}; name files relative to {folder}"
        ) from error


def _files(folder: Path, mapping: TableMapping) -> list[Path]:
    paths = _matching(folder, mapping)
    if not paths:
        there = sorted(path.name for path in folder.iterdir())
        raise UserError(
            f"no file in {folder} matches [{mapping.section}] file = {mapping.file!r}; "
            f"there are {there}; correct the pattern or deliver the file"
        )
    return paths


def _renamed(path: Path, folder: Path, mapping: TableMapping) -> pl.DataFrame:
    name = str(path.relative_to(folder))
    text = read_text(path)
    place = pl.format("{} row {}", pl.lit(name), pl.int_range(1, pl.len() + 1))
    rows = of_the_section(text.with_columns(place=place), mapping, name)
    return filled_down(in_our_columns(rows, mapping, name), mapping.fill_down)
