"""What happened in the shop on a day, and at which hour.

Belongs here: the day's totals and its funnel. Does not belong here: totals of a user or product
(`transforms/aggregates.py`).
"""

import narwhals as nw

from persona_assets.tables.exploration import DAILY_ACTIVITY, HOURLY_ACTIVITY
from persona_assets.transforms.exact import exact_sum


def daily_activity(interactions: nw.LazyFrame, sessions: nw.LazyFrame) -> nw.LazyFrame:
    """One row per day: events of each kind, people, products, orders, revenue and the funnel.

    Args:
        interactions: rows of `mart/user_item_interactions`, whole days.
        sessions: rows of `mart/sessions` of the same days.

    Returns:
        Rows of `exploration/daily_activity`.
    """
    happened = interactions.group_by("event_date").agg(
        views=_count(_is("view")),
        add_to_carts=_count(_is("add_to_cart")),
        purchases=_count(_is("purchase")),
        returns=_count(_is("return")),
        revenue=exact_sum(_bought_amount()),
    )
    bought = interactions.filter(_is("purchase"))
    visited = sessions.group_by("event_date").agg(
        sessions=nw.len().cast(nw.Int64),
        sessions_to_cart=_count(nw.col("depth").is_in(["add_to_cart", "purchase"])),
        sessions_to_purchase=_count(nw.col("depth") == "purchase"),
    )
    result = happened.join(visited, on="event_date", how="left")
    for name, rows, column in (
        ("users", interactions, "user_id"),
        ("products", interactions, "product_id"),
        ("buyers", bought, "user_id"),
        ("orders", bought.filter(~nw.col("order_id").is_null()), "order_id"),
    ):
        different = rows.group_by("event_date").agg(
            nw.col(column).n_unique().cast(nw.Int64).alias(name)
        )
        result = result.join(different, on="event_date", how="left")
    counts = [c.name for c in DAILY_ACTIVITY.columns if c.type == "int64"]
    return result.with_columns(nw.col(name).fill_null(0) for name in counts).select(
        c.name for c in DAILY_ACTIVITY.columns
    )


def hourly_activity(interactions: nw.LazyFrame) -> nw.LazyFrame:
    """One row per day and hour of UTC that has events.

    Args:
        interactions: rows of `mart/user_item_interactions`, whole days.

    Returns:
        Rows of `exploration/hourly_activity`.
    """
    timed = interactions.with_columns(hour=nw.col("event_ts").dt.hour().cast(nw.Int64))
    return (
        timed.group_by("event_date", "hour")
        .agg(
            events=nw.len().cast(nw.Int64),
            purchases=_count(_is("purchase")),
            revenue=exact_sum(_bought_amount()),
        )
        .select(c.name for c in HOURLY_ACTIVITY.columns)
    )


def _is(event_type: str) -> nw.Expr:
    return nw.col("event_type") == event_type


def _count(condition: nw.Expr) -> nw.Expr:
    return condition.cast(nw.Int64).sum()


def _bought_amount() -> nw.Expr:
    return nw.when(_is("purchase")).then(nw.col("amount")).otherwise(nw.lit(0.0))
