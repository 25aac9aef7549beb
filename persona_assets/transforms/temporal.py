"""Time features of each event: calendar, position in the session, time since earlier events.

Belongs here: features of one event that need its predecessors or the calendar. Does not belong
here: counts over windows (`aggregates.py`, `snapshots.py`).
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import narwhals as nw

from persona_assets.tables.features import TEMPORAL_FEATURES
from persona_assets.transforms.attribute_history import with_product_attribute
from persona_assets.transforms.days import during
from persona_assets.transforms.engine import latest_before, with_epoch_micros
from persona_assets.transforms.exact import exact_quotient

LOOKBACK_DAYS = 30
"""Days before the first asked day that must be given along with it."""

_SECOND_US = 1_000_000
_LOOKBACK_US = LOOKBACK_DAYS * 86_400 * _SECOND_US
_IN_TIME = ("event_ts", "event_id")
_FROM_MART = (
    "event_date", "event_id", "user_id", "product_id", "event_ts", "arrival_date", "session_id",
)  # fmt: skip
_PREDECESSORS = {"_any": (), "_product": ("product_id",), "_category": ("category",)}
"""What a user's earlier event may have in common with the present one."""


def last_interactions(
    interactions: nw.LazyFrame,
    products: nw.LazyFrame,
    days: Sequence[date],
    *,
    earlier: nw.LazyFrame | None = None,
) -> nw.LazyFrame:
    """Each user's last interaction with each product up to the end of `days`, as known then.

    Args:
        interactions: rows of `mart/user_item_interactions` of `days`.
        products: see `temporal_features`.
        days: consecutive days.
        earlier: what this function returned for days right before them; None: nothing.

    Returns:
        `user_id`, `product_id`, `category` (that of the product when it was interacted with) and
        `last_us`, microseconds since 1970, one row for each combination. Interactions of no use to
        the day after `days` are left out: they lie too far back.
    """
    what = ("user_id", "product_id", "category")
    punctual = during(interactions, days).filter(_punctual())
    known = with_product_attribute(punctual, products, "category")
    found = with_epoch_micros(known, last_us="event_ts").select(*what, "last_us")
    both = found if earlier is None else nw.concat([earlier.select(*what, "last_us"), found])
    latest = both.group_by(*what).agg(nw.col("last_us").max())
    if earlier is None:
        return latest
    oldest = (max(days) - date(1970, 1, 1)).days + 1 - LOOKBACK_DAYS
    return latest.filter(nw.col("last_us") >= oldest * 86_400 * _SECOND_US)


class LastInteractions:
    """`last_interactions` before one batch of a range after the other, each day read once.

    Args:
        interactions: rows of `mart/user_item_interactions` of the range and of the `LOOKBACK_DAYS`
            days before it.
        products: see `temporal_features`.
        hold: keeps a frame computed (an engine's `cache`), lest batches repeat those before.
    """

    def __init__(
        self,
        interactions: nw.LazyFrame,
        products: nw.LazyFrame,
        hold: Callable[[nw.LazyFrame], nw.LazyFrame],
    ) -> None:
        self._interactions = interactions
        self._products = products
        self._hold = hold
        self._since: date | None = None
        self._found: nw.LazyFrame | None = None

    def before(self, days: Sequence[date]) -> nw.LazyFrame:
        """The last interactions before the first of `days`; call it with ascending days."""
        first = min(days)
        start = self._since or first - timedelta(days=LOOKBACK_DAYS)
        read = [start + timedelta(days=each) for each in range((first - start).days)]
        self._found = self._hold(
            last_interactions(self._interactions, self._products, read, earlier=self._found)
        )
        self._since = first
        return self._found


def temporal_features(
    interactions: nw.LazyFrame,
    products: nw.LazyFrame,
    days: Sequence[date],
    *,
    interacted: nw.LazyFrame | None = None,
) -> nw.LazyFrame:
    """Time features of the events of `days`.

    The last known event is the nearest earlier one, in order of `event_ts` and `event_id`, that
    arrived on the day it happened: a late row was not known at the time. What lies more than 30
    days back is null, so that no value depends on how much history is given. The category of an
    event is that of its product as it was known at the end of the event's day.

    Args:
        interactions: rows of `mart/user_item_interactions` of `days` and, without `interacted`, of
            the `LOOKBACK_DAYS` days before each of them.
        products: rows of `raw/product_history`, or of `raw/products`.
        days: the days whose events are described; at least one.
        interacted: see `LastInteractions.before`; None: taken from `interactions`.

    Returns:
        Rows of `features/temporal_features`, one for each interaction of `days`.
    """
    if interacted is None:
        interacted = LastInteractions(interactions, products, hold=lambda frame: frame).before(days)
    latest = nw.col("last_us").max()
    by_category = interacted.group_by("user_id", "category").agg(latest)
    # Each from the smallest table that holds it.
    history = {
        "_any": by_category.group_by("user_id").agg(latest),
        "_product": interacted.group_by("user_id", "product_id").agg(latest),
        "_category": by_category,
    }
    first, last = min(days), max(days)
    # Events between two of the days are predecessors, too.
    span = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    described = with_epoch_micros(during(interactions, span).select(*_FROM_MART), _us="event_ts")
    events = (
        with_product_attribute(described, products, "category")
        .with_columns(_known_us=nw.when(_punctual()).then(nw.col("_us")), _one=nw.lit(1))
        # One integer instead of instant and text: the windows below sort by it.
        .with_columns(_place=nw.col("_one").cum_sum().over("user_id", order_by=_IN_TIME))
    )
    # All windows lie within a user, and the users' own come first: a cluster brings together the
    # rows of a user once.
    for name, group in _PREDECESSORS.items():
        events = latest_before(
            events, "_known_us", within=("user_id", *group), order_by=("_place",), into=name
        )
    events = _within_session(events)
    for name, group in _PREDECESSORS.items():
        events = _with_history(events, history[name], name, *group)
    # Sunday is 0 on Spark and 7 on Polars (Narwhals 2.29).
    weekday = (nw.col("event_ts").dt.weekday().cast(nw.Int64) + 6) % 7 + 1
    # Products without category share none.
    in_category = nw.when(~nw.col("category").is_null()).then(nw.col("_category"))
    return (
        during(events, days)
        .with_columns(
            seconds_since_last_event=_seconds_since(nw.col("_any")),
            seconds_since_last_product=_seconds_since(nw.col("_product")),
            seconds_since_last_category=_seconds_since(in_category),
            hour=nw.col("event_ts").dt.hour().cast(nw.Int64),
            weekday=weekday,
            is_weekend=weekday >= 6,
            session_elapsed_s=exact_quotient(nw.col("_us") - nw.col("_opened_us"), _SECOND_US),
        )
        .select(c.name for c in TEMPORAL_FEATURES.columns)
    )


def _with_history(
    events: nw.LazyFrame, history: nw.LazyFrame, name: str, *group: str
) -> nw.LazyFrame:
    """Moves `name` to the days before, where the days themselves hold no earlier event."""
    before = history.rename({"last_us": "_before"})
    return (
        events.join(before, on=["user_id", *group], how="left")
        .with_columns(nw.max_horizontal(name, "_before").alias(name))
        .drop("_before")
    )


def _punctual() -> nw.Expr:
    """Did the row arrive on the day on which it happened?"""
    return nw.col("arrival_date") <= nw.col("event_date")


def _within_session(events: nw.LazyFrame) -> nw.LazyFrame:
    """Adds the place in the session, and the microseconds at which it began."""
    visit = ("user_id", "session_id")
    position = nw.col("_one").cum_sum().over(*visit, order_by="_place")
    return events.with_columns(
        _opened_us=nw.col("_us").min().over(*visit), session_position=position.cast(nw.Int64)
    )


def _seconds_since(earlier_us: nw.Expr) -> nw.Expr:
    gap = nw.col("_us") - earlier_us
    return nw.when(gap <= _LOOKBACK_US).then(exact_quotient(gap, _SECOND_US))
