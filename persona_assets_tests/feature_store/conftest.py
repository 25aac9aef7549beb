"""A lake with a few days of two users and two products, whose numbers say which day they are of."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from persona_assets.lake import DeltaStore
from persona_assets.tables import Column, Table
from persona_assets.tables.feature_store import ITEM_FEATURES, USER_FEATURES
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS

DAYS = [date(2025, 3, 3) + timedelta(days=each) for each in range(10)]
"""From a Monday on."""


def at(day: int, hour: float = 0.0) -> datetime:
    """A time of the March that the rows are of."""
    return datetime(2025, 3, 1, tzinfo=UTC) + timedelta(days=day - 1, hours=hour)


def _some(column: Column) -> Any:
    """A value of the column that its contract allows."""
    plain = {"string": "some", "float64": 0.5, "bool": False, "vector": [0.5], "date": DAYS[0],
             "timestamp": at(1)}  # fmt: skip
    return column.allowed[0] if column.allowed else plain.get(column.type, 1)


def frame(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of `table`; what is not given is some value."""
    filled = [{column.name: _some(column) for column in table.columns} | row for row in rows]
    return pl.DataFrame(filled, schema=table.polars_schema)


def write(store: DeltaStore, table: Table, rows: list[dict[str, Any]]) -> None:
    """Overwrite the partitions that `rows` lie in."""
    partition = str(table.partition)
    days = sorted({row[partition] for row in rows})
    store.overwrite(table, frame(table, rows), partitions=days)


def daily(
    key: str, names: tuple[str, ...], days: list[date], plus: int = 0
) -> list[dict[str, Any]]:
    """A snapshot a day of each entity, whose `views_7d` is the day of the month."""
    return [
        {"as_of": day, key: name, "views_7d": day.day + plus, "conversion_30d": None}
        for day in days
        for name in names
    ]


def interaction(number: int, user: str, product: str, happened: datetime, arrived: datetime):
    return {
        "event_date": happened.date(), "source_row": number, "event_id": f"e{number:03}",
        "user_id": user, "product_id": product, "event_ts": happened, "arrived_at": arrived,
        "arrival_date": arrived.date(), "event_type": "view", "weight": 1.0,
    }  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    """`u1` has a snapshot a day, `u2` none of the 5th; `p1` and `p2` have all."""
    store = DeltaStore(str(tmp_path / "lake"))
    rows = daily("user_id", ("u1", "u2"), DAYS)
    gap = {"as_of": date(2025, 3, 5), "user_id": "u2"}
    write(store, USER_FEATURES, [row for row in rows if not gap.items() <= row.items()])
    write(store, ITEM_FEATURES, daily("product_id", ("p1", "p2"), DAYS, plus=100))
    write(
        store,
        CUSTOMER_SEGMENTS,
        [{"cutoff": date(2025, 3, 3), "user_id": "u1", "segment": 1},
         {"cutoff": date(2025, 3, 10), "user_id": "u1", "segment": 2}],
    )  # fmt: skip
    write(
        store,
        USER_ITEM_INTERACTIONS,
        [
            interaction(1, "u1", "p1", at(4, 10), at(4, 10)),
            interaction(2, "u1", "p2", at(4, 12), at(6, 9)),  # two days late
            interaction(3, "u1", "p1", at(5, 8), at(5, 8)),
            interaction(4, "u2", "p2", at(7, 8), at(7, 8)),
        ],
    )
    return store
