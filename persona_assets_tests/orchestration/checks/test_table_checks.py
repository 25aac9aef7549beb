"""Checks particular to a table: floors for models, drift, sample ratio."""

from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
import pytest

from persona_assets.tables import (
    evaluation,
    experiments,
    monitoring,
)

CUTOFF = date(2025, 1, 13)


@pytest.fixture
def stored(open_graph: Callable[..., Any]) -> Callable[..., Any]:
    """stored(table, frame) → a graph over a lake that holds just that."""

    def store(table: Any, frame: pl.DataFrame) -> Any:
        graph = open_graph()
        days = frame[table.partition].unique().to_list() if table.partition else None
        graph.store.overwrite(table, frame, partitions=days)
        return graph

    return store


def drift(drifted: list[bool]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "cutoff": CUTOFF,
            "column": [f"column_{n}" for n in range(len(drifted))],
            "method": "psi",
            "score": 0.2,
            "threshold": 0.1,
            "drifted": drifted,
            "current_rows": 10,
            "reference_rows": 40,
        }
    )


@pytest.mark.parametrize(("drifted", "passes"), [(3, True), (4, False)])
def test_more_than_a_third_of_the_columns_drifted(
    drifted: int, passes: bool, stored: Callable[..., Any]
) -> None:
    columns = [True] * drifted + [False] * (9 - drifted)
    graph = stored(monitoring.DATA_DRIFT, drift(columns))
    found = graph.check("monitoring/data_drift", str(CUTOFF))["drift_share", str(CUTOFF)]
    assert found.passed is passes
    assert not found.blocking
    if not passes:
        assert found.severity is dg.AssetCheckSeverity.WARN
        assert "4 of 9 columns drifted in the week of 2025-01-13: column_0," in found.description


@pytest.mark.parametrize(
    ("lift", "p_value", "passes"),
    [(0.1, 0.02, True), (0.1, 0.04, False), (-0.1, 0.02, False)],
)
def test_a_model_beats_popularity_only_beyond_chance(
    lift: float, p_value: float, passes: bool, stored: Callable[..., Any]
) -> None:
    """Beyond chance after Holm's correction: the smaller of two p-values counts twice."""
    row = dict.fromkeys(("value", "low", "high", "lift_low", "lift_high"), 0.1) | {
        "cutoff": CUTOFF, "metric": "ndcg", "k": 10, "users": 100,
    }  # fmt: skip
    clear = {"lift": 0.5, "lift_p_value": 0.0001}
    rows = [
        row | {"model": "als", "lift": lift, "lift_p_value": p_value},
        row | {"model": "bpr", "lift": 0.1, "lift_p_value": 0.5},
        row | {"model": "popularity"} | clear,
        row | {"model": "planted_optimum"} | clear,
        row | {"model": "bpr", "metric": "map"} | clear,
    ]
    graph = stored(evaluation.OFFLINE_METRICS, pl.DataFrame(rows))
    found = graph.check("evaluation/offline_metrics", str(CUTOFF))["beats_popularity", str(CUTOFF)]
    assert found.passed is passes


def test_sample_ratio_mismatch_warns(
    whole: Any, open_graph: Callable[..., Any], copy_tables: Callable[..., None]
) -> None:
    graph = open_graph()
    copy_tables(whole.store, graph, "experiments/ab_test_results")
    assert graph.check("experiments/ab_test_results")["sample_ratio", ""].passed
    results = graph.store.read(experiments.AB_TEST_RESULTS)
    graph.store.overwrite(
        experiments.AB_TEST_RESULTS, results.with_columns(srm_p_value=pl.lit(1e-6))
    )
    failed = graph.check("experiments/ab_test_results")["sample_ratio", ""]
    assert not failed.passed
    assert failed.severity is dg.AssetCheckSeverity.WARN
    assert "do not trust the effects" in failed.description


def calibration(kept: list[bool | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "method": f"method {number}", "measure": "coverage", "experiments": 1000,
                "value": 0.9, "low": 0.87, "high": 0.92, "kept": each,
                "promised_low": None if each is None else 0.94,
                "promised_high": None if each is None else 0.96,
            }
            for number, each in enumerate(kept)
        ],
        schema=experiments.CALIBRATION.polars_schema,
    )  # fmt: skip


@pytest.mark.parametrize(("kept", "passes"), [([True, None], True), ([True, False], False)])
def test_a_broken_promise_of_a_method_fails_the_check(
    kept: list[bool | None], passes: bool, stored: Callable[..., Any]
) -> None:
    graph = stored(experiments.CALIBRATION, calibration(kept))
    found = graph.check("experiments/calibration", "")["promises_are_kept", ""]
    assert found.passed is passes
    if not passes:
        assert found.severity is dg.AssetCheckSeverity.ERROR
        told = "coverage of method 1: 0.900 [0.870, 0.920], promised 0.94 to 0.96: do not trust"
        assert told in found.description
