"""An arm's value of a metric with its variance: what every comparison of two arms is made of.

Belongs here: estimates from values per unit, from sums and from moments, each with the source of
its formula. Does not belong here: comparisons of two of them (`two_samples.py`,
`relative_effects.py`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LARGEST, SMALLEST = 1e100, 1e-100
"""Sizes of data that are not 0: squares, sums and quotients of such numbers are numbers, too."""


@dataclass(frozen=True)
class Estimate:
    """A value, the variance of that value (its squared standard error), and the units behind it."""

    value: float
    variance: float
    units: int


def mean_estimate(values: Floats) -> Estimate:
    """Mean over units; `values` has one number per unit, at least two."""
    return Estimate(float(values.mean()), float(np.var(values, ddof=1)) / len(values), len(values))


def ratio_estimate(numerator: Floats, denominator: Floats) -> Estimate:
    """Ratio of sums over units, such as clicks / impressions, clustered by unit.

    A unit's impressions are not independent of each other, units are. The variance of a ratio of
    means R = Ȳ/X̄ over n units is, by the delta method (Deng, Knoblich and Lu 2018, "Applying the
    Delta Method in Metric Analytics", eq. 4), that of the mean of (Y − R·X) / X̄:
    (s²_Y − 2R·s_XY + R²·s²_X) / (n·X̄²).

    Args:
        numerator: one number per unit, at least two.
        denominator: likewise; their sum is positive.
    """
    ratio = float(numerator.sum() / denominator.sum())
    residual = (numerator - ratio * denominator) / denominator.mean()
    return Estimate(ratio, float(np.var(residual, ddof=1)) / len(residual), len(residual))


def moments_estimate(mean: float, variance: float, units: int) -> Estimate:
    """Mean over units whose sample variance (divisor n − 1) is known; at least two units."""
    return Estimate(mean, variance / units, units)


def sums_estimate(total: float, total_of_squares: float, units: int) -> Estimate:
    """Mean over units whose sum and sum of squares are known; at least two units.

    s² = (Σx² − (Σx)²/n) / (n − 1). It is a difference of large numbers: what rounding makes
    negative is 0.
    """
    deviations = max(0.0, total_of_squares - total * total / units)
    return Estimate(total / units, deviations / (units - 1) / units, units)
