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
