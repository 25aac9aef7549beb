"""`get_historical_features`: features of entities, each at a time of its own, from the lake.

Belongs here: which rows of which tables are read, and when each became valid and known. Does not
belong here: the joins (`point_in_time.py`), the views (`registry.py`), training sets that can be
made again (`training_sets.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl

from persona_assets.errors import UserError
from persona_assets.feature_store import point_in_time, registry
from persona_assets.feature_store.point_in_time import AT, KNOWN, VALID
from persona_assets.feature_store.registry import FeatureView
from persona_assets.lake import DeltaStore
from persona_assets.lake.polars_engine import PolarsEngine

TIMESTAMP = "timestamp"
"""Column of the entities' times."""


def get_historical_features(
    store: DeltaStore,
    entities: pl.DataFrame | pl.LazyFrame,
    features: Sequence[str],
    as_of: datetime | None = None,
    *,
    versions: Mapping[str, int] | None = None,
) -> pl.LazyFrame:
    """The features of each entity as they were known at its time.

    A feature counts only if it was valid *and* known by then: what happened before but arrived
    later is not seen. What is older than its view's time to live is null.

    Args:
        store: the lake; its rows are read in this process, when the result is collected.
        entities: a row for each entity and time, any number of them, with `timestamp` (with a time
            zone), `user_id` (keyed hash) for features of users and `product_id` for those of
            products. Other columns are kept. A null identifier or time has null features.
        features: `view:feature`, or `view` for all of its features (`persona features` lists them).
        as_of: what became known after this time is not seen, whatever the entities' times; None:
            their times alone decide.
        versions: Delta version to read by path of the table; the newest where none is named.

    Returns:
        Rows and columns of `entities` in their order, then a column `view__feature` for each
        feature. Collect it within `store.naming_damage()` to have damaged files named.

    Raises:
        UserError: a view, feature or column is missing, or a time has no time zone.
        DataError: a table does not exist or cannot be read.
    """
    return historical_features(store, entities, registry.chosen(features), as_of, versions=versions)


def historical_features(
    store: DeltaStore,
    entities: pl.DataFrame | pl.LazyFrame,
    wanted: Sequence[tuple[FeatureView, Sequence[str]]],
    as_of: datetime | None = None,
    *,
    versions: Mapping[str, int] | None = None,
) -> pl.LazyFrame:
    """As `get_historical_features`, of features of any views, those of earlier versions included.

    Args:
        store: see there, as the others.
        entities: see there.
        wanted: views, each with the names of its features.
        as_of: see there.
        versions: see there.
    """
    lazy = entities.lazy()
    _refuse_columns(lazy, wanted)
    if as_of is not None and as_of.tzinfo is None:
        raise UserError(f"as_of = {as_of} has no time zone; add one, for instance UTC")
    here = replace(store, engine=PolarsEngine())
    given = lazy.collect_schema().names()
    found = lazy.with_columns(
        pl.col(TIMESTAMP).dt.convert_time_zone("UTC").dt.timestamp("us").alias(AT)
    )
    span = _span(found)
    for view, names in wanted:
        rows = _rows(here, view, names, span, as_of, (versions or {}).get(view.table.path))
        found = _joined(found, rows, view, names)
    outputs = [view.output(name) for view, names in wanted for name in names]
    return found.select(*given, *outputs)


def _joined(
    entities: pl.LazyFrame, rows: pl.LazyFrame, view: FeatureView, names: Sequence[str]
) -> pl.LazyFrame:
    outputs = [view.output(name) for name in names]
    if view.period is not None and view.time_to_live == view.period:
        return point_in_time.join_snapshots(
            entities, rows, key=view.key, features=outputs, period=view.period
        )
    return point_in_time.join_latest(
        entities,
        rows,
        key=view.key,
        features=outputs,
        time_to_live=view.time_to_live,
        tie=view.tie,
    )


def _rows(
    store: DeltaStore,
    view: FeatureView,
    names: Sequence[str],
    span: tuple[date, date] | None,
    as_of: datetime | None,
    version: int | None,
) -> pl.LazyFrame:
    """The rows of a view that may count, with their two times."""
    partitions: list[date] = []
    if span is not None:
        # A row of day D may become valid at the end of D, and holds for the time to live.
        first, last = span[0] - view.time_to_live - registry.DAY, span[1]
        partitions = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    valid, known = _times(view)
    rows: pl.LazyFrame = store.scan(view.table, partitions, at=version).to_native()
    timed = rows.with_columns(valid.alias(VALID), known.alias(KNOWN))
    if as_of is not None:
        timed = timed.filter(pl.col(KNOWN) <= _micros(as_of))
    renamed = [pl.col(name).alias(view.output(name)) for name in names]
    return timed.select(pl.col(view.key), pl.col(VALID), pl.col(KNOWN), *view.tie, *renamed)


def _times(view: FeatureView) -> tuple[pl.Expr, pl.Expr]:
    """From when on a row of the view is valid, and known [µs]."""
    if view.clock == "event":
        return pl.col("event_ts").dt.timestamp("us"), pl.col("arrived_at").dt.timestamp("us")
    start = pl.col(str(view.table.partition)).cast(pl.Datetime("us")).dt.timestamp("us")
    if view.clock == "end_of_day":
        start = start + registry.DAY // timedelta(microseconds=1)
    return start, start


def _span(entities: pl.LazyFrame) -> tuple[date, date] | None:
    """First and last day of the entities' times; None where there are none."""
    first, last = (
        entities.select(pl.col(AT).min().alias("first"), pl.col(AT).max()).collect().row(0)
    )
    if first is None:
        return None
    return _day(first), _day(last)


def _day(micros: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).date()


def _micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _refuse_columns(
    entities: pl.LazyFrame, wanted: Sequence[tuple[FeatureView, Sequence[str]]]
) -> None:
    schema = entities.collect_schema()
    for name in dict.fromkeys((TIMESTAMP, *(view.key for view, _ in wanted))):
        if name not in schema:
            raise UserError(f"the entities have no column {name!r}; they have {', '.join(schema)}")
    type_ = schema[TIMESTAMP]
    if not isinstance(type_, pl.Datetime) or type_.time_zone is None:
        raise UserError(
            f"the entities' column {TIMESTAMP!r} is of type {type_}; make it a time with a time "
            "zone, for instance by dt.replace_time_zone('UTC')"
        )
    taken = {view.output(name) for view, names in wanted for name in names}
    if clash := sorted((taken | set(point_in_time.RESERVED)) & set(schema)):
        raise UserError(
            f"the entities have the column(s) {', '.join(clash)}, names that the join uses; rename "
            "or drop them"
        )
