"""What an experiment proves: every arm against control, challengers against each other.

The primary metric is **conversion**, the share of users with an order from the list (revenue moves
with a handful of large baskets, clicks are not the goal). CTR and revenue per user are guardrails:
a challenger must be shown not to lose more of them than a margin. Its rule is in `verdict.py`.

Belongs here: metrics, arms and their comparisons. Does not belong here: the verdict
(`verdict.py`) or formulas (`statistics/two_samples.py`, `statistics/power.py`).
"""

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import polars as pl

from persona_assets.errors import InsufficientDataError
from persona_assets.experiments.assignment import equal_shares
from persona_assets.experiments.config import ExperimentConfig
from persona_assets.experiments.verdict import (
    SIGNIFICANT,
    Compared,
    Finding,
    Verdict,
    decide,
    guardrail_finding,
    primary_finding,
)
from persona_assets.skipped import Skipped
from persona_assets.statistics.multiple_testing import holm
from persona_assets.statistics.power import minimum_detectable
from persona_assets.statistics.two_samples import (
    Comparison,
    mean_difference,
    proportion_difference,
    ratio_difference,
    sample_ratio_p_value,
)
from persona_assets.tables import TABLES
from persona_assets.tables.experiments import ARMS, CONTROL

PRIMARY = "conversion"
CTR = "ctr"
REVENUE = "revenue_per_user"

TESTS = {
    CTR: "z-test of ratios, delta method by user",
    PRIMARY: "two-proportion z-test, Fisher's exact test of small counts",
    REVENUE: "Welch's t-test",
}


def analyse(
    simulation: pl.DataFrame,
    config: ExperimentConfig | None = None,
    *,
    truth: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Compare every arm with control, and challengers with each other.

    Intervals are those of each comparison by itself. `adjusted_p_value`, of the primary metric
    alone, is what counts as significant; guardrails are judged by their intervals and margins.

    Args:
        simulation: rows of experiments/ab_test_simulation of one experiment, one per user, with
            arms of equal shares.
        config: margins and the smallest gain of interest; None: the defaults.
        truth: rows of experiments/planted_effects; None: the true effects are not known.

    Returns:
        Rows of experiments/ab_test_results: arms in the contract's order × metrics of `TESTS`,
        revenue only where it is known, then pairs of challengers on the primary metric.

    Raises:
        InsufficientDataError: control or any other arm is missing, or an arm has fewer than two
            users.
    """
    config = config or ExperimentConfig()
    by_arm = _by_arm(simulation)
    challengers = [arm for arm in by_arm if arm != CONTROL]
    comparisons = {
        (arm, CONTROL, metric): comparison
        for arm in challengers
        for metric, comparison in _compare(by_arm[arm], by_arm[CONTROL]).items()
    } | {
        (arm, against, PRIMARY): _conversion(by_arm[arm], by_arm[against])
        for against, arm in combinations(challengers, 2)
    }
    family = [key for key in comparisons if key[2] == PRIMARY]
    adjusted = dict(zip(family, holm([comparisons[key].p_value for key in family]), strict=True))
    sizes = [rows.height for rows in by_arm.values()]
    srm = sample_ratio_p_value(sizes, list(equal_shares(list(by_arm)).values()))
    true_values = _true_values(truth)
    models = {arm: rows["model"][0] for arm, rows in by_arm.items()}
    shared = by_arm[CONTROL].row(0, named=True)
    results = [
        {
            **{name: shared[name] for name in ("experiment", "cutoff", "responses")},
            "arm": arm,
            "model": models[arm],
            "against": against,
            "metric": metric,
            "users": by_arm[arm].height,
            "control_users": by_arm[against].height,
            **vars(comparison),
            **comparison.ends,
            "adjusted_p_value": adjusted.get((arm, against, metric)),
            **_judged(metric, comparison, adjusted.get((arm, against, metric)), config)
            | {"minimum_detectable": _detectable(metric, comparison, len(family))},
            "true_effect": _difference(true_values, metric, arm, against),
            "test": TESTS[metric],
            "srm_p_value": srm,
        }
        for (arm, against, metric), comparison in comparisons.items()
    ]
    verdict = _verdict(results, models[CONTROL], config, srm)
    return pl.DataFrame(
        [
            {
                **row,
                "verdict": verdict.sentence,
                "decision": verdict.decision,
                "shipped_arm": verdict.arm,
            }
            for row in results
        ],
        schema=TABLES["experiments/ab_test_results"].polars_schema,
    )


def _by_arm(simulation: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Control first; sorted, since a sum of floats depends, in its last digits, on its order."""
    there = simulation["arm"].unique()
    by_arm = {
        arm: simulation.filter(pl.col("arm") == arm).sort("user_id") for arm in ARMS if arm in there
    }
    if CONTROL not in by_arm or len(by_arm) < 2 or min(map(len, by_arm.values())) < 2:
        named = ", ".join(f"{rows.height} in {arm}" for arm, rows in by_arm.items())
        raise InsufficientDataError(
            "a comparison needs control, another arm, and two users in each, and "
            f"experiments/ab_test_simulation has {named or 'no users'}"
        )
    return by_arm


def against_control(results: pl.DataFrame) -> pl.DataFrame:
    """The rows of experiments/ab_test_results that compare an arm with control."""
    return results.filter(pl.col("against") == CONTROL)


def unknown_metrics(simulation: pl.DataFrame) -> tuple[Skipped, ...]:
    """The metrics that `analyse` leaves out, and why.

    Args:
        simulation: rows of experiments/ab_test_simulation.
    """
    if not simulation["revenue"].null_count():
        return ()
    return (
        Skipped(
            "a recommended product has no price, neither in raw/products nor in any event before "
            "the cut-off, so that orders have no amount",
            part=REVENUE,
        ),
    )


def _compare(rows: pl.DataFrame, control: pl.DataFrame) -> dict[str, Comparison]:
    """Every metric of `TESTS` that is known, for one arm against control."""
    arm, base = (
        frame.select(pl.col("clicks", "impressions", "revenue").cast(pl.Float64))
        for frame in (rows, control)
    )
    comparisons = {
        CTR: ratio_difference(
            arm["clicks"].to_numpy(),
            arm["impressions"].to_numpy(),
            base["clicks"].to_numpy(),
            base["impressions"].to_numpy(),
        ),
        PRIMARY: _conversion(rows, control),
    }
    if not (arm["revenue"].null_count() or base["revenue"].null_count()):
        comparisons[REVENUE] = mean_difference(
            arm["revenue"].to_numpy(), base["revenue"].to_numpy()
        )
    return comparisons


def _conversion(rows: pl.DataFrame, other: pl.DataFrame) -> Comparison:
    return proportion_difference(
        int((rows["orders"] > 0).sum()), rows.height, int((other["orders"] > 0).sum()), other.height
    )


def _judged(
    metric: str, comparison: Comparison, adjusted_p_value: float | None, config: ExperimentConfig
) -> dict[str, Any]:
    """Margin, in units of the metric, and finding of one comparison."""
    finding: Finding
    if adjusted_p_value is not None:
        return {
            "margin": None,
            "finding": primary_finding(comparison.effect, adjusted_p_value),
        }
    share = {CTR: config.ctr_margin, REVENUE: config.revenue_margin}[metric]
    margin = share * comparison.control_value
    finding = guardrail_finding(comparison.low, comparison.high, margin, comparison.standard_error)
    return {"margin": margin, "finding": finding}


def _detectable(metric: str, comparison: Comparison, tests: int) -> float | None:
    if not comparison.standard_error:
        return None
    level = SIGNIFICANT / tests if metric == PRIMARY else SIGNIFICANT
    return minimum_detectable(comparison.standard_error, significant=level)


def _true_values(truth: pl.DataFrame | None) -> dict[tuple[str, str], float]:
    if truth is None:
        return {}
    return {(row["metric"], row["arm"]): row["value"] for row in truth.iter_rows(named=True)}


def _difference(
    values: Mapping[tuple[str, str], float], metric: str, arm: str, against: str
) -> float | None:
    if (metric, arm) not in values or (metric, against) not in values:
        return None
    return values[metric, arm] - values[metric, against]


def _verdict(
    results: list[dict[str, Any]], control_model: str, config: ExperimentConfig, srm: float
) -> Verdict:
    compared = [
        Compared(
            **{
                name: row[name]
                for name in Compared.__dataclass_fields__.keys()
                & row.keys() - {"low", "high", "margin", "adjusted_p_value"}
            },
            low=-math.inf if row["low"] is None else row["low"],
            high=math.inf if row["high"] is None else row["high"],
            margin=row["margin"] or 0.0,
            adjusted_p_value=1.0 if row["adjusted_p_value"] is None else row["adjusted_p_value"],
        )
        for row in results
    ]
    return decide(
        [row for row in compared if row.metric == PRIMARY and row.against == CONTROL],
        [row for row in compared if row.metric == PRIMARY and row.against != CONTROL],
        [row for row in compared if row.metric != PRIMARY],
        control_model=control_model,
        smallest_gain=config.smallest_gain,
        srm_p_value=srm,
    )
