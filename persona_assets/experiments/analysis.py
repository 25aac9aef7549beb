"""What an experiment proves: every arm against control, and one verdict.

The rule, fixed before any number is seen: the primary metric is **conversion**, the share of users
with an order (revenue moves with a handful of large baskets, clicks are not the goal); CTR and
revenue per user are guardrails. Significant means a p-value below 0.05 after Holm's correction over
all arms and metrics together. Ship the arm with the largest significant gain in conversion among
those that harm no guardrail significantly; else keep control. Arms that came out with sizes that
their shares do not explain (sample-ratio mismatch, p < 0.001) void everything.

Belongs here: metrics, arms and that rule. Does not belong here: formulas
(`statistics/two_samples.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from persona_assets.errors import InsufficientDataError
from persona_assets.experiments.assignment import equal_shares
from persona_assets.skipped import Skipped
from persona_assets.statistics.multiple_testing import holm
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
REVENUE = "revenue_per_user"
SIGNIFICANT = 0.05
MISMATCHED = 0.001
"""Usual for sample-ratio checks: they are made on every experiment, and a false alarm discards
one."""

TESTS = {
    "ctr": "z-test of ratios, delta method by user",
    "conversion": "two-proportion z-test",
    REVENUE: "Welch's t-test",
}


def analyse(simulation: pl.DataFrame) -> pl.DataFrame:
    """Compare every arm with control.

    Intervals are those of each comparison by itself; `adjusted_p_value` is what counts as
    significant.

    Args:
        simulation: rows of experiments/ab_test_simulation of one experiment, one per user, with
            arms of equal shares.

    Returns:
        Rows of experiments/ab_test_results: arms in the contract's order × metrics of `TESTS`,
        revenue only where it is known.

    Raises:
        InsufficientDataError: control or any other arm is missing, or an arm has fewer than two
            users.
    """
    by_arm = {
        arm: simulation.filter(pl.col("arm") == arm)
        for arm in ARMS
        if arm in simulation["arm"].unique()
    }
    small = sorted(arm for arm, rows in by_arm.items() if rows.height < 2)
    if CONTROL not in by_arm or len(by_arm) < 2 or small:
        counts = {arm: rows.height for arm, rows in by_arm.items()}
        raise InsufficientDataError(
            "a comparison needs control, another arm, and two users in each, and "
            f"experiments/ab_test_simulation has {_listed(counts)}"
        )
    # Sorted: a sum of floats depends, in its last digits, on the order of its terms.
    by_arm = {arm: rows.sort("user_id") for arm, rows in by_arm.items()}
    control = by_arm.pop(CONTROL)
    comparisons = {
        (arm, metric): comparison
        for arm, rows in by_arm.items()
        for metric, comparison in _compare(rows, control).items()
    }
    adjusted = holm([comparison.p_value for comparison in comparisons.values()])
    sizes = [control.height, *(rows.height for rows in by_arm.values())]
    srm = sample_ratio_p_value(sizes, list(equal_shares([CONTROL, *by_arm]).values()))
    results = [
        {
            "experiment": control["experiment"][0],
            "cutoff": control["cutoff"][0],
            "arm": arm,
            "model": by_arm[arm]["model"][0],
            "metric": metric,
            "users": by_arm[arm].height,
            "control_users": control.height,
            **vars(comparison),
            "adjusted_p_value": adjusted_p_value,
            "test": TESTS[metric],
            "srm_p_value": srm,
            "responses": control["responses"][0],
        }
        for ((arm, metric), comparison), adjusted_p_value in zip(
            comparisons.items(), adjusted, strict=True
        )
    ]
    verdict = _verdict(results, control_model=control["model"][0])
    return pl.DataFrame(
        [{**row, "verdict": verdict} for row in results],
        schema=TABLES["experiments/ab_test_results"].polars_schema,
    )


def _listed(users: Mapping[str, int]) -> str:
    named = [f"{count} in {arm}" for arm, count in users.items()]
    return ", ".join(named) or "no users"


def arm_to_ship(verdict: str) -> str | None:
    """The arm that `verdict`, of experiments/ab_test_results, would ship; None: control stays."""
    return next((arm for arm in ARMS if verdict.startswith(f"Ship {arm} (")), None)


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
        "ctr": ratio_difference(
            arm["clicks"].to_numpy(),
            arm["impressions"].to_numpy(),
            base["clicks"].to_numpy(),
            base["impressions"].to_numpy(),
        ),
        "conversion": proportion_difference(
            int((rows["orders"] > 0).sum()),
            rows.height,
            int((control["orders"] > 0).sum()),
            control.height,
        ),
    }
    if not (arm["revenue"].null_count() or base["revenue"].null_count()):
        comparisons[REVENUE] = mean_difference(
            arm["revenue"].to_numpy(), base["revenue"].to_numpy()
        )
    return comparisons


def _verdict(results: Sequence[Mapping[str, Any]], *, control_model: str) -> str:
    """One sentence by the rule of this module's charter."""
    srm = results[0]["srm_p_value"]
    if srm < MISMATCHED:
        return (
            f"Do not trust this experiment: sample-ratio mismatch (p = {srm:.2g}); find out why "
            "the arms differ in size before reading anything else."
        )
    primary = [row for row in results if row["metric"] == PRIMARY]
    moved = [row for row in results if row["adjusted_p_value"] < SIGNIFICANT]
    gains = [row for row in moved if row["metric"] == PRIMARY and row["effect"] > 0]
    harms = [row for row in moved if row["effect"] < 0]
    safe = [row for row in gains if row["arm"] not in {harm["arm"] for harm in harms}]
    if safe:
        best = max(safe, key=lambda row: row["effect"])
        return f"Ship {_described(best)}."
    if gains:
        best = max(gains, key=lambda row: row["effect"])
        harmed = next(harm for harm in harms if harm["arm"] == best["arm"])
        return f"Keep {control_model}: {_described(best)}, but harms {harmed['metric']}."
    losses = [row for row in harms if row["metric"] == PRIMARY]
    if len(losses) == len(primary):
        worst = min(losses, key=lambda row: row["effect"])
        return f"Keep {control_model}: every arm converts worse; {_described(worst)}."
    return f"No arm converts distinguishably better than control: keep {control_model}."


def _described(row: Mapping[str, Any]) -> str:
    effect, low, high = (100 * row[name] for name in ("effect", "low", "high"))
    p_value = row["adjusted_p_value"]
    return (
        f"{row['arm']} ({row['model']}): {PRIMARY} {effect:+.2f} pp [{low:.2f}, {high:.2f}] over "
        f"control, adjusted p {'< 0.001' if p_value < 0.001 else f'= {p_value:.3f}'}"
    )
