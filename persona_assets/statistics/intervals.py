"""95 % intervals of means over users that keep their promise with 30 users, too.

Metrics per user lie in [0, 1] and are 0 for most; a percentile bootstrap of 30 such values covers
the truth in 86 % of cases, and is [0, 0] where nothing was hit. What these intervals cover is in
`docs/experiments.md`, measured by `performance/interval_coverage.py`.

Belongs here: intervals of one mean, or of a mean of paired differences, on plain arrays. Does not
belong here: tests between models (`paired.py`) and two independent samples (`two_samples.py`).
"""

import numpy as np
from numpy.typing import NDArray

from persona_assets.statistics.skewness import untransformed

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Coverage that all intervals promise."""

FEWEST_HITS = 5
"""Values above 0 from which their skewness is estimated; of fewer it is noise."""


def mean_interval(values: Floats) -> tuple[Floats, Floats]:
    """Interval of the mean of each column of values in [0, 1], many of them 0.

    The mean is the share of users with a value above 0 times the mean of those values. The share's
    interval is Wilson's; that of the mean of the values above 0 is by Student's t after Hall's
    cubic transformation, which takes out their skewness (Hall 1992, "On the removal of skewness by
    transformation"); the logarithms of both are combined by the method of variance estimates
    recovery (Zou, Taleban and Huo 2009, "Confidence interval estimation for lognormal data with
    application to health economics"). Where nobody has a value above 0, the upper end is Wilson's:
    nothing hit in 30 users is not certainty.

    Args:
        values: users × columns, in [0, 1].

    Returns:
        lower and upper ends, one per column; [0, 1] where there are no users.

    Raises:
        ValueError: a value is outside of [0, 1].
    """
    users, columns = values.shape
    if not users:
        return np.zeros(columns), np.ones(columns)
    if values.min() < 0 or values.max() > 1 + 1e-9:
        raise ValueError(
            f"values from {values.min()} to {values.max()}: give values in [0, 1], or use "
            "difference_interval"
        )
    hit = values > 0
    hits = hit.sum(axis=0)
    share_low, share_high = wilson(hits, users)
    some = np.maximum(hits, 1)
    mean = values.sum(axis=0) / some
    low, high = _skewed(np.where(hit, values - mean, 0.0), hits, mean)
    share = hits / users
    with np.errstate(divide="ignore", invalid="ignore"):
        down = np.hypot(np.log(share / share_low), np.log(mean / low))
        up = np.hypot(np.log(share_high / share), np.log(high / mean))
        lower = np.where(hits > 0, share * mean * np.exp(-down), 0.0)
        upper = np.where(hits > 0, np.minimum(share * mean * np.exp(up), 1.0), share_high)
    return lower, upper


def _skewed(deviations: Floats, hits: NDArray[np.int64], mean: Floats) -> tuple[Floats, Floats]:
    """Interval of the mean of the values above 0; (0, 1] for a single one."""
    from scipy.special import stdtrit

    some = np.maximum(hits, 1)
    root = np.sqrt(some)
    deviation = np.sqrt((deviations**2).sum(axis=0) / np.maximum(some - 1, 1))
    scale = np.where(deviation > 0, deviation, 1.0)
    skewness = np.where(hits >= FEWEST_HITS, (deviations**3).sum(axis=0) / some / scale**3, 0.0)
    quantile = stdtrit(np.maximum(some - 1, 1), (1 + LEVEL) / 2)
    low = np.minimum(mean - deviation * untransformed(quantile, skewness, root, some), mean)
    high = np.maximum(mean - deviation * untransformed(-quantile, skewness, root, some), mean)
    one = hits < 2
    return (
        np.where(one, 0.0, np.clip(low, 0.0, 1.0)),
        np.where(one, 1.0, np.clip(high, 0.0, 1.0)),
    )


def difference_interval(differences: Floats) -> tuple[Floats, Floats]:
    """Interval of the mean of each column of paired differences, many of them 0.

    Student's t, with two pseudo-users in the variance who differ by the usual amount, one in each
    direction (as Agresti and Caffo 2000 add two successes and two failures): without them a few
    users who all differ in the same direction would seem certain. Where nobody differs, the two
    differ by 1, the most there is.

    Args:
        differences: users × columns, in [−1, 1].

    Returns:
        lower and upper ends, one per column; [−1, 1] where there are no users.
    """
    from scipy.special import stdtrit

    users, columns = differences.shape
    if not users:
        return np.full(columns, -1.0), np.ones(columns)
    error = _difference_error(differences)
    mean: Floats = differences.mean(axis=0)
    margin = float(stdtrit(max(users - 1, 1), (1 + LEVEL) / 2)) * error
    return mean - margin, mean + margin


def difference_p_values(differences: Floats) -> Floats:
    """Two-sided p-value that the mean of each column is 0, in step with `difference_interval`.

    Args:
        differences: users × columns, in [−1, 1].
    """
    from scipy.special import stdtr

    users, columns = differences.shape
    if not users:
        return np.ones(columns)
    t = np.abs(differences.mean(axis=0)) / _difference_error(differences)
    p_values: Floats = 2 * stdtr(max(users - 1, 1), -t)
    return p_values


def _difference_error(differences: Floats) -> Floats:
    users = len(differences)
    differ = (differences != 0).sum(axis=0)
    squares = (differences**2).sum(axis=0)
    usual = np.where(differ > 0, squares / np.maximum(differ, 1), 1.0)
    around = ((differences - differences.mean(axis=0)) ** 2).sum(axis=0)
    error: Floats = np.sqrt((around + 2 * usual) / (users + 1) / users)
    return error


def t_interval(values: Floats) -> tuple[float, float]:
    """Student's interval of the mean of a few independent values; unbounded for fewer than two."""
    from scipy.special import stdtrit

    count = len(values)
    if count < 2:
        return float("-inf"), float("inf")
    margin = float(stdtrit(count - 1, (1 + LEVEL) / 2)) * float(
        np.std(values, ddof=1) / np.sqrt(count)
    )
    mean = float(np.mean(values))
    return mean - margin, mean + margin


def wilson(successes: NDArray[np.int64], trials: int) -> tuple[Floats, Floats]:
    """Score interval of proportions (Wilson 1927), which is never [0, 0] or [1, 1].

    Args:
        successes: one number per proportion.
        trials: of each, at least one.
    """
    from scipy.special import ndtri

    square = float(ndtri((1 + LEVEL) / 2)) ** 2
    share = successes / trials
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    margin = np.sqrt(square * (share * (1 - share) + square / (4 * trials)) / trials) / (
        1 + square / trials
    )
    return np.maximum(centre - margin, 0.0), np.minimum(centre + margin, 1.0)
