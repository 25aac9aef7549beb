"""Vendors' exports that there is a preset for.

Belongs here: recognising them by the columns and the names of events that the presets name. Does
not belong here: the presets themselves (`presets/`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from persona_assets.sources.inspection.event_names import is_our_own
from persona_assets.sources.inspection.names_to_show import names_to_show
from persona_assets.sources.inspection.roles import KnownTable
from persona_assets.sources.mapping import Mapping, TableMapping, parsed
from persona_assets.sources.mapping_document import read_document, with_consent, without_consent
from persona_assets.sources.presets import PRESETS

KNOWN_EVENTS = 0.5
"""Share of the rows whose names of events the preset must know."""

ONLINE_RETAIL = frozenset(
    {"InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "Country"}
)
"""Columns of the UCI data set, which has a source of its own."""


@dataclass(frozen=True)
class KnownExport:
    """An export that a preset reads.

    Attributes:
        preset: its name.
        mapping: what the preset says, with consent stated, so that it is whole.
        table: the table of the events.
        unknown: names of events that the preset does not know, and that may be shown → rows.
    """

    preset: str
    mapping: Mapping
    table: KnownTable
    unknown: dict[str, int]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by which it was recognised."""
        there = {*self.table.table.frame.columns}
        return tuple(name for name in self.mapping.tables["events"].their_columns if name in there)


def known_export(tables: list[KnownTable]) -> KnownExport | None:
    """The preset that fits a table best; None where none does."""
    found = [
        export
        for preset in PRESETS
        for table in tables
        if (export := _export(preset, table)) is not None
    ]
    return max(found, key=lambda each: (len(each.columns), each.table.table.rows), default=None)


def is_online_retail(table: KnownTable) -> bool:
    """Whether a table has the columns of the UCI data set."""
    return {*table.table.frame.columns} >= ONLINE_RETAIL


def _export(preset: str, table: KnownTable) -> KnownExport | None:
    document = read_document(preset)
    mapping = parsed(with_consent(document, without_consent(document)), Path(preset))
    events = mapping.tables["events"]
    there = {*table.table.frame.columns}
    if not all(there & {*theirs} for theirs in _needed(events)):
        return None
    unknown, rows = {}, 0
    kinds = next((c for c in table.columns if c.name == events.columns["event_type"]), None)
    if kinds is not None:
        known = events.values.get("event_type", {})
        counts = kinds.profile.counts
        unknown = {k: n for k, n in counts.items() if k not in known and not is_our_own(k)}
        rows = kinds.profile.filled
    if sum(unknown.values()) > (1 - KNOWN_EVENTS) * rows:
        return None
    if kinds is not None:  # it is a column of events, as most of its names are known
        shown = names_to_show(kinds.profile, certain=True, users=None)
        unknown = {name: rows for name, rows in unknown.items() if name in shown}
    return KnownExport(preset, mapping, table, unknown)


def _needed(events: TableMapping) -> Iterator[tuple[str, ...]]:
    for ours, first in events.columns.items():
        if ours not in events.optional_columns:
            yield (first, *events.alternatives.get(ours, ()))
