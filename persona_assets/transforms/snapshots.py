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
from persona_assets.transforms.engine import latest_before, to_engine
from persona_assets.transforms.exact import exact_parts, from_exact_parts

LOOKBACK_DAYS = max(WINDOWS) - 1
"""Days before the first snapshot whose daily totals must be given along with it."""
ROWS_PER_DAILY_TOTAL = 10
"""How often a row of daily totals occurs, give or take, in what several days compute together.

The look-back is shared by the days, so more of them at a time are less work for each; beyond about
eight, what is gained on the look-back is lost on pairs of rows and snapshots.
"""

_AGES = range(LOOKBACK_DAYS + 1)
"""Of a row, in days, as long as some snapshot sees it."""
_VIEW = {"event_date": pl.Date, "_known_on": pl.Date, "_view": pl.Int64, "_day": pl.Int64}
_SEEN_BY = {"_view": pl.Int64, "as_of": pl.Date, "_window": pl.Int64, "_today": pl.Int64}
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
    whole, parts = exact_parts(nw.col("revenue"))
    added = (*counts, "_whole", "_parts", "_active")
    views, seen_by = _views(days)
    # What the same snapshots see in the same windows is added up once, not once for each of them:
    # above all the days that lie within the longest window of all.
    alike = (
        marked.with_columns(
            _known_on=nw.max_horizontal("event_date", "arrival_date", nw.lit(min(days))),
            _active=(acted & ~repeated).cast(nw.Int64),
            _whole=whole,
            _parts=parts,
        )
        .join(to_engine(daily, views), on=["event_date", "_known_on"], how="inner")
        .group_by(entity, "_view")
        .agg(
            *(nw.col(name).sum() for name in added),
            _acted_day=nw.when(acted).then(nw.col("_day")).max(),
        )
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
        alike.join(to_engine(daily, seen_by), on="_view", how="inner")
        .group_by(entity, "as_of")
        .agg(
            **sums,
            active_days_30d=nw.col("_active").sum(),
            days_since_last_event=(nw.col("_today") - nw.col("_acted_day")).min(),
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


def _views(days: Sequence[date]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Which snapshots see a row, and in which windows: its view.

    Returns:
        Two tables. The view of each `event_date` and `_known_on` (the later one of event and
        arrival, but not before the first of `days`), without those that no snapshot sees; and the
        snapshots of each view, each with the shortest window, in days, that holds the rows.
        `_day` and `_today` are `event_date` and `as_of` as days since 1970.
    """
    asked = sorted(set(days))
    numbers: dict[tuple[tuple[date, int], ...], int] = {}
    views = []
    for event_date in sorted({day - timedelta(days=age) for day in asked for age in _AGES}):
        sights = [
            (day, min(window for window in WINDOWS if (day - event_date).days < window))
            for day in asked
            if 0 <= (day - event_date).days <= LOOKBACK_DAYS
        ]
        for known_on in (event_date + timedelta(days=wait) for wait in _AGES):
            view = tuple(sight for sight in sights if sight[0] >= known_on)
            if known_on >= asked[0] and view:
                number = numbers.setdefault(view, len(numbers))
                views.append((event_date, known_on, number, _since_1970(event_date)))
    seen_by = [
        (number, as_of, window, _since_1970(as_of))
        for view, number in numbers.items()
        for as_of, window in view
    ]
    return (
        pl.DataFrame(views, schema=_VIEW, orient="row"),
        pl.DataFrame(seen_by, schema=_SEEN_BY, orient="row"),
    )


def _since_1970(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _within(window: int, value: nw.Expr) -> nw.Expr:
    return nw.when(nw.col("_window") <= window).then(value).otherwise(nw.lit(0))
