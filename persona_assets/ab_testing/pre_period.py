"""What units did before the experiment: whether it may be trusted, and the metric adjusted by it.

Belongs here: gaps of the pre-period, its checks, and the adjusted estimates. Does not belong here:
the adjustment itself (`statistics/cuped.py`), strata (`strata.py`).

CUPED moves no estimate on average as long as the pre-period cannot know the arm. Four checks ask
whether it could, or whether the adjustment hangs on little:

1. **balance**: the pre-period's metric differs between arms (p < 0.001). Either units were not
   assigned by chance, or the "pre-period" reaches into the experiment.
2. **gaps**: the share of units without a pre-period differs between arms (p < 0.001), as it does
   where being known already depends on the arm.
3. **leverage**: the hundredth of units with the largest pre-periods decides the slope: without them
   it changes by more than half. The adjustment is still right on average, and its variance is not.
4. **sign**: adjusted and unadjusted effect have different signs while one of them is significant.
   That can be chance; it is shown so that nobody reports the nicer one.

The first two are about bias: where they fail, the metric is not adjusted. The other two are
warnings, since choosing between estimates by their outcome would break both. A gap is filled with
the mean of the others, which neither arm can have influenced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from persona_assets.ab_testing.comparisons import Adjustment, Key
from persona_assets.ab_testing.declaration import Metric
from persona_assets.ab_testing.evidence import Measured
from persona_assets.ab_testing.unit_rows import ARM, before, before_denominator
from persona_assets.ab_testing.units import Units
from persona_assets.errors import DataError
from persona_assets.experiments.verdict import MISMATCHED, SIGNIFICANT
from persona_assets.notation import p_value
from persona_assets.statistics.cuped import Adjusted, Observed, adjusted, covariates, linearised
from persona_assets.statistics.estimates import Floats, mean_estimate
from persona_assets.statistics.two_samples import proportion_difference, welch_difference

Outcome = Literal["fine", "warning", "failed"]
_HEAVY = 0.01
"""Share of units whose leverage is looked at."""
_MOST_CHANGE = 0.5
_WEAK = 0.1
"""Correlation below which the adjustment changes next to nothing, whatever its slope hangs on."""


@dataclass(frozen=True)
class HealthCheck:
    """One check of a pre-period: `text` has its numbers."""

    name: Literal["balance", "gaps", "leverage", "sign"]
    outcome: Outcome
    text: str


@dataclass(frozen=True)
class PrePeriod:
    """A metric's pre-period.

    Attributes:
        metric: name.
        correlation: with the metric, within arms.
        theta: the slope.
        missing: share of units without.
        variance_saved: share of the variance that the adjustment takes away.
        used: whether the metric is adjusted.
        checks: the four of the module's charter.
    """

    metric: str
    correlation: float
    theta: float
    missing: float
    variance_saved: float
    used: bool
    checks: tuple[HealthCheck, ...]


def adjust(units: Units) -> tuple[list[PrePeriod], dict[Key, Adjustment]]:
    """Every declared pre-period, and the adjusted estimates of those that may be trusted."""
    periods, adjustments = [], {}
    for metric in units.declaration.metrics:
        if metric.before is None or metric.name not in units.evidence.last.measured:
            continue
        period, result = _one(units, metric)
        periods.append(period)
        if period.used:
            for arm in units.arms:
                for against in units.arms:
                    adjustments[metric.name, arm, against] = Adjustment(
                        Measured(result.estimates[arm]),
                        Measured(result.estimates[against]),
                        "CUPED, Welch's t-test",
                    )
    return periods, adjustments


def _one(units: Units, metric: Metric) -> tuple[PrePeriod, Adjusted]:
    column = before(metric)
    known = units.frame[column].is_not_null()
    if not known.any():
        raise DataError(
            f"metric {metric.name}: no unit has a pre-period, column {metric.before!r} is empty; "
            "leave before out of the metric"
        )
    columns = [column, *([before_denominator(metric)] if metric.before_denominator else [])]
    fill = {each: float(units.frame[each].mean() or 0.0) for each in columns}  # type: ignore[arg-type]
    arms = {arm: units.observed(metric, arm, fill) for arm in units.arms}
    result = adjusted(arms)
    outcomes = {name: linearised(each) for name, each in arms.items()}
    earlier = covariates(arms)
    plain = sum(float(np.var(each)) for each in outcomes.values())
    left = sum(float(np.var(outcomes[name] - result.theta * earlier[name])) for name in outcomes)
    checks = (
        _balance(earlier, units),
        _gaps(units.frame.select(ARM, pl.Series("known", known)), units),
        _leverage(arms, result),
        _sign(units, metric, result),
    )
    period = PrePeriod(
        metric=metric.name,
        correlation=result.correlation,
        theta=result.theta,
        missing=1 - float(known.mean() or 0.0),  # type: ignore[arg-type]
        variance_saved=1 - left / plain if plain else 0.0,
        used=not any(each.outcome == "failed" for each in checks),
        checks=checks,
    )
    return period, result


def _balance(earlier: Mapping[str, Floats], units: Units) -> HealthCheck:
    control = mean_estimate(earlier[units.arms[0]])
    worst = min(
        welch_difference(mean_estimate(earlier[arm]), control).p_value for arm in units.arms[1:]
    )
    corrected = min(1.0, worst * (len(units.arms) - 1))
    return _bias_check("balance", corrected, "arms differ by no more than chance", "arms differ")


def _gaps(known: pl.DataFrame, units: Units) -> HealthCheck:
    counts = {
        arm: (int(rows["known"].sum()), rows.height)
        for arm in units.arms
        for rows in [known.filter(pl.col(ARM) == arm)]
    }
    if all(some == every for some, every in counts.values()):
        return HealthCheck("gaps", "fine", "every unit has a pre-period")
    control = counts[units.arms[0]]
    worst = min(proportion_difference(*counts[arm], *control).p_value for arm in units.arms[1:])
    corrected = min(1.0, worst * (len(units.arms) - 1))
    share = 1 - sum(some for some, _ in counts.values()) / sum(
        every for _, every in counts.values()
    )
    return _bias_check(
        "gaps",
        corrected,
        f"{100 * share:.1f} % without a pre-period, equally in all arms",
        f"{100 * share:.1f} % without a pre-period, unequally",
    )


def _bias_check(
    name: Literal["balance", "gaps"], value: float, fine: str, failed: str
) -> HealthCheck:
    bad = value < MISMATCHED
    said = p_value(value)
    said = said if said.startswith("<") else f"= {said}"
    return HealthCheck(name, "failed" if bad else "fine", f"{failed if bad else fine} (p {said})")


def _leverage(arms: Mapping[str, Observed], result: Adjusted) -> HealthCheck:
    everybody = np.concatenate([np.abs(each.before) for each in arms.values()])
    edge = float(np.quantile(everybody, 1 - _HEAVY))
    without = {name: _kept(each, np.abs(each.before) <= edge) for name, each in arms.items()}
    enough = all(len(each.before) > 2 and each.denominator.sum() > 0 for each in without.values())
    theta = adjusted(without).theta if enough else 0.0
    change = abs(theta - result.theta) / abs(result.theta) if result.theta else 0.0
    percent = f"{100 * change:.0f} %"
    if abs(result.correlation) < _WEAK:
        return HealthCheck("leverage", "fine", "the adjustment changes next to nothing")
    if change > _MOST_CHANGE:
        text = f"without the largest 1 % of pre-periods the slope changes by {percent}: winsorise"
        return HealthCheck("leverage", "warning", text)
    return HealthCheck(
        "leverage", "fine", f"the largest 1 % of pre-periods change the slope by {percent}"
    )


def _kept(arm: Observed, which: np.ndarray) -> Observed:
    return replace(
        arm,
        numerator=arm.numerator[which],
        denominator=arm.denominator[which],
        before=arm.before[which],
        before_denominator=arm.before_denominator[which],
    )


def _sign(units: Units, metric: Metric, result: Adjusted) -> HealthCheck:
    plain = units.evidence.last.measured[metric.name]
    control = units.arms[0]
    flipped: Sequence[str] = [
        arm
        for arm in units.arms[1:]
        for before_it in [welch_difference(plain[arm].estimate, plain[control].estimate)]
        for after_it in [welch_difference(result.estimates[arm], result.estimates[control])]
        if before_it.effect * after_it.effect < 0
        and min(before_it.p_value, after_it.p_value) < SIGNIFICANT
    ]
    if flipped:
        return HealthCheck(
            "sign", "warning", f"the adjustment turns the sign of {', '.join(flipped)}"
        )
    return HealthCheck("sign", "fine", "no significant effect changes its sign")
