"""Methods of experiments keep their promises, and a method that does not is noticed."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from persona_assets.ab_testing.calibration import calibration, estimates, looks
from persona_assets.ab_testing.calibration.promises import (
    COVERAGE,
    FALSE_FINDINGS,
    Measured,
    Promise,
    as_table,
    ratio,
    share,
)
from persona_assets.tables.experiments import CALIBRATION


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return calibration(experiments=60, seed=5)


def test_every_promise_is_kept_and_peeking_is_what_does_harm(table: pl.DataFrame) -> None:
    assert table.filter(~pl.col("kept")).is_empty(), table.filter(~pl.col("kept"))
    unpromised = table.filter(pl.col("kept").is_null())
    assert unpromised["method"].to_list() == [
        "fixed interval, every day, 30 days", "χ² of sizes, every day, 30 days",
    ]  # fmt: skip
    assert unpromised["low"].min() > 0.06


def test_rows_follow_the_contract_and_the_seed(table: pl.DataFrame) -> None:
    assert table.schema == CALIBRATION.polars_schema
    assert not table.select(CALIBRATION.key).is_duplicated().any()
    required = [column.name for column in CALIBRATION.columns if not column.nullable]
    assert not any(table.select(required).null_count().row(0))
    assert table.equals(calibration(experiments=60, seed=5))
    assert not table.equals(calibration(experiments=60, seed=6))


def kept(rows: list[Measured]) -> dict[tuple[str, str], bool]:
    return {
        (row["method"], row["measure"]): row["kept"] for row in as_table(rows).iter_rows(named=True)
    }


def test_intervals_a_third_too_narrow_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = estimates.welch_difference

    def narrow(*given: object) -> object:
        found = right(*given)  # type: ignore[arg-type]
        third = (found.high - found.low) / 6
        return replace(found, low=found.low + third, high=found.high - third)

    monkeypatch.setattr(estimates, "welch_difference", narrow)
    found = kept(list(estimates.measured(np.random.default_rng(1), 300)))
    revenue = "revenue per user, a tenth buys, 2,000 an arm"
    assert not found[revenue, "coverage"]
    assert not found[revenue, "false_findings"]
    assert found["proportion of 3 %, 2,000 users an arm", "coverage"]


def test_a_sequential_test_that_forgets_its_looks_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looks, "standard_errors", lambda *_: 1.96)
    found = kept(list(looks.measured(np.random.default_rng(1), 200)))
    assert not found["sequential interval, every day, 30 days", "false_findings"]


@pytest.mark.parametrize(
    ("hits", "promise", "is_kept"),
    [
        # Wilson's 99 % intervals: 50 of 1,000 in [.035, .071], 90 in [.069, .116].
        (50, FALSE_FINDINGS, True),
        (90, FALSE_FINDINGS, False),
        (965, COVERAGE, True),
        (990, COVERAGE, False),
        (0, Promise(0.0, 0.06), True),
    ],
)
def test_a_promise_is_broken_only_beyond_chance(hits: int, promise: Promise, is_kept: bool) -> None:
    measured = share("m", "coverage", [True] * hits + [False] * (1000 - hits), promise)
    assert measured.is_kept is is_kept
    assert 0 <= measured.low <= measured.value <= measured.high <= 1


def test_a_mean_is_a_multiple_of_the_truth() -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    found = ratio("m", "effect_recovered", values, 2.0, Promise(0.98, 1.02))
    margin = 2.5758293035489004 * math.sqrt((5 / 3) / 4) / 2
    assert found.value == 1.25
    assert (found.low, found.high) == pytest.approx((1.25 - margin, 1.25 + margin))
