"""Bringing a log into a table of the lake: every durable record's rows, once.

Belongs here: how far a log was brought in, for any kind of record. Does not belong here: what a
record says and which rows it is (`serving/collector/ingest.py`, `serving/served/ingest.py`), how
rows are appended exactly once (`lake/append_once.py`), when it is done (`orchestration/`).
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

import polars as pl

from persona_assets.errors import DataError, UserError
from persona_assets.lake import DeltaStore
from persona_assets.lake.append_once import Part, append_once, mark_of
from persona_assets.serving.event_log import reader
from persona_assets.serving.event_log.segments import identity, segments
from persona_assets.serving.event_log.writer import EventLog
from persona_assets.tables import Table

RECORDS = 100_000
"""Records that are brought in at a time: some hundred megabytes while they are."""


@dataclass(frozen=True)
class Destination:
    """Where the records of a kind of log go.

    Attributes:
        table: to which rows are only added.
        key: the columns by which a row of a day is known.
        rows: payloads → rows of the table.
        arrival: payload → when it was logged [µs since 1970 UTC].
        look_around: so many days before and after its own a row is looked for, too.
    """

    table: Table
    key: tuple[str, ...]
    rows: Callable[[Sequence[bytes]], pl.DataFrame]
    arrival: Callable[[bytes], int]
    look_around: timedelta = timedelta(0)


@dataclass(frozen=True)
class Ingested:
    """What was brought in.

    Attributes:
        rows: that were new.
        known: that were there already: logged again.
        days: with new rows, ISO.
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
        seconds: age of the oldest record that is not in the lake; 0: there is none.
    """

    offset: int
    sealed: int
    end: int
    seconds: float


def application(folder: Path) -> str:
    """The name of a log among the applications that append to a table."""
    return f"event_log:{identity(folder)}"


def ingest(folder: Path, store: DeltaStore, to: Destination, *, records: int = RECORDS) -> Ingested:
    """Bring in all that the log in `folder` has now and that is known to be durable.

    What is logged meanwhile is left to the next time, or it would never end. Several may do so at
    once: what one brings in the others do not.

    Args:
        folder: of the log; there may be none.
        store: the lake.
        to: where its records go.
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
        return Part(to.rows([each.payload for each in found]), found[-1].next_offset)

    while appended := append_once(
        store, to.table, name, to.key, part_after, look_around=to.look_around
    ):
        rows, known = rows + appended.rows, known + appended.known
        days |= set(appended.partitions)
    return Ingested(rows, known, tuple(sorted(days)), offset)


def seal_left_open(folder: Path) -> None:
    """Seal what a service left open when it ended; one that is running does so by itself."""
    if segments(folder):
        with contextlib.suppress(UserError):  # it is running
            EventLog(folder).close()


def lag(folder: Path, store: DeltaStore, to: Destination, now: float | None = None) -> Lag:
    """How far the lake is behind the log; `now` in seconds since 1970 UTC, None: the clock's."""
    extent = reader.extent(folder)
    offset = mark_of(store, to.table, application(folder)) or 0
    seconds = 0.0
    for record in reader.read(folder, max(offset, extent.start)):
        arrived = to.arrival(record.payload) / 1e6
        seconds = max(0.0, (time.time() if now is None else now) - arrived)
        break
    return Lag(offset, extent.sealed, extent.end, seconds)


def forget(folder: Path, store: DeltaStore, to: Destination, age: timedelta, now: float) -> int:
    """Delete segments that are in the lake and older than `age`; how many.

    The newest one stays: its name says where the log goes on.
    """
    found = segments(folder)
    if not found:
        return 0
    offset = mark_of(store, to.table, application(folder)) or 0
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


def _refuse_shorter(folder: Path, offset: int) -> None:
    end = reader.extent(folder).end
    if offset > end:
        raise DataError(
            f"{folder} ends at offset {end}, but {offset} was brought into the lake: the log was "
            "replaced by an older copy; move the folder away, so that the service begins another"
        )
