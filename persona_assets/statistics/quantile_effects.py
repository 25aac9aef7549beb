"""How far a quantile of an arm lies from control's, without assuming any distribution.

Belongs here: order-statistic intervals of a quantile, and of the difference of two. Does not belong
here: means (`two_samples.py`).
"""

import math
from dataclasses import dataclass

import numpy as np

from persona_assets.statistics.estimates import Floats
from persona_assets.statistics.two_samples import CONFIDENCE


@dataclass(frozen=True)
class QuantileEffect:
    """Quantile `level` of an arm and of control, and their difference with its interval."""

    level: float
    value: float
    control_value: float
    effect: float
    low: float
    high: float


def quantile_interval(
    values: Floats, level: float, confidence: float = CONFIDENCE
) -> tuple[float, float, float] | None:
    """A quantile and its interval between two order statistics; None if units are too few.

    The number of values at or below the true quantile is binomial(n, level), whatever the
    distribution; values between its α/2 and 1 − α/2 quantiles in rank hold the true one with at
    least 1 − α, with ties too (David and Nagaraja 2003, "Order statistics", § 7.1). The quantile is
    the smallest value with a share of at least `level` at or below it.

    Args:
        values: one number per unit.
        level: in (0, 1).
        confidence: coverage.
    """
    from scipy.special import bdtrik

    count = len(values)
    if not count:
        return None
    lower, upper = (
        math.ceil(float(bdtrik(probability, count, level)) - 1e-9)
        for probability in ((1 - confidence) / 2, (1 + confidence) / 2)
    )
    first, last, at = lower, upper + 1, max(1, math.ceil(count * level - 1e-9))
    if first < 1 or last > count:
        return None
    places = np.partition(values, [first - 1, at - 1, last - 1])
    return float(places[at - 1]), float(places[first - 1]), float(places[last - 1])


def quantile_effect(
    values: Floats, control_values: Floats, level: float, confidence: float = CONFIDENCE
) -> QuantileEffect | None:
    """Difference of one quantile between two arms; None if an arm has too few units for it.

    The two intervals, which need not be symmetric, are combined by the method of variance estimates
    recovery (Zou and Donner 2008, "Construction of confidence limits about effect measures"):
    low = d − √((q₁ − l₁)² + (u₂ − q₂)²).

    Args:
        values: one number per unit of the arm.
        control_values: one number per unit of control.
        level: in (0, 1).
        confidence: coverage.
    """
    arm = quantile_interval(values, level, confidence)
    control = quantile_interval(control_values, level, confidence)
    if arm is None or control is None:
        return None
    effect = arm[0] - control[0]
    return QuantileEffect(
        level,
        arm[0],
        control[0],
        effect,
        effect - math.hypot(arm[0] - arm[1], control[2] - control[0]),
        effect + math.hypot(arm[2] - arm[0], control[0] - control[1]),
    )
