"""Bringing the event log into the lake: every acknowledged event in `raw/collected_events`, once.

Belongs here: rows of the log's records. Does not belong here: how far a log was brought in
(`serving/event_log/ingestion.py`), when it is done (`orchestration/`), what becomes of the rows in
the raw events of a day (`sources/collected.py`).
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.serving.collector.acceptance import kept
from persona_assets.serving.collector.contract import CollectedEvent
from persona_assets.serving.event_log import ingestion
from persona_assets.serving.event_log.ingestion import (
    RECORDS,
    Destination,
    Ingested,
    Lag,
    application,
)
from persona_assets.tables.collected import COLLECTED_EVENTS

__all__ = ["FOLDER", "Ingested", "Lag", "application", "forget", "ingest", "ingest_home", "lag"]

FOLDER = "event_log"
"""Name of the log's folder in a home."""
_COPIED = tuple(
    name
    for name in COLLECTED_EVENTS.polars_schema
    if name not in ("event_date", "event_ts", "arrived_at")
)


def ingest(folder: Path, store: DeltaStore, *, records: int = RECORDS) -> Ingested:
    """Bring in all that the log in `folder` has; see `ingestion.ingest`."""
    return ingestion.ingest(folder, store, EVENTS, records=records)


def ingest_home(home: Path, store: DeltaStore) -> Ingested:
    """As `ingest`, to the very last event where no service is running that writes the log."""
    ingestion.seal_left_open(home / FOLDER)
    return ingest(home / FOLDER, store)


def lag(folder: Path, store: DeltaStore, now: float | None = None) -> Lag:
    """How far the lake is behind the log; see `ingestion.lag`."""
    return ingestion.lag(folder, store, EVENTS, now)


def forget(folder: Path, store: DeltaStore, age: timedelta, now: float) -> int:
    """Delete segments that are in the lake and older than `age`; see `ingestion.forget`."""
    return ingestion.forget(folder, store, EVENTS, age, now)


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


def _rows(payloads: Sequence[bytes]) -> pl.DataFrame:
    return rows_of(kept(each) for each in payloads)


def _arrival(payload: bytes) -> int:
    return kept(payload).arrival_time


SENT_AGAIN = timedelta(days=7)
"""An event without a time has that of its arrival, and so another day when it is sent again later:
it is known by its identifier for so long, as in the live tail (`REMEMBERED_US`)."""
EVENTS = Destination(COLLECTED_EVENTS, ("event_id",), _rows, _arrival, SENT_AGAIN)
"""Where the records of the event log go."""
