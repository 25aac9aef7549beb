"""Small shops and lists, written the way a test reads best."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from persona_assets.tables.models import TOP_K

CUTOFF = date(2024, 3, 4)
WEIGHTS = {"view": 1.0, "add_to_cart": 3.0, "purchase": 5.0, "return": 0.0}


@pytest.fixture(scope="session")
def cutoff() -> date:
    return CUTOFF


@pytest.fixture(scope="session")
def mart() -> Callable[..., pl.DataFrame]:
    """(user, product, day relative to the cut-off[, event type[, days until arrival]]) -> rows."""

    def build(*rows: tuple) -> pl.DataFrame:
        frame = []
        for user, product, day, *rest in rows:
            event_type, delay = (*rest, *("view", 0)[len(rest) :])
            happened = datetime(2024, 3, 4, 12, tzinfo=UTC) + timedelta(days=day)
            frame.append(
                {
                    "event_date": happened.date(),
                    "user_id": user,
                    "product_id": product,
                    "event_type": event_type,
                    "event_ts": happened,
                    "arrived_at": happened + timedelta(days=delay),
                    "weight": WEIGHTS[event_type],
                }
            )
        return pl.DataFrame(
            frame,
            schema={
                "event_date": pl.Date(),
                "user_id": pl.String(),
                "product_id": pl.String(),
                "event_type": pl.String(),
                "event_ts": pl.Datetime("us", "UTC"),
                "arrived_at": pl.Datetime("us", "UTC"),
                "weight": pl.Float64(),
            },
        )

    return build


@pytest.fixture(scope="session")
def lists() -> Callable[..., pl.DataFrame]:
    """lists(model, user="products, best first, separated by blanks") -> rows of top_k."""

    def build(model: str, cutoff: date = CUTOFF, **products: str) -> pl.DataFrame:
        rows = [
            (cutoff, model, "*" if user == "everyone" else user, rank, product, 1.0 / rank)
            for user, text in products.items()
            for rank, product in enumerate(text.split(), start=1)
        ]
        return pl.DataFrame(rows, schema=TOP_K.polars_schema, orient="row")

    return build
