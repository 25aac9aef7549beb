"""Customers of a made-up shop, as rows of `segmentation/customer_features`."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.tables.segmentation import CUSTOMER_FEATURES

CUTOFF = date(2025, 3, 3)
QUICK = SegmentationConfig(sample=600, bootstraps=3, most_k=6)

KINDS = {
    # recency d, orders, average order value, return rate
    "champions": (6.0, 30, 400.0, 0.1),
    "regulars": (12.0, 6, 150.0, 0.0),
    "lapsed": (200.0, 1, 60.0, 0.0),
    "returners": (80.0, 4, 180.0, 0.45),
}


def customer(user_id: str, **known: Any) -> dict[str, Any]:
    """A row with what the test says; counts it does not name are 0, and all else is null."""
    zeros = {
        column.name: 0
        for column in CUSTOMER_FEATURES.columns
        if not column.nullable and column.type in ("int64", "float64")
    }
    return {"cutoff": CUTOFF, "user_id": user_id} | zeros | known


def table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=CUSTOMER_FEATURES.polars_schema)


def buyer(user_id: str, recency: float, orders: int, basket: float, returned: float) -> dict:
    gross = orders * basket
    return customer(
        user_id,
        recency_days=recency,
        tenure_days=recency + 10.0 * orders,
        orders=orders,
        lines=3 * orders,
        products=2 * orders,
        return_rate=returned,
        return_orders=round(orders * returned / (1 - returned)),
        gross_spend=gross,
        returned_spend=gross * returned / 2,
        net_spend=gross * (1 - returned / 2),
        average_order_value=basket,
    )


@pytest.fixture(scope="session")
def make_customers() -> Callable[..., pl.DataFrame]:
    def make(each: int = 120, seed: int = 0, kinds: tuple[str, ...] = tuple(KINDS)) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        rows = []
        for kind in kinds:
            recency, orders, basket, returned = KINDS[kind]
            for number in range(each):
                spread = np.exp(0.2 * rng.standard_normal(3))
                rows.append(
                    buyer(
                        f"{kind}-{number:04d}",
                        recency * spread[0],
                        max(1, round(orders * spread[1])),
                        basket * spread[2],
                        min(0.9, returned * spread[0]),
                    )
                )
        return table(rows)

    return make


@pytest.fixture(scope="session")
def customers(make_customers: Callable[..., pl.DataFrame]) -> pl.DataFrame:
    return make_customers()
