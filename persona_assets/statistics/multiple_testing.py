"""Corrections of p-values for having asked many questions.

Belongs here: what experiments and evaluation both correct by. Does not belong here: the tests that
the p-values come from (`statistics/two_samples.py`, `statistics/paired.py`).
"""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted so that rejecting those below α keeps the family-wise error at α.

    Step-down: the i-th smallest of m is multiplied by m − i + 1 and never falls below the one
    before (Holm 1979, "A simple sequentially rejective multiple test procedure").
    """
    adjusted = [0.0] * len(p_values)
    floor = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = floor
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted so that of those below α a share of at most α is false, on average.

    Step-up: the i-th smallest of m is multiplied by m / i and never exceeds the one after it
    (Benjamini and Hochberg 1995, "Controlling the false discovery rate"); for independent or
    positively dependent tests (Benjamini and Yekutieli 2001).
    """
    adjusted = [1.0] * len(p_values)
    ceiling = 1.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    for place, index in enumerate(order):
        ceiling = min(ceiling, p_values[index] * len(p_values) / (len(p_values) - place))
        adjusted[index] = ceiling
    return adjusted


def preferential_bonferroni(
    primary: Sequence[float], others: Sequence[float], weight: float
) -> tuple[list[float], list[float]]:
    """P-values adjusted for all metrics together, with a share of α set aside for the primary one.

    The primary family is tested at `weight`·α (here by Holm, which is never worse than the equal
    split), each of the m others at (1 − weight)·α / m, so that adding metrics takes nothing from
    the primary one. By Bonferroni's inequality with weights (Rosenthal and Rubin 1983, "Ensemble-
    adjusted p values"), the chance of any false finding is at most α.

    Args:
        primary: p-values of the primary metric's comparisons.
        others: those of all other metrics.
        weight: between 0 and 1; 1 where there are no others.

    Returns:
        adjusted p-values of both, in their order.
    """
    if not others:
        return holm(primary), []
    first = [min(1.0, each / weight) for each in holm(primary)]
    return first, [min(1.0, each * len(others) / (1 - weight)) for each in others]
