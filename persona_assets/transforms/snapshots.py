"""Snapshots: what was known about a user or product at the end of a day.

Belongs here: trailing windows over daily totals. Does not belong here: the totals themselves
(`aggregates.py`) or joining snapshots to labels (`training.py`).
"""

from collections.abc import Sequence
from datetime import date, timedelta

import narwhals as nw
import polars as pl

from persona_assets.tables.contract import Table
from persona_assets.tables.feature_store import ITEM_FEATURES, USER_FEATURES, WINDOWS
from persona_assets.transforms.days import during
from persona_assets.transforms.engine import beside, latest_before
from persona_assets.transforms.exact import exact_parts, from_exact_parts

LOOKBACK_DAYS = max(WINDOWS) - 1
"""Days before the first snapshot whose daily totals must be given along with it."""

_COUNTS = ("events", "views", "add_to_carts", "purchases", "returns")


def user_features(user_daily: nw.LazyFrame, days: Sequence[date]) -> nw.LazyFrame:
    """The state of every active user at the end of each of `days`.

    Args:
        user_daily: rows of `features/user_daily` of `days` and the `LOOKBACK_DAYS` days before
            each of them.
        days: the days whose ends are described.

    Returns:
        Rows of `feature_store/user_features`: users with an event, not merely a search, that
        happened in the 30 days up to `as_of` and had arrived by then.
    """
    return _snapshots(
        user_daily, days, "user_id", (*_COUNTS, "sessions", "searches"), USER_FEATURES
    )


def item_features(item_daily: nw.LazyFrame, days: Sequence[date]) -> nw.LazyFrame:
    """The state of every active product at the end of each of `days`.

    Args:
        item_daily: rows of `features/item_daily` of `days` and the `LOOKBACK_DAYS` days before
            each of them.
        days: the days whose ends are described.

    Returns:
        Rows of `feature_store/item_features`: products with an event that happened in the 30 days
        up to `as_of` and had arrived by then.
    """
    renamed = item_daily.rename({"users": "user_days"})
    return _snapshots(renamed, days, "product_id", (*_COUNTS, "user_days"), ITEM_FEATURES)


def _snapshots(
    daily: nw.LazyFrame,
    days: Sequence[date],
    entity: str,
    counts: Sequence[str],
    table: Table,
) -> nw.LazyFrame:
    acted = nw.col("events") > 0
    # Of a day's rows, the one that arrived first stands for "there was an event on this day": if
    # any of them is known at `as_of`, it is.
    marked = latest_before(
        during(daily, days, before=LOOKBACK_DAYS).with_columns(
            _acted_on=nw.when(acted).then(nw.col("event_date"))
        ),
        "_acted_on",
        within=(entity,),
        order_by=("event_date", "arrival_date"),
        into="_acted_before",
    )
    repeated = (nw.col("_acted_before") == nw.col("event_date")).fill_null(False)
    # Split before the join, which multiplies the rows.
    whole, parts = exact_parts(nw.col("revenue"))
    narrow = marked.with_columns(_active=acted & ~repeated, _whole=whole, _parts=parts).select(
        "event_date", entity, "arrival_date", *counts, "_active", "_whole", "_parts"
    )
    known = narrow.join(beside(daily, _ages(days)), on="event_date", how="inner").filter(
        nw.col("arrival_date") <= nw.col("as_of")
    )
    sums = {
        f"{name}_{window}d": _within(window, nw.col(name)).sum()
        for name in (*counts, "_whole", "_parts")
        for window in WINDOWS
    }
    revenues = {
        f"revenue_{window}d": from_exact_parts(
            nw.col(f"_whole_{window}d"), nw.col(f"_parts_{window}d")
        )
        for window in WINDOWS
    }
    return (
        known.group_by("as_of", entity)
        .agg(
            **sums,
            active_days_30d=nw.col("_active").cast(nw.Int64).sum(),
            days_since_last_event=nw.when(acted).then(nw.col("age")).min(),
        )
        .filter(nw.col("events_30d") > 0)
        .with_columns(
            **revenues,
            conversion_30d=nw.when(nw.col("views_30d") > 0).then(
                nw.col("purchases_30d") / nw.col("views_30d")
            ),
        )
        .select(c.name for c in table.columns)
    )


def _ages(days: Sequence[date]) -> pl.DataFrame:
    """Which days each snapshot sees, and how old they are then: one row per pair."""
    rows = [
        (day - timedelta(days=age), day, age)
        for day in sorted(set(days))
        for age in range(max(WINDOWS))
    ]
    return pl.DataFrame(
        rows, schema={"event_date": pl.Date, "as_of": pl.Date, "age": pl.Int64}, orient="row"
    )


def _within(window: int, value: nw.Expr) -> nw.Expr:
    return nw.when(nw.col("age") < window).then(value).otherwise(nw.lit(0))
