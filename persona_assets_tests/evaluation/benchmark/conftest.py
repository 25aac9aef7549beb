"""A small log in which what comes next depends on what came last."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
LOG_SCHEMA = {
    "user_id": pl.String(),
    "product_id": pl.String(),
    "event_type": pl.String(),
    "event_ts": pl.Datetime("us", "UTC"),
    "arrived_at": pl.Datetime("us", "UTC"),
    "weight": pl.Float64(),
}


def build_log(*rows: tuple) -> pl.DataFrame:
    """Rows (user, product, hour[, event type[, weight]])."""
    weights = {"view": 1.0, "add_to_cart": 3.0, "purchase": 5.0}
    built = []
    for user, product, hour, *rest in rows:
        event = rest[0] if rest else "view"
        at = EPOCH + timedelta(hours=hour)
        weight = rest[1] if len(rest) > 1 else weights[event]
        built.append((user, product, event, at, at, weight))
    return pl.DataFrame(built, schema=LOG_SCHEMA, orient="row")


@pytest.fixture(scope="session")
def log():
    return build_log


@pytest.fixture(scope="session")
def chains() -> pl.DataFrame:
    """150 people walk along circles of 60 products, mostly step by step; ties in time included."""
    rng = np.random.default_rng(5)
    rows = []
    for user in range(150):
        at, hour = int(rng.integers(60)), float(rng.integers(0, 500))
        for _ in range(int(rng.integers(4, 12))):
            at = (at + 1) % 60 if rng.random() < 0.8 else int(rng.integers(60))
            hour += float(rng.integers(0, 3))
            kind = ("view", "add_to_cart", "purchase")[rng.choice(3, p=(0.7, 0.15, 0.15))]
            rows.append((f"u{user}", f"p{at}", hour, kind))
    return build_log(*rows).unique(maintain_order=True)
