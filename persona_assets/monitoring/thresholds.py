"""How far apart two samples may lie before we call it drift.

Evidently's defaults switch, at 1,000 reference rows, from p-values (which call any difference drift
once the sample is large) to distances with a fixed threshold of 0.1 (which call noise drift while
the evaluated week is small), and correct for no multiplicity. Here every column is measured by a
distance, and counts as drifted only if the distance is both large (`MATERIAL`) and larger than
chance would give at the sizes of the two samples.

Belongs here: those thresholds. Does not belong here: computing the distances (Evidently does).
"""

import math

import polars as pl

MATERIAL = 0.1
"""Evidently's own threshold for both distances: smaller changes seldom matter to a model."""
FALSE_ALARM_RATE = 0.05
"""Probability that a week without any drift has a drifted column; shared out by Bonferroni."""


def jensen_shannon_threshold(current: pl.Series, reference: pl.Series, *, tests: int) -> float:
    """Threshold for the Jensen-Shannon distance (natural logarithm) of two categorical samples.

    To second order JSD(P, Q) = 1/8 Σ (p−q)² / ((p+q)/2) (Endres and Schindelin 2003, eq. 9), and
    for samples of n and m from one distribution with k categories the sum is asymptotically
    (1/n + 1/m) χ²(k−1), as in Pearson's test of homogeneity. The distance is the root of JSD.

    Args:
        current: values of the evaluated week, without nulls.
        reference: values of the weeks before, without nulls.
        tests: columns compared together.
    """
    from scipy.special import chdtri

    categories = pl.concat([current, reference]).n_unique()
    if categories < 2:
        return MATERIAL
    quantile = chdtri(categories - 1, FALSE_ALARM_RATE / tests)
    chance = math.sqrt(quantile / 8 * (1 / len(current) + 1 / len(reference)))
    return max(MATERIAL, chance)


def wasserstein_threshold(current: pl.Series, reference: pl.Series, *, tests: int) -> float:
    """Threshold for the first Wasserstein distance in standard deviations of the reference.

    Without drift, the distance of samples of n and m is asymptotically √(1/n + 1/m) ∫|B(F(x))|dx
    with B a Brownian bridge (del Barrio, Giné and Matrán 1999). At each x the integrand is
    half-normal with scale √(F(1−F)), so by Minkowski's inequality no moment of the integral exceeds
    that of a half-normal with scale ∫√(F(1−F))dx, whose quantile is used: a slightly cautious
    bound.

    Args:
        current: values of the evaluated week, without nulls.
        reference: values of the weeks before, without nulls.
        tests: columns compared together.
    """
    from scipy.special import ndtri

    ordered = pl.concat([current, reference]).cast(pl.Float64).sort().to_numpy()
    below = (pl.int_range(1, len(ordered), eager=True) / len(ordered)).to_numpy()
    spread = float((((below * (1 - below)) ** 0.5) * (ordered[1:] - ordered[:-1])).sum())
    # Evidently divides by this, guarding against constants in the same way.
    deviation = max(float(reference.cast(pl.Float64).to_numpy().std()), 0.001)
    quantile = float(ndtri(1 - FALSE_ALARM_RATE / tests / 2))
    chance = quantile * math.sqrt(1 / len(current) + 1 / len(reference)) * spread / deviation
    return max(MATERIAL, chance)
