"""Whether two models differ on the same users: test, interval and what could have been found.

Belongs here: paired comparisons of values per user. Does not belong here: the values
(`evaluation/metrics.py`), corrections for many pairs (`multiple_testing.py`) or verdicts
(`evaluation/pairwise.py`).
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_assets.statistics.intervals import LEVEL, difference_interval

FLIPS = 10_000
"""Sign flips drawn: the smallest p-value is 1/10,001, which is still below 0.05 after the
correction for the 91 pairs of 14 models."""

POWER = 0.8
"""Chance with which the minimum detectable difference would be detected; the usual one."""

_EXACT = 13
"""Up to so many users with a difference, all 2^13 = 8,192 flips are fewer than those drawn."""

_BLOCK = 4_000_000
"""Signs held at a time, 16 MB."""


class Paired(NamedTuple):
    """How much the values of a model lie above those of another on the same users.

    Attributes:
        difference: of the means.
        low: lower end of its 95 % paired interval.
        high: upper end of it.
        p_value: of the two-sided sign-flip test that there is no difference.
        minimum_detectable: the true difference that would be detected at the 5 % level in 80 % of
            such comparisons; infinite with fewer than two users.
    """

    difference: float
    low: float
    high: float
    p_value: float
    minimum_detectable: float


def paired_test(values_a: NDArray[np.float64], values_b: NDArray[np.float64], seed: int) -> Paired:
    """Compare two models on the same users.

    Args:
        values_a: of the first model, one per user, at least one.
        values_b: of the second model, for the same users in the same order.
        seed: of the flips.

    Returns:
        the first less the second.
    """
    return paired_tests((values_a - values_b)[:, None], seed)[0]


def by_person(
    values: NDArray[np.float64], people: NDArray[np.generic] | Sequence[str]
) -> NDArray[np.float64]:
    """Mean of each person's values, the persons in sorted order.

    Weeks of one person are not independent of each other, people are: a test over persons and
    weeks that takes them as independent calls chance a finding.

    Args:
        values: one per person and week.
        people: who they are of, in the same order.
    """
    _, at = np.unique(np.asarray(people), return_inverse=True)
    means: NDArray[np.float64] = np.bincount(at, values) / np.bincount(at)
    return means


def paired_tests(differences: NDArray[np.float64], seed: int) -> list[Paired]:
    """Test each column of paired differences for a mean of 0; see `Paired`.

    Args:
        differences: users × pairs of models, at least one user.
        seed: of the flips.
    """
    low, high = difference_interval(differences)
    return [
        Paired(*(float(value) for value in row))
        for row in zip(
            differences.mean(axis=0),
            low,
            high,
            sign_flip_p_values(differences, seed),
            minimum_detectable(differences),
            strict=True,
        )
    ]


def minimum_detectable(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """True mean differences that such a comparison would find in 80 % of cases.

    (z_{0.975} + z_{0.8}) · s / √n with s the standard deviation of the n differences: about 2.8
    standard errors. Source: Cohen 1988, "Statistical power analysis for the behavioral sciences",
    § 2.4, for large n.

    Args:
        differences: users × pairs.
    """
    users, pairs = differences.shape
    if users < 2:
        return np.full(pairs, np.inf)
    quantiles = NormalDist().inv_cdf((1 + LEVEL) / 2) + NormalDist().inv_cdf(POWER)
    error: NDArray[np.float64] = differences.std(axis=0, ddof=1) / np.sqrt(users)
    return quantiles * error


def sign_flip_p_values(differences: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Two-sided p-values that no user prefers either model, by flipping signs.

    Were there no difference, each user's could as well have the other sign. The p-value is the
    share of sign patterns whose sum lies at least as far from 0 as the observed one; all of them
    where few users have a difference, else `FLIPS` drawn at random beside the observed pattern.
    Nothing is assumed of how differences are distributed, and with few users who differ nothing can
    be significant. Source: Fisher 1935, "The design of experiments", § 21; Phipson and Smyth 2010,
    "Permutation p-values should never be zero"; for rankings, Smucker et al. 2007, "A comparison of
    statistical significance tests for information retrieval evaluation".

    Args:
        differences: users × pairs.
        seed: of the flips; all pairs share them.
    """
    p_values = np.ones(differences.shape[1])
    differ = (differences != 0).sum(axis=0)
    for column in np.flatnonzero((differ > 0) & (differ <= _EXACT)):
        some = differences[differences[:, column] != 0, column]
        patterns = np.arange(2 ** len(some))[:, None] >> np.arange(len(some)) & 1
        sums = (2.0 * patterns - 1.0) @ some
        p_values[column] = _as_far(sums[:, None], some.sum()[None]).mean()
    many = np.flatnonzero(differ > _EXACT)
    if len(many):
        users = np.flatnonzero((differences[:, many] != 0).any(axis=1))
        of = differences[np.ix_(users, many)].astype(np.float32)
        observed = of.sum(axis=0, dtype=np.float64)
        generator = np.random.default_rng(seed)
        reached = np.ones(len(many))
        block = max(1, _BLOCK // len(users))
        for start in range(0, FLIPS, block):
            shape = (min(block, FLIPS - start), len(users))
            signs = generator.integers(0, 2, size=shape, dtype=np.int8).astype(np.float32)
            reached += _as_far((2 * signs - 1) @ of, observed).sum(axis=0)
        p_values[many] = reached / (FLIPS + 1)
    return p_values


def _as_far(sums: NDArray[np.floating], observed: NDArray[np.float64]) -> NDArray[np.bool_]:
    # Rounded sums of equal patterns must count as equal, on the cautious side.
    return np.abs(sums) >= np.abs(observed) * (1 - 1e-5)
