"""CUPED: what a unit did before the experiment explains part of what it does in it.

Belongs here: the adjustment of means and of ratios, on plain arrays. Does not belong here: whether
a pre-period may be trusted (`ab_testing/pre_period.py`), groups instead of values
(`post_stratification.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from persona_assets.statistics.estimates import Estimate, Floats, ratio_estimate


@dataclass(frozen=True)
class Observed:
    """One arm's units: a metric and, of the same units, the metric before the experiment.

    Of means the denominators are ones. `before` has no gaps.
    """

    numerator: Floats
    denominator: Floats
    before: Floats
    before_denominator: Floats


@dataclass(frozen=True)
class Adjusted:
    """Estimates by arm; `theta` units of the metric per unit of the pre-period's.

    `correlation` is that within arms, so that variances shrink by about 1 − correlation².
    """

    estimates: dict[str, Estimate]
    theta: float
    correlation: float


def linearised(arm: Observed) -> Floats:
    """(Y − R·X) / X̄: of these, one per unit, the ratio's error is the mean; 0 on average."""
    ratio = arm.numerator.sum() / arm.denominator.sum()
    residual: Floats = (arm.numerator - ratio * arm.denominator) / arm.denominator.mean()
    return residual


def covariates(arms: Mapping[str, Observed]) -> dict[str, Floats]:
    """The pre-period's metric by arm, linearised around its value over all arms."""
    total = sum(float(each.before.sum()) for each in arms.values())
    of = sum(float(each.before_denominator.sum()) for each in arms.values())
    units = sum(len(each.before) for each in arms.values())
    if not of:
        return {name: np.zeros(len(each.before)) for name, each in arms.items()}
    return {
        name: (each.before - total / of * each.before_denominator) / (of / units)
        for name, each in arms.items()
    }


def adjusted(arms: Mapping[str, Observed]) -> Adjusted:
    """Estimates of every arm less what the pre-period predicts of it.

    Y_a − θ·(X̄_a − X̄) with θ = cov(Y, X) / var(X) (Deng, Xu, Kohavi and Walker 2013, "Improving the
    sensitivity of online controlled experiments by utilizing pre-experiment data");
    θ is pooled within arms, so that an effect does not move it. Ratios are linearised first, Y and
    X alike, which is the delta method's step (Deng, Knoblich and Lu 2018). As X
    cannot be affected by the arm, the adjustment moves no estimate on average.

    Args:
        arms: at least two, of at least two units each, with denominators that sum to more than 0.
    """
    outcomes = {name: linearised(each) for name, each in arms.items()}
    before = covariates(arms)
    centred = {name: each - each.mean() for name, each in before.items()}
    together = sum(float(outcomes[name] @ centred[name]) for name in arms)
    squares = sum(float(each @ each) for each in centred.values())
    outcome_squares = sum(float(each @ each) for each in outcomes.values())
    theta = together / squares if squares > 0 else 0.0
    scale = (squares * outcome_squares) ** 0.5
    estimates = {}
    for name, each in arms.items():
        plain = ratio_estimate(each.numerator, each.denominator)
        left = outcomes[name] - theta * centred[name]
        estimates[name] = Estimate(
            plain.value - theta * float(before[name].mean()),
            float(np.var(left, ddof=1)) / len(left),
            plain.units,
        )
    return Adjusted(estimates, theta, together / scale if scale > 0 else 0.0)
