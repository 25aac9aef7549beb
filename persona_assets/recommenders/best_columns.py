"""The largest values of each row, compiled.

Belongs here: selecting them in one pass. Does not belong here: lists (`ranking.py`).
"""

import numpy as np
from numba import njit

_STRETCH = 64
"""Columns: long enough for vector instructions, short enough to be seldom looked at twice."""


@njit(cache=True, nogil=True)
def best_columns(scores, k):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
    """Columns of the `k` largest values of each row, largest first, ties by column.

    A heap of the best so far whose root is the worst of them, and columns in stretches: most
    stretches hold nothing better than it, which one vectorised pass tells.

    Args:
        scores: (rows × columns), no NaN.
        k: at most the number of columns.

    Returns:
        (rows × k) column numbers, int64.
    """
    rows, columns = scores.shape
    best = np.empty((rows, k), dtype=np.int64)
    for row in range(rows):
        heap, values = best[row], scores[row]
        for place in range(k):
            heap[place] = place
        for root in range(k // 2 - 1, -1, -1):
            _sink(heap, values, root, k)
        for start in range(k, columns, _STRETCH):
            # An array of its own: the compiler sees that no index is negative, and vectorises.
            stretch = values[start : start + _STRETCH]
            worst, better = values[heap[0]], np.int32(0)
            for place in range(len(stretch)):
                better += np.int32(stretch[place] > worst)
            if better == 0:
                continue
            for place in range(len(stretch)):
                # Of equal values the earlier column is there already.
                if stretch[place] > values[heap[0]]:
                    heap[0] = start + place
                    _sink(heap, values, 0, k)
        for end in range(k - 1, 0, -1):
            heap[0], heap[end] = heap[end], heap[0]
            _sink(heap, values, 0, end)
    return best


@njit(cache=True, nogil=True)
def _sink(heap, values, root, size):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Restore the heap below `root`."""
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        if child + 1 < size and _worse(values, heap[child + 1], heap[child]):
            child += 1
        if not _worse(values, heap[child], heap[root]):
            return
        heap[root], heap[child] = heap[child], heap[root]
        root = child


@njit(cache=True, nogil=True)
def _worse(values, a, b):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    if values[a] == values[b]:
        return a > b
    return values[a] < values[b]
