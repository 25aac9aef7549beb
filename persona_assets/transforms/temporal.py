"""How long ago, and when: the time features of each event.

Belongs here: features of one event that need its predecessors or the calendar. Does not belong
here: counts over windows (`aggregates.py`, `snapshots.py`).
"""

from collections.abc import Sequence
from datetime import date

import narwhals as nw

from persona_assets.tables.features import TEMPORAL_FEATURES
from persona_assets.transforms.exact import exact_quotient
from persona_assets.transforms.timestamps import epoch_micros

LOOKBACK_DAYS = 30
"""Days before the first asked day that must be given along with it."""

_SECOND_US = 1_000_000
_LOOKBACK_US = LOOKBACK_DAYS * 86_400 * _SECOND_US
_NEVER = -(1 << 60)
"""Earlier than any event; not null, because a running maximum may not have gaps."""
_IN_TIME = ("event_ts", "event_id")


def temporal_features(
    interactions: nw.LazyFrame, products: nw.LazyFrame, days: Sequence[date]
) -> nw.LazyFrame:
    """Time features of the events of `days`.

    The last known event is the nearest earlier one, in order of `event_ts` and `event_id`, that
    arrived on the day it happened: a late row was not known at the time. What lies more than 30
    days back is null, so that no value depends on how much history is given.

    Args:
        interactions: rows of `mart/user_item_interactions` of `days` and of the `LOOKBACK_DAYS`
            days before each of them.
        products: rows of `raw/products`.
        days: the days whose events are described.

    Returns:
        Rows of `features/temporal_features`, one for each interaction of `days`.
    """
    categories = products.group_by("product_id").agg(category=nw.col("category").min())
    punctual = nw.col("arrival_date") <= nw.col("event_date")
    placed = (
        interactions.join(categories, on="product_id", how="left")
        .with_columns(_us=epoch_micros(nw.col("event_ts")))
        .with_columns(_known_us=nw.when(punctual).then(nw.col("_us")).otherwise(nw.lit(_NEVER)))
        .with_columns(
            _any=_latest("user_id"),
            _product=_latest("user_id", "product_id"),
            _category=_latest("user_id", "category"),
        )
        .with_columns(
            _any=_before("_any", "user_id"),
            _product=_before("_product", "user_id", "product_id"),
            _category=_before("_category", "user_id", "category"),
        )
        .filter(nw.col("event_date").is_in(days))
    )
    with_category = nw.when(~nw.col("category").is_null()).then(nw.col("_category"))
    opened_us = nw.col("_us").min().over("session_id")
    # Sunday is 0 on Spark and 7 on Polars (Narwhals 2.29).
    weekday = (nw.col("event_ts").dt.weekday().cast(nw.Int64) + 6) % 7 + 1
    return (
        placed.with_columns(
            seconds_since_last_event=_seconds_since(nw.col("_any")),
            seconds_since_last_product=_seconds_since(nw.col("_product")),
            seconds_since_last_category=_seconds_since(with_category),
            hour=nw.col("event_ts").dt.hour().cast(nw.Int64),
            weekday=weekday,
            is_weekend=weekday >= 6,
            _opened_us=opened_us,
            _one=nw.lit(1),
        )
        .with_columns(
            session_position=nw.col("_one")
            .cum_sum()
            .over("session_id", order_by=_IN_TIME)
            .cast(nw.Int64),
            session_elapsed_s=exact_quotient(nw.col("_us") - nw.col("_opened_us"), _SECOND_US),
        )
        .select(c.name for c in TEMPORAL_FEATURES.columns)
    )


def _latest(*group: str) -> nw.Expr:
    """Microseconds of the latest known event of the group up to and including this one."""
    return nw.col("_known_us").cum_max().over(*group, order_by=_IN_TIME)


def _before(column: str, *group: str) -> nw.Expr:
    return nw.col(column).shift(1).over(*group, order_by=_IN_TIME)


def _seconds_since(earlier_us: nw.Expr) -> nw.Expr:
    gap = nw.col("_us") - earlier_us
    return nw.when(gap <= _LOOKBACK_US).then(exact_quotient(gap, _SECOND_US))
