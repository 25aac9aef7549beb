"""All sections of a delivery together: identifiers spelled alike, values read, a sample if asked.

Belongs here: what is decided over more than one section, and the order of the steps. Does not
belong here: the steps (`delivered_rows.py`, `identifiers.py`, `delivered_values.py`,
`sampling.py`), or the raw tables that follow (`files.py`).
"""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from persona_assets.sources.delivered_rows import DeliveredRows, delivered_rows
from persona_assets.sources.delivered_values import DeliveredValues, read_values
from persona_assets.sources.identifiers import look_alikes, one_spelling, rounded
from persona_assets.sources.mapping import TableMapping
from persona_assets.sources.sampling import Sample
from persona_assets.sources.split_cells import products_in_lists

_IDENTIFIERS = (("user_id",), ("product_id",), ("order_id",), ("event_id", "related_event_id"))
"""Columns that hold identifiers of one kind, in whatever section."""


def read_sections(
    folder: Path, sections: MappingOf[str, TableMapping], *, today: date, sample: Sample | None
) -> dict[str, DeliveredValues]:
    """The rows of every section, with identifiers of one kind spelled alike and values read.

    Everything is decided over all rows; a `sample` of the events is taken only then.

    Args:
        folder: where the files are.
        sections: name → mapping.
        today: the caller's day in UTC.
        sample: which events are looked at; None: all.

    Raises:
        UserError: files are missing or cannot be read with this mapping.
    """
    delivered = {name: delivered_rows(folder, section) for name, section in sections.items()}
    delivered = _spelled_alike(delivered, sections)
    delivered = {name: _with_lists(name, delivered) for name in delivered}
    read: dict[str, DeliveredValues] = {}
    for name, section in sections.items():
        rows = delivered.pop(name)  # not held twice
        values = read_values(rows.rows, section, today=today)
        notes = (*rows.notes, *values.notes)
        if name == "events" and sample is not None:
            values, looked_at = _sampled(values, rows.heights, sample)
            notes = (*notes, *looked_at)
        read[name] = replace(values, notes=notes)
    return read


def _spelled_alike(
    delivered: MappingOf[str, DeliveredRows], sections: MappingOf[str, TableMapping]
) -> dict[str, DeliveredRows]:
    spelled = dict(delivered)
    for kind in _IDENTIFIERS:
        places = [
            (name, column)
            for name, section in sections.items()
            for column in kind
            if column in section.columns
        ]
        columns, changed = one_spelling(
            {f"{name} {column}": spelled[name].rows[column] for name, column in places}
        )
        first = next((name for name, _ in places), "")
        if cut := rounded([spelled[name].rows[column] for name, column in places]):
            note = (
                f"{cut:,} rows have a {kind[0]} such as 4.00638E+12, whose last digits a "
                "spreadsheet has cut off: different ones may have become one; export them as text"
            )
            spelled[first] = replace(spelled[first], notes=(*spelled[first].notes, note))
        if not changed:
            if said := _two_spellings(kind[0], list(columns.values())):
                spelled[first] = replace(spelled[first], notes=(*spelled[first].notes, said))
            continue
        for name, column in places:
            rows = spelled[name].rows.with_columns(columns[f"{name} {column}"].alias(column))
            spelled[name] = replace(spelled[name], rows=rows)
        note = f"every {kind[0]} is a number, so that 17850.0 and 17850 count as the same"
        spelled[first] = replace(spelled[first], notes=(*spelled[first].notes, note))
    return spelled


def _with_lists(name: str, delivered: MappingOf[str, DeliveredRows]) -> DeliveredRows:
    """The rows of a section, with a note where cells of it hold several products."""
    found = delivered[name]
    if name not in ("events", "orders"):
        return found
    catalogue = [delivered["products"].rows["product_id"]] if "products" in delivered else []
    note = products_in_lists(found.rows["product_id"], found.rows["place"], catalogue, section=name)
    return replace(found, notes=(*found.notes, note)) if note else found


def _two_spellings(kind: str, columns: Sequence[pl.Series]) -> str | None:
    """A note on identifiers that look like one and the same and are left as two; None: none are."""
    found = look_alikes(columns) if columns else None
    if found is None:
        return None
    return (
        f"of {kind}, {found.pairs:,} are spelled in two ways such as 17850 and 17850.0 "
        f"({found.rows:,} "
        f"rows) and count as different, since {found.words:,} others are not numbers; if they are "
        "the same, spell them alike in the files"
    )


def _sampled(
    values: DeliveredValues, heights: tuple[int, ...], sample: Sample
) -> tuple[DeliveredValues, tuple[str, ...]]:
    rows = sample.of(values.rows, heights)
    if rows.height == values.rows.height:
        return values, ()
    note = (
        f"read {rows.height:,} of {values.rows.height:,} rows of [events]: the first of each "
        f"file and a random sample of the others (seed {sample.seed}); --all looks at every row"
    )
    return replace(values, rows=rows), (note,)
