"""The weight of a pair of products in one sequence.

Belongs here: the formula's parameters. Does not belong here: counting (`pair_counts.py`, compiled
and therefore imported late).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PairWeight:
    """What a pair (i, j) of one sequence counts, d positions and Δt apart.

    f(d) · (1 + Δt / unit)^−time_decay with d = position of j − position of i and f(d) =
    d^−forward_decay for d > 0 and backward_share · |d|^−backward_decay for d < 0. Of one instant
    (d = 0), neither comes first: the mean of f(1) and f(−1).

    Attributes:
        forward_decay: how fast what came after counts less with distance.
        backward_share: what the product just before counts, the one just after counting 1.
        backward_decay: how fast what came before counts less with distance.
        time_decay: exponent of the time between; 0: time does not matter.
        time_unit_hours: time between at which that factor has fallen to 2^−time_decay [h].
        window: after so many products of other instants, counting stops at the end of an instant.
    """

    forward_decay: float = 0.5
    backward_share: float = 0.35
    backward_decay: float = 1.6
    time_decay: float = 0.0
    time_unit_hours: float = 1.0
    window: int = 50
