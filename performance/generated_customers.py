"""Purchases of any number of customers, seeded: rows of the mart for benchmarks of segmentation.

Five kinds of customers (regulars, one-time buyers, lapsed ones, wholesalers, returners) differ in
how often, how recently and for how much they buy, and in what they send back.
"""

from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np
import polars as pl

PRODUCTS, CATEGORIES, DAYS = 20_000, 24, 364
COUNTRIES = np.array(["United Kingdom", "Germany", "France", "Spain", "Belgium"])


class Kind(NamedTuple):
    """A kind of customers.

    Attributes:
        share: of all customers.
        orders: mean number.
        lines: mean number per order.
        price: median amount of a line.
        oldest: days before the cut-off from which on they buy.
        newest: days before the cut-off until which they buy.
        returned: share of orders that come back.
    """

    share: float
    orders: float
    lines: float
    price: float
    oldest: int
    newest: int
    returned: float


KINDS = (
    Kind(0.20, 6.0, 4.0, 12.0, 364, 1, 0.05),
    Kind(0.40, 1.0, 2.0, 15.0, 120, 1, 0.02),
    Kind(0.28, 2.0, 3.0, 14.0, 364, 200, 0.05),
    Kind(0.04, 3.0, 14.0, 90.0, 364, 1, 0.02),
    Kind(0.08, 4.0, 3.0, 20.0, 300, 1, 0.45),
)


class Generated(NamedTuple):
    """Rows of the mart's interactions, countries by user, and rows of raw/products."""

    interactions: pl.DataFrame
    countries: pl.DataFrame
    products: pl.DataFrame


def generated(customers: int, cutoff: date, seed: int = 0) -> Generated:
    """About ten lines per customer, purchases and returns, in the 52 weeks before `cutoff`."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(KINDS), size=customers, p=[each.share for each in KINDS])
    of_kind = {name: np.array([getattr(each, name) for each in KINDS]) for name in Kind._fields}
    orders = 1 + rng.poisson(of_kind["orders"][kind] - 1)
    buyer = np.repeat(np.arange(customers), orders)
    traits = {name: values[kind[buyer]] for name, values in of_kind.items()}
    age = np.floor(rng.uniform(traits["newest"], traits["oldest"]))
    hour = np.clip(rng.normal(13, 4, len(age)), 0, 23)
    ago = (age * 86_400 - np.floor(hour * 3_600)).astype(np.int64)
    lines = 1 + rng.poisson(traits["lines"] - 1)
    order = np.repeat(np.arange(len(age)), lines)
    price = traits["price"][order] * rng.lognormal(0, 0.6, len(order))
    bought = pl.DataFrame(
        {
            "order": order,
            "product": (PRODUCTS * rng.random(len(order)) ** 2).astype(np.int64),
            "amount": np.round(np.maximum(price, 0.01), 2),
            "event_type": "purchase",
            "ago": ago[order],
        }
    )
    # What comes back does so after half the time to the cut-off.
    returned = (rng.random(len(age)) < traits["returned"])[order]
    backs = bought.filter(returned).with_columns(
        -pl.col("amount"), pl.col("ago") // 2, event_type=pl.lit("return")
    )
    people, goods = _names(rng, customers), pl.Series([f"p{each:05}" for each in range(PRODUCTS)])
    end = datetime(cutoff.year, cutoff.month, cutoff.day, tzinfo=UTC)
    rows = pl.concat([bought, backs])
    interactions = rows.select(
        user_id=people.gather(buyer[rows["order"].to_numpy()]),
        product_id=goods.gather(rows["product"]),
        event_type="event_type",
        event_ts=(end - pl.duration(seconds="ago")).cast(pl.Datetime("us", "UTC")),
        amount="amount",
        order_id=pl.format("{}{}", pl.col("event_type").str.head(1), "order"),
    ).with_columns(arrived_at="event_ts", event_date=pl.col("event_ts").dt.date())
    countries = pl.DataFrame(
        {"user_id": people, "country": COUNTRIES[rng.integers(len(COUNTRIES), size=customers)]}
    )
    products = pl.DataFrame(
        {"product_id": goods, "category": [f"c{each % CATEGORIES:02}" for each in range(PRODUCTS)]}
    )
    return Generated(interactions, countries, products)


def _names(rng: np.random.Generator, number: int) -> pl.Series:
    """32 hexadecimal digits each, like the mart's keyed hashes."""
    text = rng.bytes(16 * number).hex()
    return pl.Series([text[start : start + 32] for start in range(0, 32 * number, 32)])
