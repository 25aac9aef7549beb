"""How many percent an arm lies above control: intervals of a ratio of two independent estimates.

Belongs here: the delta method and Fieller's theorem. Does not belong here: absolute differences
(`two_samples.py`).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from persona_assets.statistics.estimates import Estimate
from persona_assets.statistics.two_samples import CONFIDENCE

WEAK = 0.01
"""g from which on Fieller's interval is taken: control's value is less than some 20 standard errors
from 0. Below it, both agree within a hundredth of their width."""


@dataclass(frozen=True)
class RelativeEffect:
    """(value − control) / |control| and its interval, which may be unbounded (±inf)."""

    lift: float
    low: float
    high: float
    method: Literal["delta method", "Fieller"]


def relative_effect(
    arm: Estimate, control: Estimate, confidence: float = CONFIDENCE
) -> RelativeEffect | None:
    """Relative lift of an arm over control; None where control's value is 0.

    With θ = T/C, its variance by the delta method is v_T/C² + T²·v_C/C⁴ (Deng, Knoblich and Lu
    2018, "Applying the Delta Method in Metric Analytics", for independent samples). The interval is
    symmetric, and wrong where C is not known to be far from 0. There, with g = z²·v_C/C², Fieller's
    is taken (Fieller 1954, "Some problems in interval estimation", without covariance):
    [θ ± z/|C|·√((1 − g)·v_T + θ²·v_C)] / (1 − g). With g ≥ 1 control's value is not distinguishable
    from 0, and no bounded interval keeps its promise.

    Args:
        arm: T and v_T.
        control: C and v_C.
        confidence: coverage of the interval.
    """
    if control.value == 0:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    base = abs(control.value)
    theta = arm.value / control.value
    # Not by powers: of numbers far below 1 they are 0.
    weakness = z * z * control.variance / base / base
    if weakness < WEAK:
        margin = z / base * math.sqrt(arm.variance + theta * theta * control.variance)
        low, high, method = theta - margin, theta + margin, "delta method"
    elif weakness < 1:
        root = (1 - weakness) * arm.variance + theta * theta * control.variance
        margin = z / base * math.sqrt(root) / (1 - weakness)
        centre = theta / (1 - weakness)
        low, high, method = centre - margin, centre + margin, "Fieller"
    else:
        low, high, method = -math.inf, math.inf, "Fieller"
    lifts = (theta - 1, low - 1, high - 1)
    if control.value < 0:  # a lift is upwards, also from below 0
        lifts = (1 - theta, 1 - high, 1 - low)
    return RelativeEffect(*lifts, "delta method" if method == "delta method" else "Fieller")
