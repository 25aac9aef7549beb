from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

CUTOFF = date(2024, 3, 4)
MIDNIGHT = datetime(2024, 3, 4, tzinfo=UTC)

Mart = Callable[..., pl.DataFrame]


def build_mart(*rows: tuple) -> pl.DataFrame:
    """Rows (user, product, event type, weight, days before the cut-off[, days before: arrival])."""
    return pl.DataFrame(
        [
            {
                "user_id": row[0],
                "product_id": row[1],
                "event_type": row[2],
                "weight": float(row[3]),
                "event_ts": MIDNIGHT - timedelta(days=row[4]),
                "arrived_at": MIDNIGHT - timedelta(days=row[-1]),
            }
            for row in rows
        ],
        schema={
            "user_id": pl.String(),
            "product_id": pl.String(),
            "event_type": pl.String(),
            "weight": pl.Float64(),
            "event_ts": pl.Datetime("us", "UTC"),
            "arrived_at": pl.Datetime("us", "UTC"),
        },
    )


@pytest.fixture(scope="session")
def mart() -> Mart:
    return build_mart


@pytest.fixture(scope="session")
def shop() -> pl.DataFrame:
    """A shop of 400 people, each with one of 8 tastes, and 480 products of uneven popularity.

    60 days before the cut-off and the week after it; nine events in ten follow the taste.
    """
    rng = np.random.default_rng(11)
    users, products, tastes, events = 400, 480, 8, 20_000
    attraction = np.exp(rng.normal(0, 1, products))
    taste_of_product = rng.integers(0, tastes, products)
    user = rng.integers(0, users, events)
    product = np.empty(events, dtype=int)
    for taste in range(tastes):
        rows = np.flatnonzero(user % tastes == taste)
        chance = attraction * np.where(taste_of_product == taste, 9 * tastes / (tastes - 1), 1)
        product[rows] = rng.choice(products, len(rows), p=chance / chance.sum())
    kind = rng.choice(4, events, p=(0.8, 0.1, 0.08, 0.02))
    days = rng.uniform(-7, 60, events)
    return build_mart(
        *(
            (
                f"u{user[row]:03d}",
                f"p{product[row]:03d}",
                ("view", "add_to_cart", "purchase", "return")[kind[row]],
                (1, 3, 5, 0)[kind[row]],
                float(days[row]),
            )
            for row in range(events)
        )
    )
