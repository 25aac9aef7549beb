"""A section's rows as delivered, under our names.

Belongs here: reading a section's files and applying the mapping's columns, translations, defaults
and constants. Does not belong here: numbers and times (`delivered_values.py`), days and identifiers
(`files.py`), or which files these are (`finding.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.column_rules import (
    filled_down,
    in_our_columns,
    no_field,
    of_the_section,
    refuse_nested,
    without_field,
)
from persona_assets.sources.finding import FoundFile, find_files, nothing_found
from persona_assets.sources.mapping import TableMapping
from persona_assets.sources.reading import EmptyFile, read_text
from persona_assets.sources.split_cells import split_cells

WHEN_UNMAPPED = {"kind": "product", "status": "completed"}
"""What a row is where the shop makes no such distinction."""


@dataclass(frozen=True)
class DeliveredRows:
    """The rows of a section, file after file.

    Attributes:
        rows: text columns under our names, and `place`.
        notes: what reading the files has to say, a sentence each.
        heights: rows of each file.
    """

    rows: pl.DataFrame
    notes: tuple[str, ...] = ()
    heights: tuple[int, ...] = ()


def delivered_rows(folder: Path, mapping: TableMapping) -> DeliveredRows:
    """All rows of a section's files, in the order of the files' names, as text in our columns.

    Columns of the contract that the mapping does not give are null. Besides them there is `place`
    (file and row, for error texts).

    Raises:
        UserError: no file matches, one cannot be read or lacks a mapped column, or there are no
            rows at all.
    """
    found = find_files(folder, mapping.files, section=mapping.section)
    if not found.files:
        raise UserError(nothing_found(folder, mapping.files, section=mapping.section))
    read, empty = _read_all(found.files, mapping)
    if not read:
        raise UserError(
            f"{', '.join(file.name for file in found.files[:8])} in {folder}: all files of "
            f"[{mapping.section}] file = {mapping.file} are empty; deliver them again"
        )
    notes = (*found.notes, *empty, *(note for each in read for note in each.notes))
    rows = pl.concat([each.rows for each in read])
    if rows.is_empty():
        raise UserError(_no_rows(folder, mapping))
    rows = rows.with_columns(
        pl.col(name).fill_null(value) for name, value in mapping.defaults.items()
    )
    others = [name for name in mapping.table.polars_schema if name not in mapping.columns]
    stated = {name: mapping.constants.get(name, WHEN_UNMAPPED.get(name)) for name in others}
    rows = rows.with_columns(pl.lit(value, pl.String).alias(name) for name, value in stated.items())
    return DeliveredRows(rows, notes, tuple(each.rows.height for each in read))


def _no_rows(folder: Path, mapping: TableMapping) -> str:
    """What to say where the files have been read and nothing of them is in the section."""
    if not mapping.where and not mapping.skip_without_key:
        return f"{mapping.file} in {folder} has a header and no rows; deliver it again"
    asked = [f"{name} = {' or '.join(values)}" for name, values in mapping.where.items()]
    asked += [f"a {mapping.table.key[0]}"] * mapping.skip_without_key
    mend = f"correct [{mapping.section}{'.where' if mapping.where else ''}], or deliver such rows"
    return (
        f"no row of {mapping.file} in {folder} is of [{mapping.section}], whose rows have "
        f"{' and '.join(asked)}; {mend}"
    )


def is_delivered(folder: Path, mapping: TableMapping) -> bool:
    """Whether a section has a file, or may not lack one."""
    return not mapping.optional_file or bool(
        find_files(folder, mapping.files, section=mapping.section).files
    )


def _read_all(
    files: Sequence[FoundFile], mapping: TableMapping
) -> tuple[list[DeliveredRows], tuple[str, ...]]:
    """The rows of each file that has any content, and notes on the others.

    Raises:
        UserError: a mapped field is in no row of any file.
    """
    read: list[DeliveredRows] = []
    notes: list[str] = []
    lacking: list[frozenset[str]] = []
    for file in files:
        try:
            rows, absent = _read(file, mapping)
        except EmptyFile:
            notes.append(f"{file.name} was not read, having no content")
            continue
        read.append(rows)
        lacking.append(absent)
    for ours in sorted(frozenset.intersection(*lacking) if lacking else ()):
        raise UserError(no_field(files[0].name, mapping, ours))
    return read, tuple(notes)


def _read(file: FoundFile, mapping: TableMapping) -> tuple[DeliveredRows, frozenset[str]]:
    """The rows of one file, and our columns of which none of its rows has the field."""
    delivered = read_text(
        file.path,
        options=mapping.format,
        columns=mapping.their_columns,
        required=mapping.required_columns,
        partitions=file.partitions,
    )
    refuse_nested(delivered.nested, mapping, file.name)
    place = pl.Series("place", [file.name]).new_from_index(0, len(delivered.row)) + " row "
    text = pl.DataFrame(place + delivered.row.cast(pl.String)).hstack(delivered.frame)
    header = [*delivered.header, *(path for paths in delivered.nested.values() for path in paths)]
    rows = of_the_section(text, mapping, file.name, header)
    ours = in_our_columns(rows, mapping, file.name, header)
    absent = without_field(delivered.absent, mapping)
    rows = split_cells(filled_down(ours, mapping.fill_down), mapping.split)
    return DeliveredRows(rows, delivered.notes), absent
