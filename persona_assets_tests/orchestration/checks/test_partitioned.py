"""The bridge to Dagster's partitioned checks: one evaluation per partition of a range run."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
import pytest

from persona_assets.sources.synthetic import SyntheticShop

DAYS = [f"2025-01-0{day}" for day in range(1, 5)]
BAD = DAYS[2]
EVENTS = dg.AssetKey(["raw", "events"])


class ShopWithABadDay:
    """A shop one day of which breaks the contract of raw/events: negative row numbers."""

    def __init__(self, shop: SyntheticShop) -> None:
        self._shop = shop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)

    def events(self, days: Sequence[date]) -> pl.DataFrame:
        bad = pl.col("event_date") == date.fromisoformat(BAD)
        negative = pl.when(bad).then(-pl.col("source_row") - 1).otherwise("source_row")
        return self._shop.events(days).with_columns(source_row=negative)


@pytest.fixture(scope="module")
def graph(open_shared_graph: Callable[..., Any], shop: SyntheticShop) -> Any:
    return open_shared_graph("bad_day", ShopWithABadDay(shop))


@pytest.fixture(scope="module")
def result(graph: Any) -> dg.ExecuteInProcessResult:
    assets = ["raw/product_history", "raw/events", "mart/user_item_interactions",
              "mart/quarantine"]  # fmt: skip
    return graph.run("daily_tables", DAYS[0], DAYS[-1], assets=assets, must_succeed=False)


def test_bad_day_in_the_middle_fails_that_day_only(
    result: dg.ExecuteInProcessResult, evaluations_of: Callable[..., Any]
) -> None:
    found = evaluations_of(result, "raw/events")
    assert {day: found["contract", day].passed for day in DAYS} == {day: day != BAD for day in DAYS}


def test_summary_of_the_range_names_the_bad_day(
    result: dg.ExecuteInProcessResult, evaluations_of: Callable[..., Any]
) -> None:
    summary = evaluations_of(result, "raw/events")["contract", ""]
    assert not summary.passed
    assert summary.metadata["failed_partitions"].value == [BAD]
    assert summary.description.startswith(f"{BAD}: raw/events breaks: source_row: at least 0")


def test_each_evaluation_points_at_the_materialization_it_evaluated(
    graph: Any, result: dg.ExecuteInProcessResult, evaluations_of: Callable[..., Any]
) -> None:
    found = evaluations_of(result, "raw/events")
    for day in DAYS:
        target = found["contract", day].target_materialization_data
        (record,) = graph.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=EVENTS, asset_partitions=[day]), limit=1
        ).records
        assert (target.run_id, target.storage_id) == (result.run_id, record.storage_id)


def test_recorded_status_of_each_partition_is_its_own(
    graph: Any, result: dg.ExecuteInProcessResult
) -> None:
    """The instance, which the UI and the automation ask, knows it too; nothing stays PLANNED."""
    history = graph.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(EVENTS, "contract"), limit=100
    )
    newest = {record.partition: record.status.value for record in reversed(history)}
    assert {day: newest[day] for day in DAYS} == {
        day: "FAILED" if day == BAD else "SUCCEEDED" for day in DAYS
    }


def test_failed_blocking_check_stops_what_comes_after(
    graph: Any, result: dg.ExecuteInProcessResult
) -> None:
    assert not result.success
    assert not graph.instance.get_materialized_partitions(
        dg.AssetKey(["mart", "user_item_interactions"])
    )


def test_range_of_one_day_is_recorded_under_that_day(
    graph: Any, result: dg.ExecuteInProcessResult
) -> None:
    assert graph.check("raw/events", DAYS[0])["contract", DAYS[0]].passed


def test_run_of_one_partition_has_one_evaluation(
    graph: Any, result: dg.ExecuteInProcessResult, evaluations_of: Callable[..., Any]
) -> None:
    again = graph.run("ingestion", DAYS[0], assets=["raw/events"])
    found = evaluations_of(again, "raw/events")
    assert [partition for (name, partition) in found if name == "contract"] == [DAYS[0]]
