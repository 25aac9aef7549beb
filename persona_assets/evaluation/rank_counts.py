"""Counting the products ranked above each user's relevant ones, in a full ranking.

Belongs here: the passes over all scores. Does not belong here: where scores come from, or what is
made of the counts (`hits.py`). Imported inside functions: it loads numba.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

FEW = 200
"""Up to so many relevant products, comparing each with all scores (a vectorised pass, under 1 µs
per 10,000 products) is faster than sorting the scores (about 200 µs)."""


def count_above(
    scores: NDArray[np.float32],
    begins: NDArray[np.int64],
    values: NDArray[np.float32],
    above: NDArray[np.int64],
    equal: NDArray[np.int64],
) -> None:
    """How many products score higher than, and the same as, each relevant product of its user.

    O(products · min(relevant, log products)) for a user.

    Args:
        scores: users × products, no NaN.
        begins: where each user's relevant products begin in `values`, and the end of the last.
        values: scores of the relevant products.
        above: overwritten with the number of higher scores, one per value.
        equal: overwritten with the number of equal scores, the product itself included.
    """
    _compare(scores, begins, values, above, equal)
    for user in np.flatnonzero(np.diff(begins) > FEW):
        mine = slice(begins[user], begins[user + 1])
        ascending = np.sort(scores[user])
        up_to = np.searchsorted(ascending, values[mine], side="right")
        above[mine] = len(ascending) - up_to
        equal[mine] = up_to - np.searchsorted(ascending, values[mine], side="left")


@njit(cache=True, nogil=True)
def _compare(
    scores: NDArray[np.float32],
    begins: NDArray[np.int64],
    values: NDArray[np.float32],
    above: NDArray[np.int64],
    equal: NDArray[np.int64],
) -> None:
    """`count_above` for users with few relevant products."""
    for user in range(len(scores)):
        first, last = begins[user], begins[user + 1]
        if last - first > FEW:
            continue
        row = scores[user]
        for place in range(first, last):
            # 32 bits, like the scores: with wider counts the loop is not vectorised.
            value, higher, same = values[place], np.int32(0), np.int32(0)
            for column in range(len(row)):
                higher = np.int32(higher + np.int32(row[column] > value))
                same = np.int32(same + np.int32(row[column] == value))
            above[place], equal[place] = higher, same
