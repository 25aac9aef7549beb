"""Features of customers, from their purchases and returns of a year.

Belongs here: the columns of `segmentation/customer_features`, which orders they are made of, and
what a customer without purchases has. Does not belong here: the course of spending
(`spend_periods.py`), what was bought (`category_mix.py`), segments (`segmentation/`).

Everything is counted over orders, never over their lines: an order is what one customer bought, or
returned, under one order number, at the time of its first line. Lines without an order number form
one order per instant.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import narwhals as nw

from persona_assets.tables.customer_features import CUSTOMER_FEATURES, PERIOD_DAYS
from persona_assets.transforms.category_mix import bought_products
from persona_assets.transforms.engine import with_epoch_micros
from persona_assets.transforms.exact import exact_parts, exact_quotient, from_exact_parts
from persona_assets.transforms.history import known_before
from persona_assets.transforms.spend_periods import PERIODS, over_periods, per_period

WINDOW_DAYS = PERIODS * PERIOD_DAYS
"""Days before the cut-off that are looked at: 52 weeks, a whole number of periods."""
WEEKDAYS = range(1, 8)
HOURS = range(24)

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_BOUGHT = nw.col("event_type") == "purchase"


def in_window(rows: nw.LazyFrame, cutoff: date) -> nw.LazyFrame:
    """The rows filed under the 52 weeks before `cutoff`, by their `event_date`."""
    first, last = cutoff - timedelta(days=WINDOW_DAYS), cutoff - timedelta(days=1)
    return rows.filter(nw.col("event_date").is_between(first, last))


def compute_customer_features(
    interactions: nw.LazyFrame,
    countries: nw.LazyFrame,
    products: nw.LazyFrame,
    *,
    cutoff: date,
) -> nw.LazyFrame:
    """What is known of each customer on the eve of `cutoff`.

    Args:
        interactions: rows of `mart/user_item_interactions`; used are those of the 52 weeks before
            the cut-off that had arrived by then.
        countries: `user_id` as in the mart, `country` as known at the cut-off; people may be
            missing.
        products: rows of `raw/product_history` as known at the cut-off; of the columns,
            `product_id` and `category`.
        cutoff: first day that must stay unseen.

    Returns:
        Rows of `segmentation/customer_features`.
    """
    known = known_before(in_window(interactions, cutoff), cutoff)
    billed = known.filter(nw.col("event_type").is_in(["purchase", "return"]))
    lives = countries.group_by("user_id").agg(nw.col("country").min())
    found = (
        over_periods(_derived(_over_orders(_orders(billed, cutoff)), cutoff))
        .join(bought_products(billed.filter(_BOUGHT), products), on="user_id", how="left")
        .join(lives, on="user_id", how="left")
    )
    nothing = {name: nw.col(name).fill_null(0) for name in ("products", "categories")}
    return found.with_columns(cutoff=nw.lit(cutoff), **nothing).select(
        c.name for c in CUSTOMER_FEATURES.columns
    )


def _orders(billed: nw.LazyFrame, cutoff: date) -> nw.LazyFrame:
    """One row per order: its lines, its amount in exact parts, its times, counted from 1970."""
    whole, parts = exact_parts(nw.col("amount"))
    unnumbered = nw.when(nw.col("order_id").is_null()).then(nw.col("event_ts"))
    at = nw.col("_at_us")
    orders = (
        billed.with_columns(_whole=whole, _parts=parts, _alone=unnumbered)
        .group_by("user_id", "event_type", "order_id", "_alone")
        .agg(
            nw.col("_whole").sum(),
            nw.col("_parts").sum(),
            _lines=nw.len().cast(nw.Int64),
            _first=nw.col("event_ts").min(),
            _last=nw.col("event_ts").max(),
        )
    )
    return with_epoch_micros(orders, _at_us="_first").with_columns(
        _ago_us=_end_us(cutoff) - at,
        _weekday=(at // _DAY_US + 3) % 7 + 1,  # 1970 began on a Thursday
        _hour=at // _HOUR_US % 24,
    )


def _over_orders(orders: nw.LazyFrame) -> nw.LazyFrame:
    """One row per customer: sums and extremes over purchases, and over returns."""
    buying = {
        "lines": nw.col("_lines"),
        "_whole": nw.col("_whole"),
        "_parts": nw.col("_parts"),
        "orders": nw.lit(1, nw.Int64),
        **{f"_weekday_{day}": _is("_weekday", day) for day in WEEKDAYS},
        **{f"_hour_{hour}": _is("_hour", hour) for hour in HOURS},
        **per_period(nw.col("_ago_us")),
    }
    returning = {
        "return_orders": nw.lit(1, nw.Int64),
        "_returned_whole": nw.col("_whole"),
        "_returned_parts": nw.col("_parts"),
    }
    bought, nothing = nw.when(_BOUGHT), nw.lit(0)
    return orders.group_by("user_id").agg(
        **{name: bought.then(value).otherwise(nothing).sum() for name, value in buying.items()},
        **{name: bought.then(nothing).otherwise(value).sum() for name, value in returning.items()},
        first_purchase_at=bought.then(nw.col("_first")).min(),
        last_purchase_at=bought.then(nw.col("_last")).max(),
        _tenure_us=bought.then(nw.col("_ago_us")).max(),
        _newest_us=bought.then(nw.col("_ago_us")).min(),
    )


def _derived(customers: nw.LazyFrame, cutoff: date) -> nw.LazyFrame:
    """Adds what follows from the sums and extremes of each customer."""
    orders, returned = nw.col("orders"), nw.col("return_orders")
    gap_us = nw.col("_tenure_us") - nw.col("_newest_us")
    kinds = {"_weekday": WEEKDAYS, "_hour": HOURS}
    most = {
        f"_most{kind}": nw.max_horizontal(*(f"{kind}_{value}" for value in values))
        for kind, values in kinds.items()
    }
    return (
        with_epoch_micros(customers, _last_us="last_purchase_at")
        .with_columns(
            **most,
            gross_spend=from_exact_parts(nw.col("_whole"), nw.col("_parts")),
            returned_spend=from_exact_parts(-nw.col("_returned_whole"), -nw.col("_returned_parts")),
            net_spend=from_exact_parts(
                nw.col("_whole") + nw.col("_returned_whole"),
                nw.col("_parts") + nw.col("_returned_parts"),
            ),
            return_rate=returned / (orders + returned),
            recency_days=exact_quotient(_end_us(cutoff) - nw.col("_last_us"), _DAY_US),
            tenure_days=exact_quotient(nw.col("_tenure_us"), _DAY_US),
            days_between_orders=nw.when(orders > 1).then(gap_us / ((orders - 1) * _DAY_US)),
        )
        .with_columns(
            average_order_value=nw.when(orders > 0).then(nw.col("gross_spend") / orders),
            favourite_weekday=_most("_weekday", WEEKDAYS),
            favourite_hour=_most("_hour", HOURS),
        )
    )


def _most(kind: str, values: Sequence[int]) -> nw.Expr:
    """The value with most orders, of equals the first; null: no order."""
    most = nw.col(f"_most{kind}")
    return nw.coalesce(
        *(
            nw.when((most > 0) & (nw.col(f"{kind}_{value}") == most)).then(nw.lit(value, nw.Int64))
            for value in values
        )
    )


def _is(column: str, value: int) -> nw.Expr:
    return (nw.col(column) == value).cast(nw.Int64)


def _end_us(cutoff: date) -> int:
    return (cutoff - date(1970, 1, 1)).days * _DAY_US
