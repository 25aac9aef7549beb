"""A folder of CSV, JSON lines, Parquet or Excel files, and a mapping of its columns.

Belongs here: filing the delivered rows under days, and what they are where the shop says nothing.
Does not belong here: the mapping's rules (`mapping.py`), finding and renaming the shop's columns
(`delivered_rows.py`), reading times (`delivered_times.py`) and values (`typed_columns.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import cast

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.delivered_rows import (
    WHEN_UNMAPPED,
    delivered_rows,
    is_delivered,
)
from persona_assets.sources.delivered_times import instants
from persona_assets.sources.entities import dated, newest_state, one_description, refuse_missing
from persona_assets.sources.event_ids import content_ids
from persona_assets.sources.mapping import Mapping, TableMapping
from persona_assets.sources.sampling import Sample
from persona_assets.sources.typed_columns import refuse_other_than, typed
from persona_assets.tables import raw
from persona_assets.tables.contract import Table
from persona_assets.transforms.attribute_history import VALID_FROM

NOT_THE_EVENT = frozenset({"event_id", "arrived_at"})
"""A row delivered again later tells of the same event, so arrival is no part of its identity."""


class FilesSource:
    """A shop that exports files.

    Rows are filed under the UTC day of their timestamp: unreadable ones under the first day,
    those outside the range under its nearest day. Where the mapping names no

    - `event_id`, it is made from the row's mapped columns, so that equal rows get equal ones;
    - `arrived_at`, a row arrived when its event happened, or, if that is not on the day under
      which it is filed (unreadable, in the future), at the start of that day;
    - `event_type` (which a mapping file always names), a row is a purchase, and a return where its
      quantity is negative;
    - `quantity`, an event is about one piece (−1 for a return); views and carts are so too where
      a mapped quantity is empty;
    - `[users]` or `[products]`, these are the distinct identifiers of the events.

    Args:
        path: the folder.
        mapping: which files and columns are what; see `mapping.read_mapping`.
        start: first day; default: day of the earliest readable timestamp.
        end: day after the last; default: after the day of the latest that is not after `today`.
        sample: look at these events alone; None: at all.
        today: the caller's day in UTC, so that a timestamp in 2099 does not stretch the range.

    Raises:
        UserError: at once if the folder is missing; when rows are asked for, if files are missing
            or unreadable, lack a mapped column or hold nothing that can be used.
    """

    name = "files"
    identifiers_are_public = False

    def __init__(
        self,
        path: Path,
        mapping: Mapping,
        start: date | None = None,
        end: date | None = None,
        *,
        today: date,
        sample: Sample | None = None,
    ) -> None:
        if not path.is_dir():
            raise UserError(f"there is no folder {path}; correct the path")
        self._path = path
        delivered = {
            name: section for name, section in mapping.tables.items() if is_delivered(path, section)
        }
        self._mapping = replace(mapping, tables=delivered)
        self._asked = (start, end)
        self._today = today
        self._sample = sample
        self._notes: dict[str, tuple[str, ...]] = {}
        self._entity_rows: dict[str, pl.DataFrame] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What reading had to say (files skipped, separators chosen …) of the sections read."""
        return tuple(note for notes in self._notes.values() for note in notes)

    @property
    def start(self) -> date:
        """First day."""
        return self._range[0]

    @property
    def end(self) -> date:
        """Day after the last day."""
        return self._range[1]

    def users(self) -> pl.DataFrame:
        """Rows of `raw/users`; where the mapping dates them, those that hold today."""
        return self._entities(raw.USERS)

    def products(self) -> pl.DataFrame:
        """Rows of `raw/products`; where the mapping dates them, those that hold today."""
        return self._entities(raw.PRODUCTS)

    def dated_users(self) -> pl.DataFrame | None:
        """Descriptions of people with `valid_from`; None where the mapping has no such column."""
        return self._dated(raw.USERS)

    def dated_products(self) -> pl.DataFrame | None:
        """Descriptions of products with `valid_from`; None where the mapping has no such column."""
        return self._dated(raw.PRODUCTS)

    def events(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/events` filed under `days`."""
        return self._events.filter(pl.col("event_date").is_in(list(days)))

    def places(self) -> pl.DataFrame:
        """Where each event comes from: `event_date, source_row, place, delivered`.

        `place` is its file and row, `delivered` its position among all delivered rows.
        """
        return _numbered(self._delivered_events, self._days(self._delivered_events)).select(
            "event_date", "source_row", "place", delivered=pl.int_range(pl.len())
        )

    def orders(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/orders` filed under `days`; none where the mapping has no `[orders]`."""
        return self._orders.filter(pl.col("event_date").is_in(list(days)))

    def search_logs(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/search_logs` filed under `days`; none without `[search_logs]`."""
        return self._search_logs.filter(pl.col("event_date").is_in(list(days)))

    @cached_property
    def _delivered_events(self) -> pl.DataFrame:
        mapping = self._mapping.tables["events"]
        delivered = self._delivered(mapping)
        if "event_type" not in mapping.given:
            delivered = delivered.with_columns(event_type=_kind_by_sign())
        events = _with_quantity(delivered, "quantity" in mapping.given)
        if events["instant"].null_count() == len(events):
            raise UserError(
                f"none of the {len(events)} timestamps of {mapping.file} can be read, the first "
                f"is {events['timestamp'][0]!r}; say in [events.time] which format, unit or zone "
                "they have"
            )
        if "event_id" in mapping.given:
            return events
        told = sorted(mapping.given - NOT_THE_EVENT)
        return events.with_columns(content_ids(events, told, person="user_id"))

    @cached_property
    def _range(self) -> tuple[date, date]:
        start, end = self._asked
        days = self._delivered_events["instant"].dt.date().drop_nulls().sort()
        known = days.filter(days <= self._today)
        if known.is_empty() and (start is None or end is None):
            raise UserError(
                f"all readable timestamps of {self._mapping.tables['events'].file} lie after "
                f"today ({self._today}), the first is on {days[0]}; correct [events.time], or "
                "state the first and last day"
            )
        if start is None:
            start = cast(date, known[0])
        if end is None:
            end = cast(date, known[-1]) + timedelta(days=1)
        if end <= start:
            raise UserError(
                f"the range ends on {end}, not after its first day {start}; correct start or end"
            )
        return start, end

    @cached_property
    def _events(self) -> pl.DataFrame:
        return self._filed(self._delivered_events, raw.EVENTS)

    @cached_property
    def _orders(self) -> pl.DataFrame:
        return self._daily(raw.ORDERS)

    @cached_property
    def _search_logs(self) -> pl.DataFrame:
        return self._daily(raw.SEARCH_LOGS)

    def _delivered(self, mapping: TableMapping) -> pl.DataFrame:
        sample = self._sample if mapping.section == "events" else None
        delivered = delivered_rows(self._path, mapping, sample)
        self._notes[mapping.section] = delivered.notes
        return delivered.rows

    def _daily(self, table: Table) -> pl.DataFrame:
        mapping = self._mapping.tables.get(table.name)
        return self._filed(self._delivered(mapping), table) if mapping else table.empty()

    def _filed(self, delivered: pl.DataFrame, table: Table) -> pl.DataFrame:
        """Rows of a daily table under their days, in the contract's types and order."""
        day = self._days(delivered)
        arrival = _arrival(delivered, day, table, self._mapping.tables[table.name])
        filed = _numbered(delivered, day).with_columns(arrival)
        return _in_contract(filed, table, strict=False).sort("event_date", "source_row")

    def _days(self, delivered: pl.DataFrame) -> pl.Series:
        """The day under which each row is filed."""
        last = self.end - timedelta(days=1)
        return delivered["instant"].dt.date().fill_null(self.start).clip(self.start, last)

    def _entities(self, table: Table) -> pl.DataFrame:
        key = table.key[0]
        mapping = self._mapping.tables.get(table.name)
        if mapping is None:
            ids = self._delivered_events[key].drop_nulls().unique().sort()
            distinct = pl.DataFrame(ids).with_columns(
                pl.lit(WHEN_UNMAPPED.get(column.name), column_type).alias(column.name)
                for column, column_type in zip(
                    table.columns, table.polars_schema.values(), strict=True
                )
                if column.name != key
            )
            return distinct.select(table.polars_schema.names())
        described = self._described(mapping)
        if VALID_FROM in mapping.given:
            return newest_state(described, table, self._today)
        return described

    def _dated(self, table: Table) -> pl.DataFrame | None:
        mapping = self._mapping.tables.get(table.name)
        if mapping is None or VALID_FROM not in mapping.given:
            return None
        return self._described(mapping)

    def _described(self, mapping: TableMapping) -> pl.DataFrame:
        """People or products, each described once, or once for each `valid_from`."""
        if mapping.section in self._entity_rows:
            return self._entity_rows[mapping.section]
        table = mapping.table
        identified_by = [table.key[0]]
        delivered = self._delivered(mapping)
        rows = _in_contract(delivered, table, strict=True).with_columns(delivered["place"])
        refuse_missing(rows, table.key[0])
        if VALID_FROM in mapping.given:
            rows = dated(
                rows,
                delivered[VALID_FROM],
                mapping.time,
                section=mapping.section,
                today=self._today,
            )
            identified_by.append(VALID_FROM)
        found, note = one_description(rows, identified_by)
        if note:
            self._notes[mapping.section] += (f"[{mapping.section}] {note}",)
        self._entity_rows[mapping.section] = found
        return found


def _numbered(rows: pl.DataFrame, day: pl.Series) -> pl.DataFrame:
    """Rows with their `event_date` and, within it, their `source_row`."""
    return rows.with_columns(day.alias("event_date")).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).over("event_date").alias("source_row")
    )


def _kind_by_sign() -> pl.Expr:
    returned = pl.col("quantity").str.strip_chars().str.starts_with("-").fill_null(False)
    return pl.when(returned).then(pl.lit("return")).otherwise(pl.lit("purchase"))


def _with_quantity(events: pl.DataFrame, mapped: bool) -> pl.DataFrame:
    """Gives one piece to events that say nothing about pieces."""
    one = pl.when(event_type="return").then(pl.lit("-1")).otherwise(pl.lit("1"))
    if mapped:
        one = pl.when(pl.col("event_type").is_in(["view", "add_to_cart"])).then(pl.lit("1"))
    return events.with_columns(pl.coalesce("quantity", one).alias("quantity"))


def _arrival(rows: pl.DataFrame, day: pl.Series, table: Table, mapping: TableMapping) -> pl.Series:
    """When each row reached the log; the delivered arrival must be readable in every row."""
    if "arrived_at" not in mapping.given:
        instant = rows["instant"]
        start_of_day = day.cast(pl.Datetime("us", "UTC"))
        on_its_day = (instant.dt.date() == day).fill_null(False)
        return instant.zip_with(on_its_day, start_of_day).alias("arrived_at")
    arrived_at = instants(rows["arrived_at"]).alias("arrived_at")
    if arrived_at.null_count():
        first = int(arrived_at.is_null().arg_max() or 0)
        raise UserError(
            f"{rows['place'][first]}: arrived_at is {rows['arrived_at'][first]!r}, which is no "
            f"time; correct the file or [{table.name}.time], or leave arrived_at unmapped"
        )
    return arrived_at


def _in_contract(rows: pl.DataFrame, table: Table, *, strict: bool) -> pl.DataFrame:
    """The contract's columns in its types; columns that we added have theirs already."""
    for column in table.columns:
        if column.allowed and not column.nullable:
            refuse_other_than(rows, column, table.name)
    return rows.select(
        rows[column.name]
        if rows.schema[column.name] == table.polars_schema[column.name]
        else typed(rows, column, strict=strict)
        for column in table.columns
    )
