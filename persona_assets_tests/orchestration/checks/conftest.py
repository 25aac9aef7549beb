"""Three days of a small mart, made once; tests that spoil a table take a copy of it."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

DAYS = ("2025-01-01", "2025-01-02", "2025-01-03")
MADE = [
    "raw/users", "raw/products", "raw/product_history", "raw/events", "raw/search_logs",
    "mart/user_item_interactions", "mart/quarantine", "mart/sessions",
    "features/user_daily", "features/item_daily",
    "feature_store/user_features", "feature_store/item_features",
]  # fmt: skip


@pytest.fixture(scope="session")
def three_days(open_shared_graph: Callable[..., Any]) -> Any:
    """Only to be looked at."""
    graph = open_shared_graph("three_days")
    graph.run("daily_tables", DAYS[0], DAYS[-1], assets=MADE)
    return graph


@pytest.fixture
def spoiled(
    open_graph: Callable[..., Any], copy_tables: Callable[..., None], three_days: Any
) -> Callable[..., Any]:
    """spoiled(path, day, change) → a graph over a copy in which `change(frame)` replaced a day."""

    def spoil(table: Any, day: Any, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Any:
        graph = open_graph()
        needed = {
            "raw/product_history",
            "raw/events",
            "mart/user_item_interactions",
            "mart/quarantine",
        }
        copy_tables(three_days.store, graph, *sorted(needed | {table.path}), days=DAYS)
        days = [day] if table.partition else None
        graph.store.overwrite(table, change(graph.store.read(table, days)), partitions=days)
        return graph

    return spoil
