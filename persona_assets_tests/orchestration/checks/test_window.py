"""A table computed over a gap fails its completeness check, and the check names the gap."""

from collections.abc import Callable
from typing import Any

INTERACTIONS = "mart/user_item_interactions"


def days(first: int, last: int) -> list[str]:
    return [f"2025-01-{day:02d}" for day in range(first, last + 1)]


def test_days_that_were_never_materialized_are_named(
    open_graph: Callable[..., Any], three_days: Any, copy_tables: Callable[..., None]
) -> None:
    """The mart lacks the 2nd: features of the 3rd look back over it, those of the 1st do not."""
    graph = open_graph()
    copy_tables(
        three_days.store,
        graph,
        INTERACTIONS,
        "raw/product_history",
        days=("2025-01-01", "2025-01-03"),
    )
    result = graph.run(
        "daily_tables", "2025-01-03", assets=["features/temporal_features"], must_succeed=False
    )
    assert not result.success
    found = graph.check("features/temporal_features", "2025-01-01", "2025-01-03")
    assert found["window_complete", "2025-01-01"].passed
    failed = found["window_complete", "2025-01-03"]
    assert not failed.passed
    assert failed.blocking
    assert "mart/user_item_interactions lacks 2025-01-02;" in failed.description
    assert failed.metadata["missing_partitions"].value == 1


def test_training_over_a_gap_is_stopped_before_lists_are_made(
    open_graph: Callable[..., Any], three_days: Any, copy_tables: Callable[..., None]
) -> None:
    graph = open_graph()
    there = [day for day in days(1, 12) if day not in ("2025-01-04", "2025-01-05")]
    copy_tables(three_days.store, graph, INTERACTIONS, days=there)
    result = graph.run(
        "weekly_training",
        "2025-01-13",
        assets=[
            "models/popularity_model",
            "models/als_model",
            "models/bpr_model",
            "recommendations/top_k",
        ],
        must_succeed=False,
    )
    assert not result.success
    made = {"/".join(event.asset_key.path) for event in result.get_asset_materialization_events()}
    assert "models/popularity_model" in made
    assert "recommendations/top_k" not in made
    failed = next(
        each for each in result.get_asset_check_evaluations()
        if each.check_name == "window_complete" and not each.passed
    )  # fmt: skip
    assert "lacks 2025-01-04, 2025-01-05" in failed.description


def test_many_missing_days_are_counted_rather_than_listed(
    open_graph: Callable[..., Any], three_days: Any, copy_tables: Callable[..., None]
) -> None:
    graph = open_graph()
    copy_tables(three_days.store, graph, INTERACTIONS, days=["2025-01-01"])
    result = graph.run(
        "weekly_training", "2025-01-13", assets=["models/popularity_model"], must_succeed=False
    )
    (failed,) = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert "lacks 2025-01-02, 2025-01-03, 2025-01-04, 2025-01-05, 2025-01-06 and 6 more" in (
        failed.description
    )


def test_complete_look_back_passes(three_days: Any) -> None:
    found = three_days.check("feature_store/user_features", "2025-01-01", "2025-01-03")
    assert all(each.passed for (name, _), each in found.items() if name == "window_complete")
