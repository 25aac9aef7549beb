"""How baskets, prices, people, products and repeat purchases are spread.

Belongs here: which distributions there are, and their classes. Does not belong here: how two of
them differ (`monitoring/drift.py`).
"""

import itertools
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import narwhals as nw

from persona_assets.tables.exploration import (
    BASKET_SIZE,
    DAYS_BETWEEN_PURCHASES,
    DISTRIBUTIONS,
    EVENTS_PER_PRODUCT,
    EVENTS_PER_USER,
    UNIT_PRICE,
)
from persona_assets.transforms.engine import with_epoch_micros
from persona_assets.transforms.exact import exact_sum
from persona_assets.transforms.history import known_before

_COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_DAY_US = 86_400_000_000


class _Distribution(NamedTuple):
    """`members` has one row per member: `value` decides its class, `total` adds up or is null."""

    name: str
    bounds: Sequence[int]
    members: nw.LazyFrame


def distributions(interactions: nw.LazyFrame, *, cutoff: date) -> nw.LazyFrame:
    """One row per distribution and class that has members.

    Args:
        interactions: rows of `mart/user_item_interactions`; what happened or arrived from the
            cut-off on is left out.
        cutoff: first day that must stay unseen.

    Returns:
        Rows of `exploration/distributions`. Baskets are purchases that name the same order.
    """
    known = known_before(interactions, cutoff)
    bought = known.filter(nw.col("event_type") == "purchase")
    classes = [
        _classes(each, cutoff)
        for each in (
            _Distribution(BASKET_SIZE, (1, 2, 3, 4, 5, 10, 20, 50), _baskets(bought)),
            _Distribution(
                UNIT_PRICE,
                (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
                bought.filter(~nw.col("unit_price").is_null()).select(
                    value=nw.col("unit_price"), total=nw.col("amount")
                ),
            ),
            _Distribution(EVENTS_PER_USER, _COUNTS, _events_of(known, "user_id")),
            _Distribution(EVENTS_PER_PRODUCT, _COUNTS, _events_of(known, "product_id")),
            _Distribution(DAYS_BETWEEN_PURCHASES, (1, 2, 7, 14, 28, 56, 112, 224), _gaps(bought)),
        )
    ]
    together = nw.concat(classes, how="vertical")
    everything = together.group_by("distribution").agg(
        _members=nw.col("members").sum(),
        _total=exact_sum(nw.col("total")),
        _lacking=_lacks_total(),
    )
    has_total = (nw.col("_lacking") == 0) & (nw.col("_total") > 0)
    return (
        together.join(everything, on="distribution", how="inner")
        .with_columns(
            share=nw.col("members") / nw.col("_members"),
            total_share=nw.when(has_total).then(nw.col("total") / nw.col("_total")),
        )
        .select(c.name for c in DISTRIBUTIONS.columns)
    )


def _lacks_total() -> nw.Expr:
    return nw.col("total").is_null().cast(nw.Int64).sum()


def _unless_unknown(addends: str) -> nw.Expr:
    """The total, null where none of its addends is known: their sum is 0, and would look like one.

    Args:
        addends: the column that counts those that are known.
    """
    return nw.when(nw.col(addends) > 0).then(nw.col("total"))


def _baskets(bought: nw.LazyFrame) -> nw.LazyFrame:
    """Different products and amount of each order."""
    named = bought.filter(~nw.col("order_id").is_null())
    orders = named.group_by("order_id").agg(
        value=nw.col("product_id").n_unique().cast(nw.Float64),
        total=exact_sum(nw.col("amount")),
        _priced=(~nw.col("amount").is_null()).cast(nw.Int64).sum(),
    )
    return orders.select("value", total=_unless_unknown("_priced"))


def _events_of(known: nw.LazyFrame, entity: str) -> nw.LazyFrame:
    """Events of each user or product; they are what adds up, too."""
    counted = known.group_by(entity).agg(value=nw.len().cast(nw.Float64))
    return counted.select("value", total=nw.col("value"))


def _gaps(bought: nw.LazyFrame) -> nw.LazyFrame:
    """Days from one purchase day of a user to the next."""
    days = bought.group_by("user_id", "event_date").agg(first=nw.col("event_ts").min())
    numbered = with_epoch_micros(days, _us="first").with_columns(_day=nw.col("_us") // _DAY_US)
    before = nw.col("_day").shift(1).over("user_id", order_by="_day")
    gaps = numbered.with_columns(value=(nw.col("_day") - before).cast(nw.Float64))
    nothing = nw.lit(None, nw.Float64)
    return gaps.filter(~nw.col("value").is_null()).select("value", total=nothing)


def _classes(distribution: _Distribution, cutoff: date) -> nw.LazyFrame:
    """Members and total of each class."""
    bounds = distribution.bounds
    value = nw.col("value")
    at_least = nw.lit(bounds[0], nw.Int64)
    for bound in bounds[1:]:
        at_least = nw.when(value >= bound).then(nw.lit(bound, nw.Int64)).otherwise(at_least)
    below = nw.lit(None, nw.Int64)
    for low, high in itertools.pairwise(bounds):
        below = nw.when(nw.col("at_least") == low).then(nw.lit(high, nw.Int64)).otherwise(below)
    counted = (
        distribution.members.with_columns(at_least=at_least)
        .group_by("at_least")
        .agg(
            members=nw.len().cast(nw.Int64),
            total=exact_sum(nw.col("total")),
            _known=(~nw.col("total").is_null()).cast(nw.Int64).sum(),
        )
    )
    return counted.with_columns(
        cutoff=nw.lit(cutoff),
        distribution=nw.lit(distribution.name),
        below=below,
        total=_unless_unknown("_known"),
    ).select("cutoff", "distribution", "at_least", "below", "members", "total")
