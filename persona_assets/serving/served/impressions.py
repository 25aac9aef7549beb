"""What followed from each served product: rows of `serving/impressions`.

Belongs here: joining lists with events, and which days are due. Does not belong here: collecting
either (`ingest.py`, `serving/collector/`), statistics of them (`monitoring/`, `experiments/`).

An event belongs to the list whose `recommendation_id` it repeats and to the product that it is of;
whatever is sent twice, or both as an event of its own and as something that implies it, counts once
(metarank#1554: an impression that was sent and one that a click implies were counted as two).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from persona_assets.errors import DataError
from persona_assets.lake import DeltaStore
from persona_assets.lake.commit import PREFIX, Commit
from persona_assets.tables import Table
from persona_assets.tables.collected import COLLECTED_EVENTS, IMPRESSIONS, SERVED_LISTS

WINDOW_DAYS = 7
"""An event belongs to a list that was served at most so many days before."""
CLOCK_DAYS = 1
"""Clocks of browsers are wrong: so far an event may lie before its list, as at the service's door
(`collector/instants.py`)."""
_EVENT_COLUMNS = ("event_ts", "event_type", "product_id", "recommendation_id", "quantity", "price")
_CLICKS = ("list_click", "view")
_KEY = ("recommendation_id", "product_id")


def impressions(lists: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Each served product, with what followed from it.

    Args:
        lists: rows of `serving/served_lists`.
        events: rows of `raw/collected_events`, at least those from a day before the lists until
            `WINDOW_DAYS` after; those of other lists and times are left out.

    Returns:
        Rows of `serving/impressions`, one for each of `lists`.
    """
    kind = pl.col("event_type")
    followed = (
        events.filter(pl.col("recommendation_id").is_not_null())
        .join(lists.select(*_KEY, "served_at").unique(), on=list(_KEY))
        .filter(
            pl.col("event_ts") >= pl.col("served_at") - pl.duration(days=CLOCK_DAYS),
            pl.col("event_ts") <= pl.col("served_at") + pl.duration(days=WINDOW_DAYS),
        )
        .group_by(_KEY)
        .agg(
            any=pl.len() > 0,
            clicked=kind.is_in(_CLICKS).any(),
            carted=(kind == "add_to_cart").any(),
            purchased=(kind == "purchase").any(),
            rejected=(kind == "reject").any(),
            revenue=(pl.col("price") * pl.col("quantity").fill_null(1.0))
            .filter(kind == "purchase")
            .sort()  # so that the sum does not depend on the order of rows
            .sum(),
        )
    )
    nothing = pl.col("any", "clicked", "carted", "purchased", "rejected").fill_null(value=False)
    return (
        lists.join(followed, on=list(_KEY), how="left", maintain_order="left")
        .with_columns(nothing, pl.col("revenue").fill_null(0.0))
        # Nothing is done from what is not on the screen.
        .with_columns(viewed=pl.col("any"))
        .select(IMPRESSIONS.polars_schema.names())
    )


def refresh(store: DeltaStore) -> tuple[str, ...]:
    """Make the days of `serving/impressions` whose lists or events changed; those days, ISO.

    What was made from which versions stands in the commits, so that whoever was killed before, or
    lost against another, leaves nothing undone.

    Raises:
        DataError: a table cannot be read.
        InfrastructureError: the lake cannot be written.
    """
    if not store.exists(SERVED_LISTS):
        return ()
    versions = {
        table.path: version
        for table in (SERVED_LISTS, COLLECTED_EVENTS)
        if (version := store.version(table)) is not None
    }
    days = _due(store, versions)
    if not days:
        return ()
    made = impressions(
        store.read(SERVED_LISTS, days, at=versions[SERVED_LISTS.path]),
        _events(store, days, versions),
    )
    # All in one commit, so that the newest one says what every day was made from at least.
    commit = Commit(asset=IMPRESSIONS.path, partitions=tuple(map(str, days)), inputs=versions)
    store.overwrite(IMPRESSIONS, made, partitions=days, commit=commit)
    return tuple(map(str, days))


def _events(store: DeltaStore, days: Sequence[date], versions: Mapping[str, int]) -> pl.DataFrame:
    """The events that may belong to lists of the days."""
    if COLLECTED_EVENTS.path not in versions:
        return COLLECTED_EVENTS.empty()
    around = {
        day + timedelta(days=offset)
        for day in days
        for offset in range(-CLOCK_DAYS, WINDOW_DAYS + 1)
    }
    at = versions[COLLECTED_EVENTS.path]
    return store.read(COLLECTED_EVENTS, sorted(around), at=at, columns=_EVENT_COLUMNS)


def _due(store: DeltaStore, versions: Mapping[str, int]) -> list[date]:
    """Days with lists of which lists, or events in their window, changed since the last time."""
    served = store.partition_rows(SERVED_LISTS)
    before = _versions_before(store)
    if before is None:
        return sorted(map(date.fromisoformat, served))
    of_lists = _changed(store, before, versions, SERVED_LISTS)
    of_events = _changed(store, before, versions, COLLECTED_EVENTS)
    if of_lists is None or of_events is None:
        return sorted(map(date.fromisoformat, served))
    around = {
        day + timedelta(days=offset)
        for day in of_events
        for offset in range(-WINDOW_DAYS, CLOCK_DAYS + 1)
    }
    return sorted(day for day in of_lists | around if str(day) in served)


def _versions_before(store: DeltaStore) -> dict[str, int] | None:
    """Versions of the inputs that all days were made from last; None: nobody says so any more."""
    if not store.exists(IMPRESSIONS):
        return None
    for commit in store.history(IMPRESSIONS):
        if inputs := json.loads(str(commit.get(f"{PREFIX}inputs") or "{}")):
            return {str(path): int(version) for path, version in inputs.items()}
    return None


def _changed(
    store: DeltaStore, before: Mapping[str, int], now: Mapping[str, int], table: Table
) -> set[date] | None:
    """Days of the table whose number of rows changed: rows are only added; None: nobody knows."""
    path = table.path
    if path not in now or before.get(path) == now[path]:
        return set()
    old: Mapping[str, int] = {}
    if path in before:
        try:
            old = store.partition_rows(table, at=before[path])
        except DataError:  # so long ago that the log does not reach back
            return None
    new = store.partition_rows(table, at=now[path])
    return {date.fromisoformat(day) for day, rows in new.items() if rows != old.get(day)}
