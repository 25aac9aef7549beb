"""Every arm beside control, and challengers beside each other, metric by metric.

Belongs here: which comparisons are made and how they are corrected for being many. Does not belong
here: formulas (`statistics/`), what follows from them (`decision.py`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from persona_assets.ab_testing.declaration import Declaration, Metric, Role
from persona_assets.ab_testing.evidence import Evidence, Measured
from persona_assets.ab_testing.timing import Timing
from persona_assets.experiments.verdict import (
    SIGNIFICANT,
    Finding,
    guardrail_finding,
    primary_finding,
)
from persona_assets.statistics.bayesian import Posterior, posterior
from persona_assets.statistics.multiple_testing import (
    benjamini_hochberg,
    holm,
    preferential_bonferroni,
)
from persona_assets.statistics.power import minimum_detectable
from persona_assets.statistics.relative_effects import RelativeEffect, relative_effect
from persona_assets.statistics.two_samples import (
    Comparison,
    proportion_difference,
    proportion_test,
    welch_difference,
)

Key = tuple[str, str, str]
"""Metric, arm, and the arm that it is compared with."""


@dataclass(frozen=True)
class Adjustment:
    """Estimates of an arm and of the other that take more than the metric itself into account."""

    arm: Measured
    against: Measured
    method: str


@dataclass(frozen=True)
class Compared:
    """One arm beside another on one metric.

    Attributes:
        metric: name.
        arm: name.
        against: name of the other arm.
        role: of the metric.
        units: of the arm.
        against_units: of the other arm.
        comparison: values, effect, interval and p-value; of the adjusted estimates if there are.
        relative: the same as a share of the other arm's value; None where that is 0, or where
            nothing varied.
        unadjusted: the comparison without CUPED or post-stratification; None where it is that.
        method: how, for people.
        adjusted_p_value: corrected for all comparisons that it stands beside; None of guardrails.
        correction: how.
        minimum_detectable: true effect that would be found with 80 %; None where nothing varied.
        margin: of a guardrail, in units of the metric.
        finding: what it shows, in the direction that is wanted.
        unit_variance: of one unit of the other arm.
        posterior: of the effect, under the plan's prior; None where nothing varied.
    """

    metric: str
    arm: str
    against: str
    role: Role
    units: int
    against_units: int
    comparison: Comparison
    relative: RelativeEffect | None
    unadjusted: Comparison | None
    method: str
    adjusted_p_value: float | None
    correction: str | None
    minimum_detectable: float | None
    margin: float | None
    finding: Finding
    unit_variance: float
    posterior: Posterior | None


def compared(
    evidence: Evidence,
    declaration: Declaration,
    timing: Timing,
    adjustments: Mapping[Key, Adjustment],
) -> list[Compared]:
    """All comparisons: metrics in their order, challengers with control, then with each other.

    Challengers are compared with each other on the primary metric alone. The primary family is
    corrected by Holm; secondary metrics by the false discovery rate, or, where the plan sets a
    share of the 5 % aside for the primary metric, all of them by preferential Bonferroni.
    Guardrails are judged by their intervals, and need no correction since all of them must hold.
    """
    found = [
        _one(metric, arm, against, evidence, declaration, timing, adjustments)
        for metric in declaration.metrics
        if metric.name in evidence.last.measured
        for arm, against in _pairs(metric, evidence)
    ]
    return _corrected(found, declaration, timing)


def _pairs(metric: Metric, evidence: Evidence) -> list[tuple[str, str]]:
    with_control = [(arm, evidence.control) for arm in evidence.challengers]
    if metric.role != "primary":
        return with_control
    return [
        *with_control,
        *((arm, against) for against, arm in combinations(evidence.challengers, 2)),
    ]


def difference(arm: Measured, against: Measured, confidence: float) -> tuple[Comparison, str]:
    """The comparison by the method for such values, and the method's name."""
    if arm.successes is not None and against.successes is not None:
        counts = arm.successes, arm.estimate.units, against.successes, against.estimate.units
        method = f"{proportion_test(*counts)}, Newcombe's interval"
        return proportion_difference(*counts, confidence), method
    return welch_difference(arm.estimate, against.estimate, confidence), "Welch's t-test"


def _one(
    metric: Metric,
    arm: str,
    against: str,
    evidence: Evidence,
    declaration: Declaration,
    timing: Timing,
    adjustments: Mapping[Key, Adjustment],
) -> Compared:
    measured = evidence.last.measured[metric.name]
    plain, method = difference(measured[arm], measured[against], timing.confidence)
    if metric.kind == "ratio":
        method = "Welch's t-test of ratios, delta method by unit"
    units = measured[arm].estimate.units + measured[against].estimate.units
    used, other, unadjusted = measured[arm], measured[against], None
    shown = plain
    if (adjustment := adjustments.get((metric.name, arm, against))) is not None:
        used, other = adjustment.arm, adjustment.against
        shown = welch_difference(used.estimate, other.estimate, timing.confidence)
        unadjusted = timing.read(plain, units)
        method = adjustment.method
    shown = timing.read(shown, units)
    if timing.sequential:
        method = method.partition(", Newcombe")[0] + ", asymptotic confidence sequence"
    margin = None if metric.margin is None else metric.margin * abs(other.estimate.value)
    return Compared(
        metric=metric.name,
        arm=arm,
        against=against,
        role=metric.role,
        units=measured[arm].estimate.units,
        against_units=measured[against].estimate.units,
        comparison=shown,
        relative=_relative(used, other, shown, timing),
        unadjusted=unadjusted,
        method=method,
        adjusted_p_value=None,
        correction=None,
        minimum_detectable=None,
        margin=margin,
        finding=_guardrail(shown, metric, margin) if margin is not None else "not told apart",
        unit_variance=other.unit_variance,
        posterior=_posterior(shown, other, declaration.plan.prior_deviation),
    )


def _relative(
    arm: Measured, against: Measured, shown: Comparison, timing: Timing
) -> RelativeEffect | None:
    confidence = timing.confidence
    if timing.sequential and shown.standard_error:
        # As wide, in standard errors, as the sequential interval of the difference is.
        half = (shown.high - shown.low) / 2 / shown.standard_error
        confidence = math.erf(half / math.sqrt(2))
    if confidence >= 1 or not arm.estimate.variance + against.estimate.variance:
        return None
    return relative_effect(arm.estimate, against.estimate, confidence)


def _posterior(shown: Comparison, against: Measured, deviation: float) -> Posterior | None:
    prior = deviation * abs(against.estimate.value)
    if not shown.standard_error or not prior:
        return None
    return posterior(shown.effect, shown.standard_error, prior)


def _guardrail(shown: Comparison, metric: Metric, margin: float) -> Finding:
    low, high = shown.low, shown.high
    if metric.direction == "decrease":
        low, high = -high, -low
    return guardrail_finding(low, high, margin, shown.standard_error)


def _corrected(
    found: Sequence[Compared], declaration: Declaration, timing: Timing
) -> list[Compared]:
    primary = [each for each in found if each.role == "primary"]
    secondary = [each for each in found if each.role == "secondary"]
    first = [each.comparison.p_value for each in primary]
    others = [each.comparison.p_value for each in secondary]
    weight = declaration.plan.primary_weight
    if weight is None:
        of_first, of_others = holm(first), benjamini_hochberg(others)
        how = ("Holm", "Benjamini-Hochberg")
    else:
        of_first, of_others = preferential_bonferroni(first, others, weight)
        how = ("preferential Bonferroni", "preferential Bonferroni")
    adjusted = {
        (each.metric, each.arm, each.against): (p_value, correction)
        for rows, values, correction in (
            (primary, of_first, how[0]),
            (secondary, of_others, how[1]),
        )
        for each, p_value in zip(rows, values, strict=True)
    }
    direction = {each.name: each.direction for each in declaration.metrics}
    level = SIGNIFICANT * (weight if weight is not None and others else 1) / max(1, len(first))
    result = []
    for each in found:
        p_value, correction = adjusted.get((each.metric, each.arm, each.against), (None, None))
        gain = each.comparison.effect * (-1 if direction[each.metric] == "decrease" else 1)
        result.append(
            replace(
                each,
                adjusted_p_value=p_value,
                correction=correction,
                finding=each.finding if p_value is None else primary_finding(gain, p_value),
                minimum_detectable=_detectable(each, level, timing),
            )
        )
    return result


def _detectable(each: Compared, level: float, timing: Timing) -> float | None:
    error = each.comparison.standard_error
    if not error:
        return None
    if timing.sequential:
        # Half the interval in place of the 1.96 standard errors of a single look.
        half = (each.comparison.high - each.comparison.low) / 2
        return half + minimum_detectable(error, significant=1.0)
    used = level if each.role == "primary" else SIGNIFICANT
    return minimum_detectable(error, significant=used * timing.spent)
