"""Bringing the event log into the lake: every acknowledged event in `raw/collected_events`, once.

Belongs here: how far the log was brought in, and rows of its records. Does not belong here: how
rows are appended exactly once (`lake/append_once.py`), when it is done (`orchestration/`), what
becomes of them in the raw events of a day (`sources/collected.py`).
"""

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

import polars as pl

from persona_assets.errors import DataError, UserError
from persona_assets.lake import DeltaStore
from persona_assets.lake.append_once import Part, append_once, mark_of
from persona_assets.serving.collector.acceptance import kept
from persona_assets.serving.collector.contract import CollectedEvent
from persona_assets.serving.event_log import reader
from persona_assets.serving.event_log.segments import identity, segments
from persona_assets.serving.event_log.writer import EventLog
from persona_assets.tables.collected import COLLECTED_EVENTS

FOLDER = "event_log"
"""Name of the log's folder in a home."""
RECORDS = 100_000
"""Records that are brought in at a time: some hundred megabytes while they are."""
_COPIED = tuple(
    name
    for name in COLLECTED_EVENTS.polars_schema
    if name not in ("event_date", "event_ts", "arrived_at")
)


@dataclass(frozen=True)
class Ingested:
    """What was brought in.

    Attributes:
        rows: new events.
        known: events that were there already: sent again by the shop.
        days: with new events, ISO.
        offset: how far the log has been brought in.
    """

    rows: int = 0
    known: int = 0
    days: tuple[str, ...] = ()
    offset: int = 0


@dataclass(frozen=True)
class Lag:
    """What of a log is not in the lake yet.

    Attributes:
        offset: how far it has been brought in.
        sealed: offset at which its sealed segments end.
        end: offset at which its files end.
        seconds: age of the oldest event that is not in the lake; 0: there is none.
    """

    offset: int
    sealed: int
    end: int
    seconds: float


def application(folder: Path) -> str:
    """The name of a log among the applications that append to the table."""
    return f"event_log:{identity(folder)}"


def ingest(folder: Path, store: DeltaStore, *, records: int = RECORDS) -> Ingested:
    """Bring in all that the log in `folder` has now and that is known to be durable.

    What is logged meanwhile is left to the next time, or it would never end. Several may do so at
    once: what one brings in the others do not.

    Args:
        folder: of the log; there may be none.
        store: the lake.
        records: at most so many in one commit.

    Raises:
        DataError: the log is damaged, or has lost what was brought in.
        InfrastructureError: the lake cannot be written.
    """
    if not segments(folder):
        return Ingested()
    name, end = application(folder), reader.extent(folder).end
    rows = known = offset = 0
    days: set[str] = set()

    def part_after(mark: int | None) -> Part | None:
        nonlocal offset
        offset = mark or 0
        _refuse_shorter(folder, offset)
        following = reader.read(folder, offset)
        found = list(islice(following, records)) if offset < end else []
        if not found:
            return None
        return Part(rows_of(kept(each.payload) for each in found), found[-1].next_offset)

    while appended := append_once(store, COLLECTED_EVENTS, name, "event_id", part_after):
        rows, known = rows + appended.rows, known + appended.known
        days |= set(appended.partitions)
    return Ingested(rows, known, tuple(sorted(days)), offset)


def ingest_home(home: Path, store: DeltaStore) -> Ingested:
    """As `ingest`, to the very last event where no service is running that writes the log."""
    folder = home / FOLDER
    if not segments(folder):
        return Ingested()
    # Where a service is running, it seals within half a minute.
    with contextlib.suppress(UserError):
        EventLog(folder).close()  # seals what a service left open when it ended
    return ingest(folder, store)


def lag(folder: Path, store: DeltaStore, now: float | None = None) -> Lag:
    """How far the lake is behind the log; `now` in seconds since 1970 UTC, None: the clock's."""
    extent = reader.extent(folder)
    offset = mark_of(store, COLLECTED_EVENTS, application(folder)) or 0
    seconds = 0.0
    for record in reader.read(folder, max(offset, extent.start)):
        arrived = kept(record.payload).arrival_time / 1e6
        seconds = max(0.0, (time.time() if now is None else now) - arrived)
        break
    return Lag(offset, extent.sealed, extent.end, seconds)


def forget(folder: Path, store: DeltaStore, age: timedelta, now: float) -> int:
    """Delete segments that are in the lake and older than `age`; how many.

    The newest one stays: its name says where the log goes on.
    """
    found = segments(folder)
    if not found:
        return 0
    offset = mark_of(store, COLLECTED_EVENTS, application(folder)) or 0
    old = [
        each
        for each in found[:-1]
        if each.sealed
        and each.base + each.size <= offset
        and each.path.stat().st_mtime < now - age.total_seconds()
    ]
    for each in old:
        each.path.unlink()
    return len(old)


def rows_of(events: Iterable[CollectedEvent]) -> pl.DataFrame:
    """Rows of `raw/collected_events`."""
    found = list(events)
    columns: dict[str, list[object]] = {
        name: [getattr(each, name) for each in found] for name in _COPIED
    }
    frame = pl.DataFrame(
        columns
        | {
            "event_ts": [each.event_time for each in found],
            "arrived_at": [each.arrival_time for each in found],
        },
        schema={name: COLLECTED_EVENTS.polars_schema[name] for name in _COPIED}
        | {"event_ts": pl.Int64(), "arrived_at": pl.Int64()},
    )
    instant = pl.Datetime("us", "UTC")
    return frame.with_columns(
        pl.col("event_ts", "arrived_at").cast(instant),
        event_date=pl.col("event_ts").cast(instant).dt.date(),
    ).select(COLLECTED_EVENTS.polars_schema.names())


def _refuse_shorter(folder: Path, offset: int) -> None:
    end = reader.extent(folder).end
    if offset > end:
        raise DataError(
            f"{folder} ends at offset {end}, but {offset} was brought into the lake: the log was "
            "replaced by an older copy; move the folder away, so that the service begins another"
        )
