"""What a comparison can see: detectable effects, and how many users an effect needs.

Belongs here: power of two-sided tests of a normal estimate. Does not belong here: the estimates
(`two_samples.py`) or what is worth seeing (`experiments/config.py`).
"""

import math
from statistics import NormalDist

POWER = 0.8
"""Chance with which a detectable effect is found; the usual one: 4 of 5."""


def minimum_detectable(
    standard_error: float, *, significant: float = 0.05, power: float = POWER
) -> float:
    """True effect that a two-sided test at level `significant` finds with probability `power`.

    (z_{1 − α/2} + z_{power}) · standard error (Cohen 1988, "Statistical power analysis for the
    behavioral sciences", § 2.4, for large n). As a margin of non-inferiority: the margin within
    which an arm that truly equals control is shown to be with that probability.

    Args:
        standard_error: of the effect.
        significant: level of the test; with m tests, Holm's first step is at α/m.
        power: chance of finding it.
    """
    return standard_error * _quantiles(significant, power)


def users_needed(
    effect: float, *, variance: float, significant: float = 0.05, power: float = POWER
) -> int:
    """Users per arm, with two arms of equal size, that find a true `effect`.

    n = 2 · variance · (z_{1 − α/2} + z_{power})² / effect², rounded up.

    Args:
        effect: not 0, in the units of the metric.
        variance: of one user's value; p(1 − p) of a proportion.
        significant: level of the test.
        power: chance of finding it.
    """
    return max(2, math.ceil(2 * variance * (_quantiles(significant, power) / effect) ** 2))


def total_units_needed(
    effect: float,
    *,
    variance: float,
    shares: tuple[float, float],
    significant: float = 0.05,
    power: float = POWER,
) -> int:
    """Units of a whole experiment so that two of its arms show a true `effect`.

    With shares a and c of N units, the variance of the difference is variance·(1/a + 1/c)/N, so
    N = variance·(1/a + 1/c)·(z_{1 − α/2} + z_{power})² / effect², rounded up.

    Args:
        effect: not 0, in the units of the metric; a margin, if non-inferiority is to be shown.
        variance: of one unit's value.
        shares: of the arm and of control, above 0, of all units.
        significant: level of the two-sided test.
        power: chance of finding it.
    """
    spread = variance * (1 / shares[0] + 1 / shares[1])
    return max(4, math.ceil(spread * (_quantiles(significant, power) / effect) ** 2))


def proportion_units_needed(
    control: float,
    effect: float,
    *,
    shares: tuple[float, float],
    significant: float = 0.05,
    power: float = POWER,
) -> float:
    """Units of a whole experiment so that two proportions show a true `effect`, not rounded.

    A proportion's variance moves with it, and the z-test takes the pooled one. With shares a and c
    of N units, p = control + effect, and the pooled m = (a·p + c·control)/(a + c):
    N = (z_{1 − α/2}·√(m(1 − m)(1/a + 1/c)) + z_{power}·√(p(1 − p)/a + control(1 − control)/c))² /
    effect² (Fleiss, Levin and Paik 2003, "Statistical methods for rates and proportions", § 4.2,
    without correction for continuity).

    Args:
        control: proportion of control, inside of 0 to 1.
        effect: not 0; control + effect is a proportion, too.
        shares: of the arm and of control, above 0, of all units.
        significant: level of the two-sided test.
        power: chance of finding it.
    """
    of_arm, of_control = shares
    arm = control + effect
    pooled = (of_arm * arm + of_control * control) / (of_arm + of_control)
    under_null = pooled * (1 - pooled) * (1 / of_arm + 1 / of_control)
    spread = arm * (1 - arm) / of_arm + control * (1 - control) / of_control
    normal = NormalDist()
    errors = normal.inv_cdf(1 - significant / 2) * math.sqrt(under_null)
    errors += normal.inv_cdf(power) * math.sqrt(spread)
    return (errors / effect) ** 2


def _quantiles(significant: float, power: float) -> float:
    return NormalDist().inv_cdf(1 - significant / 2) + NormalDist().inv_cdf(power)
