"""Intervals of the mean of skewed values.

Belongs here: Hall's transformation and the interval made of it, on plain arrays. Does not belong
here: means of values in [0, 1] that are mostly 0, which have an interval of their own
(`intervals.py`).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Coverage of the interval."""

FEWEST = 5
"""Values other than 0 from which their skewness is estimated; of fewer it is noise."""


def untransformed(
    quantile: Floats, skewness: Floats, root: Floats, count: NDArray[np.int64]
) -> Floats:
    """Quantiles of studentized means of skewed values, over √n.

    Hall 1992, "On the removal of skewness by transformation", § 2: the cubic transformation of the
    studentized mean has no skewness to order 1/n; this is its inverse at `quantile`.

    Args:
        quantile: of the symmetric distribution, such as Student's; one per mean, like the rest.
        skewness: of the values.
        root: √n.
        count: n.
    """
    skewed = np.abs(skewness) > 1e-6
    divisor = np.where(skewed, skewness, 1.0)
    cubic = 3 / divisor * (np.cbrt(1 + skewness * (quantile / root - skewness / (6 * count))) - 1)
    return np.where(skewed, cubic, quantile / root)


def skewed_mean_interval(values: Floats) -> tuple[float, float]:
    """95 % interval of the mean of independent values whose distribution may be skewed.

    Student's t after Hall's transformation.

    Args:
        values: at least two.
    """
    from scipy.special import stdtrit

    count = len(values)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    if not deviation:
        return mean, mean
    enough = np.count_nonzero(values) >= FEWEST
    skewness = float(((values - mean) ** 3).mean()) / deviation**3 if enough else 0.0
    quantile = float(stdtrit(count - 1, (1 + LEVEL) / 2))
    below, above = untransformed(
        np.array([quantile, -quantile]),
        np.full(2, skewness),
        np.full(2, np.sqrt(count)),
        np.full(2, count),
    )
    return (
        min(mean - deviation * float(below), mean),
        max(mean - deviation * float(above), mean),
    )
