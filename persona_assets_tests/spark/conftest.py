"""A small shop, and the way of its rows to Spark."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest

CUTOFF = date(2024, 3, 4)
MIDNIGHT = datetime(2024, 3, 4, tzinfo=UTC)


@pytest.fixture(scope="session")
def on_spark(spark: Any) -> Callable[..., nw.LazyFrame]:
    """Rows as a PySpark frame, in so many partitions."""

    def lazy(frame: pl.DataFrame, partitions: int = 2) -> nw.LazyFrame:
        return nw.from_native(spark.createDataFrame(frame.to_arrow()).repartition(partitions))

    return lazy


@pytest.fixture(scope="session")
def shop() -> pl.DataFrame:
    """150 people with one of 5 tastes, 100 products; 40 days before the cut-off and the week after.

    One row in 50 is a return, one in 20 arrives ten days late, and "returner" only returns.
    """
    rng = np.random.default_rng(3)
    events = 6_000
    user = rng.integers(0, 150, events)
    product = rng.integers(0, 20, events) * 5 + np.where(
        rng.random(events) < 0.85, user % 5, rng.integers(0, 5, events)
    )
    kind = rng.choice(4, events, p=(0.8, 0.1, 0.08, 0.02))
    happened = [MIDNIGHT - timedelta(days=age) for age in rng.uniform(-7, 40, events)]
    late = np.where(rng.random(events) < 0.05, 10, 0)
    rows = pl.DataFrame(
        {
            "user_id": [f"u{number:03d}" for number in user],
            "product_id": [f"p{number:02d}" for number in product],
            "event_id": [f"e{number}" for number in range(events)],
            "event_type": np.array(["view", "add_to_cart", "purchase", "return"])[kind],
            "weight": np.array([1.0, 3.0, 5.0, 0.0])[kind],
            "event_ts": happened,
            "arrived_at": [
                at + timedelta(days=int(days)) for at, days in zip(happened, late, strict=True)
            ],
        }
    )
    returner = rows.filter(pl.col("event_type") == "return").head(1)
    return pl.concat([rows, returner.with_columns(user_id=pl.lit("returner"))]).with_columns(
        pl.col("event_ts", "arrived_at").cast(pl.Datetime("us", "UTC")),
        event_date=pl.col("event_ts").dt.date(),
    )


@pytest.fixture(scope="session")
def planted(shop: pl.DataFrame) -> pl.DataFrame:
    """The shop's rows in another order, with more that happen or arrive from the cut-off on."""
    future = shop.with_columns(pl.col("event_ts", "arrived_at") + timedelta(days=60))
    late = shop.with_columns(arrived_at=pl.lit(MIDNIGHT), product_id=pl.lit("novelty"))
    return pl.concat([future, shop, late]).sample(fraction=1, shuffle=True, seed=4)
