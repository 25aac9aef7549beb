"""Daily totals of users and of products, the building blocks of every snapshot.

Belongs here: one row per entity, event day and arrival day. Keeping the arrival day apart is what
lets `snapshots.py` rebuild what was known on any past day. Does not belong here: windows of
several days.
"""

from collections.abc import Mapping

import narwhals as nw

from persona_assets.tables.features import ITEM_DAILY, USER_DAILY
from persona_assets.transforms.exact import exact_sum
from persona_assets.transforms.pseudonyms import pseudonymise
from persona_assets.transforms.timestamps import parse_timestamps

_TYPE_OF_COUNT = {
    "views": "view",
    "add_to_carts": "add_to_cart",
    "purchases": "purchase",
    "returns": "return",
}
_USER_DAY = ("event_date", "user_id", "arrival_date")
_ITEM_DAY = ("event_date", "product_id", "arrival_date")
_USER_MEASURES = tuple(c.name for c in USER_DAILY.columns if c.name not in _USER_DAY)


def user_daily(
    interactions: nw.LazyFrame, search_logs: nw.LazyFrame, *, key: bytes
) -> nw.LazyFrame:
    """What each user did on each day, apart by the day on which the rows arrived.

    A search counts if the person consented and is named, and if its timestamp can be read and lies
    in its day. A user who only searched has a row with no events.

    Args:
        interactions: rows of `mart/user_item_interactions`, whole days.
        search_logs: rows of `raw/search_logs` of the same days.
        key: secret of the pseudonyms.

    Returns:
        Rows of `features/user_daily`.
    """
    acted = _totals_and_different(
        interactions, _USER_DAY, {"sessions": "session_id", "products": "product_id"}
    ).with_columns(searches=nw.lit(0, nw.Int64))
    searched = _searches(search_logs, key)
    columns = [*_USER_DAY, *_USER_MEASURES]
    both = nw.concat([acted.select(columns), searched.select(columns)], how="vertical")
    # At most one addend of each sum is not 0: exact for floats as well.
    return both.group_by(*_USER_DAY).agg(*(nw.col(name).sum() for name in _USER_MEASURES))


def item_daily(interactions: nw.LazyFrame) -> nw.LazyFrame:
    """What happened to each product on each day, apart by the day on which the rows arrived.

    Args:
        interactions: rows of `mart/user_item_interactions`, whole days.

    Returns:
        Rows of `features/item_daily`.
    """
    return _totals_and_different(interactions, _ITEM_DAY, {"users": "user_id"}).select(
        c.name for c in ITEM_DAILY.columns
    )


def _totals_and_different(
    interactions: nw.LazyFrame, by: tuple[str, ...], different: Mapping[str, str]
) -> nw.LazyFrame:
    """Totals of every entity, day and arrival day, and how many different values came first then.

    A value is counted on the arrival day of the first of its rows. So the counts of the parts that
    had arrived by some time add up to the different values that were known at it: a user of whom
    a row came on time and another one late is one user.

    Args:
        interactions: rows of `mart/user_item_interactions`, whole days.
        by: entity, event day and arrival day.
        different: column whose different values are counted, by the name of the count.
    """
    rows = interactions.group_by(*by).agg(**_totals())
    for name, column in different.items():
        first = interactions.group_by(*(key for key in by if key != "arrival_date"), column).agg(
            arrival_date=nw.col("arrival_date").min()
        )
        counts = first.group_by(*by).agg(nw.len().cast(nw.Int64).alias(name))
        rows = rows.join(counts, on=list(by), how="left").with_columns(nw.col(name).fill_null(0))
    return rows


def _totals() -> dict[str, nw.Expr]:
    counts = {
        name: (nw.col("event_type") == event_type).cast(nw.Int64).sum()
        for name, event_type in _TYPE_OF_COUNT.items()
    }
    return {
        "events": nw.len().cast(nw.Int64),
        **counts,
        "revenue": exact_sum(nw.col("amount")),
        "weight": exact_sum(nw.col("weight")),
    }


def _searches(search_logs: nw.LazyFrame, key: bytes) -> nw.LazyFrame:
    """Searches per user, day and arrival day, all other measures 0."""
    stated = search_logs.select(
        "event_date", "user_id", "timestamp", "arrived_at", "consent"
    ).filter(
        nw.col("consent").fill_null(False),
        nw.col("user_id").fill_null("").str.contains(r"[^ \t\r\n]"),
    )
    counted = (
        parse_timestamps(pseudonymise(stated, "user_id", key), "timestamp", into="event_ts")
        .filter(nw.col("event_ts").dt.date() == nw.col("event_date"))
        .with_columns(arrival_date=nw.col("arrived_at").dt.date())
    )
    zeros = {
        name: nw.lit(0, nw.Float64 if USER_DAILY.column(name).type == "float64" else nw.Int64)
        for name in _USER_MEASURES
        if name != "searches"
    }
    return counted.group_by(*_USER_DAY).agg(searches=nw.len().cast(nw.Int64)).with_columns(**zeros)
