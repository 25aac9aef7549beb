"""Bootstrap intervals of means over users.

Belongs here: resampling of users and the intervals made of it. Does not belong here: what is
averaged (`evaluation/metrics.py`) or the verdict on an interval (`evaluation/comparison.py`).
"""

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
"""Enough for the 2.5 % tails (25 values each); fewer makes the ends of intervals jump."""

LEVEL = 0.95
"""Coverage that the contracts of group `evaluation` promise."""

_BLOCK = 5_000_000
"""Draws held at a time, 40 MB: bounds the memory, whatever the number of users."""


def bootstrap_means(
    values: NDArray[np.float64], *, seed: int, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """Means of every column over users drawn with replacement.

    One resample draws the same users for all columns. Hence a difference of two columns of the
    result is a resample of the paired difference.

    Source: Efron 1979, "Bootstrap methods: another look at the jackknife". A resample is kept as
    the number of times that each user was drawn, so that all columns are one matrix product.

    Args:
        values: users × columns, at least one user.
        seed: of the draws; the same seed and number of users draw the same users.
        resamples: number of resamples.

    Returns:
        resamples × columns.
    """
    users = values.shape[0]
    generator = np.random.default_rng(seed)
    blocks = []
    step = max(1, _BLOCK // users)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = generator.integers(users, size=(size, users)) + users * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * users).reshape(size, users)
        blocks.append(times.astype(np.float64) @ values / users)
    return np.concatenate(blocks)


def percentile_interval(
    means: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the percentile interval of each column of `bootstrap_means`.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13.

    Args:
        means: resamples × columns.

    Returns:
        lower and upper ends, one per column.
    """
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high
