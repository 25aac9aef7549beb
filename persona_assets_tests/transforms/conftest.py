"""Two engines, one set of claims: every test that asks for `lazy` and `collect` runs on both.

Spark takes seconds where Polars takes milliseconds. So both run what depends on their parsers and
hashes, and `test_engine_parity.py` compares every table; everything else runs on Polars alone.
"""

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import narwhals as nw
import polars as pl
import pytest

from persona_assets.tables.contract import Table
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.raw import EVENTS, PRODUCTS, SEARCH_LOGS
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean
from persona_assets.transforms.sessions import assign_sessions


@dataclass(frozen=True)
class Engine:
    """A way to put rows into a lazy frame and to take them out again."""

    name: str
    lazy: Callable[[pl.DataFrame], nw.LazyFrame]

    @staticmethod
    def collect(frame: nw.LazyFrame) -> pl.DataFrame:
        return frame.collect("polars").to_native()


@pytest.fixture(scope="session", params=["polars", "pyspark"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "polars":
        return Engine("polars", lambda frame: nw.from_native(frame.lazy()))
    session = request.getfixturevalue("spark")
    return Engine(
        "pyspark", lambda frame: nw.from_native(session.createDataFrame(frame.to_arrow()))
    )


@pytest.fixture(scope="session")
def lazy(engine: Engine) -> Callable[[pl.DataFrame], nw.LazyFrame]:
    return engine.lazy


@pytest.fixture(scope="session")
def collect(engine: Engine) -> Callable[[nw.LazyFrame], pl.DataFrame]:
    return engine.collect


DAY_ONE = date(2025, 3, 3)
PEOPLE = ("anna", "Zoë", "bob", "cy", "di", "", " ", None)
GOODS = tuple(f"p{number}" for number in range(8))


@dataclass(frozen=True)
class Shop:
    """Raw tables of a small and very dirty shop."""

    events: pl.DataFrame
    products: pl.DataFrame
    search_logs: pl.DataFrame


@pytest.fixture(scope="session")
def dirty_shop() -> Callable[..., Shop]:
    """Makes a shop of `days` days from a seed; every rule can be broken in it."""
    return _dirty_shop


def _dirty_shop(seed: int, rows: int = 60, days: int = 3, dirt: float = 0.3) -> Shop:
    rng = random.Random(seed)
    events = [_event(rng, DAY_ONE + timedelta(rng.randrange(days)), dirt) for _ in range(rows)]
    for _ in range(int(rows * dirt / 3)):
        copy = dict(rng.choice(events))
        if rng.random() < 0.5:  # an event delivered again later is no exact duplicate
            copy["arrived_at"] += timedelta(hours=rng.randrange(60))
        events.append(copy)
    searches = [
        {key: value for key, value in event.items() if key in SEARCH_LOGS.polars_schema}
        | {"query": "lamp", "results": rng.randrange(9)}
        for event in (
            _event(rng, DAY_ONE + timedelta(rng.randrange(days)), dirt) for _ in range(rows // 3)
        )
    ]
    return Shop(
        _numbered(events, EVENTS, rng),
        pl.DataFrame(
            [_product(name, kind) for name, kind in _KINDS.items()], schema=PRODUCTS.polars_schema
        ),
        _numbered(searches, SEARCH_LOGS, rng),
    )


_KINDS = dict.fromkeys(GOODS, "product") | {"POST": "service", "gift_0001": "anomalous"}


def _product(name: str, kind: str) -> dict[str, Any]:
    category = {"p0": None, "p1": "lamps", "p2": "lamps", "p3": "lamps"}.get(name, "chairs")
    return {"product_id": name, "kind": kind, "category": category}


def _event(rng: random.Random, day: date, dirt: float) -> dict[str, Any]:
    def soil(clean: Any, *dirty: Any) -> Any:
        return rng.choice(dirty) if rng.random() < dirt / 8 else clean

    # Few different instants, so that ties and gaps of exactly 30 minutes occur.
    at = datetime.combine(day, time(), UTC) + timedelta(minutes=rng.randrange(0, 1440, 15))
    if rng.random() < 0.5:
        at += timedelta(microseconds=rng.randrange(10**9))
    event_type = rng.choice(["view", "view", "view", "add_to_cart", "purchase", "return"])
    quantity = {"purchase": rng.randrange(1, 5), "return": -rng.randrange(1, 5)}.get(event_type, 1)
    billed = event_type in ("purchase", "return")
    price = round(rng.uniform(0.1, 90), 3) if billed or rng.random() < 0.5 else None
    late = timedelta(hours=rng.randrange(70)) if rng.random() < 0.25 else timedelta(seconds=20)
    zone = timedelta(hours=rng.choice([-5, 0, 1]))
    hours = zone // timedelta(hours=1)
    text = (at + zone).replace(tzinfo=None).isoformat(timespec="microseconds") + f"{hours:+03}:00"
    tomorrow = (at + timedelta(days=1)).isoformat()
    return {
        "event_date": day,
        "event_id": soil(f"e{rng.randrange(10**6)}", None, " ", "e1"),
        "user_id": soil(rng.choice(PEOPLE[:5]), *PEOPLE[5:]),
        "product_id": soil(rng.choice(GOODS), None, "", "POST", "gift_0001", "p?"),
        "event_type": soil(event_type, None, "click", "VIEW"),
        "timestamp": soil(
            text,
            None,
            "soon",
            "2025-02-30T00:00:00",
            tomorrow,
            "03/03/2025 09:00",
            "1970-01-01T00:00:00Z",
        ),
        "arrived_at": soil(at + late, at - timedelta(minutes=4), at - timedelta(minutes=6)),
        "quantity": soil(quantity, None, 0, -quantity, 0.5, 10**12),
        "quantity_text": soil(None, "two"),
        "unit_price_text": soil(None, "5 or 6"),
        "unit_price": soil(price, None, 0.0, -1.5, -11062.06, math.nan, math.inf, -math.inf, 1e300),
        "order_id": "o1" if billed else None,
        "related_event_id": None,
        "consent": soil(True, None, False),
    }


def _numbered(rows: list[dict[str, Any]], table: Table, rng: random.Random) -> pl.DataFrame:
    """Rows in random order with their `source_row` within the day."""
    rng.shuffle(rows)
    seen: Counter[date] = Counter()
    for row in rows:
        row["source_row"] = seen[row["event_date"]]
        seen[row["event_date"]] += 1
    return pl.DataFrame(rows, schema=table.polars_schema)


@pytest.fixture(scope="session")
def on_polars() -> Callable[..., pl.DataFrame]:
    """Runs a transform on Polars: eager frames in, eager frame out."""

    def run(transform: Callable[..., nw.LazyFrame], *frames: Any, **options: Any) -> pl.DataFrame:
        lazy = (nw.from_native(f.lazy()) if isinstance(f, pl.DataFrame) else f for f in frames)
        return transform(*lazy, **options).collect("polars").to_native()

    return run


@pytest.fixture(scope="session")
def mart(on_polars: Callable[..., pl.DataFrame]) -> Callable[..., pl.DataFrame]:
    """Makes rows of the mart from `at` and whatever else matters to a test; the rest is filled."""

    def build(*rows: dict[str, Any]) -> pl.DataFrame:
        filled = []
        for number, row in enumerate(rows):
            at, event_type = row["at"], row.get("event_type", "view")
            arrived = row.get("arrived_at", at + timedelta(seconds=1))
            billed = event_type in ("purchase", "return")
            quantity, price = row.get("quantity", 1), row.get("unit_price", 1.0 if billed else None)
            filled.append(
                {
                    "event_date": at.date(),
                    "source_row": number,
                    "event_id": row.get("event_id", f"e{number:03}"),
                    "user_id": row.get("user_id", "u"),
                    "product_id": row.get("product_id", "p1"),
                    "event_type": event_type,
                    "event_ts": at,
                    "arrived_at": arrived,
                    "arrival_date": arrived.date(),
                    "session_id": "",
                    "quantity": quantity,
                    "unit_price": price,
                    "amount": quantity * price if billed else 0.0,
                    "weight": DEFAULT_WEIGHTS[event_type],
                    "order_id": row.get("order_id"),
                    "related_event_id": None,
                }
            )
        frame = pl.DataFrame(filled, schema=USER_ITEM_INTERACTIONS.polars_schema)
        return on_polars(assign_sessions, frame.drop("session_id"))

    return build


@pytest.fixture(scope="session")
def dirty_mart(
    dirty_shop: Callable[..., Shop], on_polars: Callable[..., pl.DataFrame]
) -> Callable[..., pl.DataFrame]:
    """Makes the mart of a dirty shop: late rows, ties in time and all kinds of events."""

    def build(seed: int, **options: Any) -> pl.DataFrame:
        shop = dirty_shop(seed, **options)
        cleaned = on_polars(clean, shop.events, shop.products, key=b"key", weights=DEFAULT_WEIGHTS)
        return on_polars(accepted, cleaned)

    return build
