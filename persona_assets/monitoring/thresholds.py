"""How far apart two samples may lie before we call it drift.

Evidently's defaults switch, at 1,000 reference rows, from p-values (which call any difference drift
once the sample is large) to distances with a fixed threshold of 0.1 (which call noise drift while
the evaluated week is small), and correct for no multiplicity. Here every column is measured by a
distance, and counts as drifted only if the distance is both large (`MATERIAL`) and larger than
chance would give. Chance is measured: events of a visit and of a person are no independent draws,
so it is people whose weeks are compared (`statistics/clustered.py`).

Belongs here: those thresholds. Does not belong here: computing the distances (Evidently does).
"""

import math

import numpy as np

from persona_assets.statistics.clustered import Floats, Noise

MATERIAL = 0.1
"""Evidently's own threshold for both distances: smaller changes seldom matter to a model."""
FALSE_ALARM_RATE = 0.05
"""Probability that a week without any drift has a drifted column; shared out by Bonferroni."""


def jensen_shannon_threshold(noise: Noise, *, tests: int) -> float:
    """Threshold for the Jensen-Shannon distance (natural logarithm) of two categorical samples.

    To second order JSD(P, Q) = 1/8 Σ (p−q)² / ((p+q)/2) (Endres and Schindelin 2003, eq. 9), a
    quadratic form of the difference of shares. With the covariance V of that difference, it is
    distributed as Σ λ χ²(1) with λ the eigenvalues of diag(1/8p)·V, which Rao and Scott (1984, "On
    chi-squared tests for multiway contingency tables with cell proportions estimated from survey
    data") approximate by a multiple of χ²(ν), ν = (Σ λ)² / Σ λ²; F in place of χ²/ν allows for V
    being estimated (Thomas and Rao 1987). The distance is the root of JSD.

    Args:
        noise: of the shares of all categories.
        tests: columns compared together.
    """
    from scipy.special import fdtri

    there = noise.shares > 0
    weighted = noise.covariance[np.ix_(there, there)] / (8 * noise.shares[there])[:, None]
    trace, square = float(np.trace(weighted)), float((weighted * weighted.T).sum())
    if trace <= 0 or square <= 0:
        return MATERIAL
    freedom = max(trace**2 / square, 1.0)
    quantile = float(fdtri(freedom, noise.freedom, 1 - FALSE_ALARM_RATE / tests))
    return max(MATERIAL, math.sqrt(trace * quantile))


def wasserstein_threshold(noise: Noise, ends: Floats, *, deviation: float, tests: int) -> float:
    """Threshold for the first Wasserstein distance in standard deviations of the reference.

    The distance is ∫|F(x) − G(x)|dx, and at each x the difference is about normal with the standard
    error s(x) of the noise, its absolute value half-normal. By Minkowski's inequality no moment of
    the integral exceeds that of a half-normal with scale ∫s(x)dx, whose quantile (Student's t, as s
    is estimated) is used: a slightly cautious bound.

    Args:
        noise: of the shares of values of at most each of `ends` but the last.
        ends: increasing values, from the smallest to the largest.
        deviation: standard deviation of the reference.
        tests: columns compared together.
    """
    from scipy.special import stdtrit

    if len(ends) < 2:
        return MATERIAL
    error = np.sqrt(np.maximum(np.diag(noise.covariance), 0.0))
    spread = float((error * np.diff(ends)).sum())
    quantile = float(stdtrit(noise.freedom, 1 - FALSE_ALARM_RATE / tests / 2))
    # Evidently divides by this, guarding against constants in the same way.
    return max(MATERIAL, quantile * spread / max(deviation, 0.001))
