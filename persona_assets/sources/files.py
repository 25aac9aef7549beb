"""A folder of CSV, JSON lines, Parquet or Excel files, and a mapping of its columns.

Belongs here: filing the delivered rows under days, in the contracts of the raw tables. Does not
belong here: the mapping's rules (`mapping.py`), reading files and values
(`delivered_sections.py`), what events mean where the shop says nothing (`delivered_events.py`),
which days there are (`delivered_days.py`), or which description of somebody counts (`entities.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.declaration import Declaration, Kind, Option
from persona_assets.sources.delivered_days import DeliveredDays, delivered_days
from persona_assets.sources.delivered_events import (
    arrivals,
    arrived_too_early,
    given_back,
    meant,
    plausible_times,
    refuse_unreadable_times,
    without_times,
)
from persona_assets.sources.delivered_rows import is_delivered
from persona_assets.sources.delivered_sections import read_sections
from persona_assets.sources.delivered_values import DeliveredValues
from persona_assets.sources.entities import described, newest_state, undescribed
from persona_assets.sources.mapping import Mapping, TableMapping, parsed
from persona_assets.sources.mapping_document import for_path, printable, read_document
from persona_assets.sources.presets import PRESETS
from persona_assets.sources.protocol import Source
from persona_assets.sources.sampling import Sample
from persona_assets.sources.typed_columns import in_contract
from persona_assets.tables import raw
from persona_assets.tables.contract import Table
from persona_assets.transforms.attribute_history import VALID_FROM

if TYPE_CHECKING:
    from persona_assets.settings import SourceSettings


class FilesSource:
    """A shop that exports files.

    Rows are filed under the UTC day of their timestamp: unreadable ones under the first day,
    those outside the range under its nearest day. Where the mapping names no

    - `event_id`, it is made from the row's mapped columns, so that equal rows get equal ones;
    - `arrived_at`, a row arrived when its event happened, or, if that cannot be (unreadable, in the
      future, far from all others), at the start of the day under which it is filed;
    - `event_type` (which a mapping file always names), a row is a purchase; a purchase with a
      negative quantity is a return, whoever says that it is a purchase;
    - `quantity`, an event is about one piece (−1 for a return); views and carts are so too where
      a mapped quantity is empty;
    - `[users]` or `[products]`, these are the distinct identifiers of the events.

    Args:
        path: the folder.
        mapping: which files and columns are what; see `mapping.Mapping`.
        start: first day; default: the first of the bulk of the rows (`delivered_days.py`).
        end: day after the last; default: after the last of the bulk of the rows.
        sample: look at these events alone; None: at all.
        days_may_be_stated: whether the caller takes `start` and `end` from a person, whom messages
            then tell of `--start` and `--end`.
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
        days_may_be_stated: bool = True,
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
        self._days_may_be_stated = days_may_be_stated
        self._notes: list[str] = [*without_times(delivered["events"])]
        self._entity_rows: dict[str, pl.DataFrame] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What reading had to say: files passed over, separators, readings of times, the range."""
        return tuple(self._notes)

    @property
    def start(self) -> date:
        """First day."""
        return self._range.start

    @property
    def end(self) -> date:
        """Day after the last day."""
        return self._range.end

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
        return _numbered(self.delivered_events, self._days(self.delivered_events)).select(
            "event_date", "source_row", "place", delivered=pl.int_range(pl.len())
        )

    def orders(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/orders` filed under `days`; none where the mapping has no `[orders]`."""
        return self._orders.filter(pl.col("event_date").is_in(list(days)))

    def search_logs(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/search_logs` filed under `days`; none without `[search_logs]`."""
        return self._search_logs.filter(pl.col("event_date").is_in(list(days)))

    @cached_property
    def delivered_events(self) -> pl.DataFrame:
        """Events in the order of their delivery, before they are filed under days.

        Columns of `raw/events` as far as they are known, `place`, `instant` (timestamp; null:
        unreadable), and further columns that the mapping names.
        """
        rows, mapping = self._timed("events"), self._mapping.tables["events"]
        self._notes += given_back(rows, mapping)
        return meant(rows, mapping)

    def _timed(self, section: str) -> pl.DataFrame:
        rows = self._sections[section].rows
        refuse_unreadable_times(rows, self._mapping.tables[section])
        return rows

    @cached_property
    def _sections(self) -> dict[str, DeliveredValues]:
        read = read_sections(
            self._path, self._mapping.tables, today=self._today, sample=self._sample
        )
        self._notes += [note for section in read.values() for note in section.notes]
        return read

    @cached_property
    def _range(self) -> DeliveredDays:
        found = delivered_days(
            self.delivered_events,
            files=self._mapping.tables["events"].file,
            asked=self._asked,
            today=self._today,
            may_be_stated=self._days_may_be_stated,
        )
        self._notes += found.notes
        return found

    @cached_property
    def _events(self) -> pl.DataFrame:
        return self._filed(self.delivered_events, raw.EVENTS)

    @cached_property
    def _orders(self) -> pl.DataFrame:
        return self._daily(raw.ORDERS)

    @cached_property
    def _search_logs(self) -> pl.DataFrame:
        return self._daily(raw.SEARCH_LOGS)

    def _daily(self, table: Table) -> pl.DataFrame:
        if table.name not in self._mapping.tables:
            return table.empty()
        return self._filed(self._timed(table.name), table)

    def _filed(self, delivered: pl.DataFrame, table: Table) -> pl.DataFrame:
        """Rows of a daily table under their days, in the contract's types and order."""
        day = self._days(delivered)
        arrived = arrivals(
            delivered,
            day,
            self._mapping.tables[table.name],
            plausible=plausible_times(delivered["instant"], self._range.outside, today=self._today),
            today=self._today,
        )
        self._notes += arrived_too_early(delivered, arrived)
        filed = _numbered(delivered, day).with_columns(arrived)
        return in_contract(filed, table, strict=False).sort("event_date", "source_row")

    def _days(self, delivered: pl.DataFrame) -> pl.Series:
        """The day under which each row is filed."""
        last = self.end - timedelta(days=1)
        return delivered["instant"].dt.date().fill_null(self.start).clip(self.start, last)

    def _entities(self, table: Table) -> pl.DataFrame:
        mapping = self._mapping.tables.get(table.name)
        if mapping is None:
            return undescribed(self.delivered_events[table.key[0]], table)
        found = self._described(mapping)
        return newest_state(found, table, self._today) if VALID_FROM in mapping.given else found

    def _dated(self, table: Table) -> pl.DataFrame | None:
        mapping = self._mapping.tables.get(table.name)
        if mapping is None or VALID_FROM not in mapping.given:
            return None
        return self._described(mapping)

    def _described(self, mapping: TableMapping) -> pl.DataFrame:
        """People or products, each described once, or once for each `valid_from`."""
        if mapping.section not in self._entity_rows:
            rows = self._sections[mapping.section].rows
            found, note = described(rows, mapping, today=self._today)
            self._notes += [f"[{mapping.section}] {note}"] if note else []
            self._entity_rows[mapping.section] = found
        return self._entity_rows[mapping.section]


def _numbered(rows: pl.DataFrame, day: pl.Series) -> pl.DataFrame:
    """Rows with their `event_date` and, within it, their `source_row`."""
    return rows.with_columns(day.alias("event_date")).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).over("event_date").alias("source_row")
    )


def _open(settings: "SourceSettings", today: date) -> FilesSource:
    mapping = settings.options["mapping"]
    document = read_document(mapping, consent=settings.options.get("consent"))
    folder, document = for_path(Path(settings.options["path"]), document)
    return FilesSource(
        folder,
        parsed(document, Path(printable(mapping))),
        start=settings.start,
        end=settings.end,
        today=today,
    )


def _look(source: Source, most_rejected: float) -> Sequence[str]:
    from persona_assets.sources import validation  # which imports this module

    assert isinstance(source, FilesSource)  # noqa: S101 - what `_open` opened
    sampled = validation.validate(source, most_rows=validation.SAMPLE_ROWS)
    validation.refuse_what_does_not_fit(sampled, most_rejected=most_rejected)
    return source.notes


FILES = Declaration(
    name="files",
    options=(
        Option("path", Kind.DELIVERY, help="File or folder", needed=True),
        Option(
            "mapping",
            Kind.FILE,
            help="TOML column mapping or name of a preset",
            needed=True,
            words=PRESETS,
        ),
        Option("consent", Kind.TEXT, help="all: everybody in the files consented"),
    ),
    open=_open,
    look=_look,
)
"""A shop's own files, read by a mapping."""
