"""Directional co-occurrence: how often, how closely and in which order two products occur.

Belongs here: counting pairs in sequences, in time linear in the pairs. Does not belong here: what
a model makes of the counts (`directional.py`, `two_stage.py`).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from persona_assets.recommenders.pair_weight import PairWeight
from persona_assets.recommenders.sequences import Sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

PAIRS_PER_BLOCK = 8_000_000
"""Pairs held before they are summed: 320 MB with the copies that sorting takes, however long the
sequences are."""


def pair_counts(log: Sequences, weight: PairWeight, *, since: float = -np.inf) -> "csr_matrix":
    """Σ over sequences of the weight of every pair: (products × products), zero diagonal.

    Counts are additive: those `since` each midnight, over the days, sum up to those of all days.

    Args:
        log: the sequences.
        weight: of a pair.
        since: only pairs whose later entry is from then on [s since 1970].
    """
    from scipy.sparse import csr_matrix

    products = len(log.products)
    total = csr_matrix((products, products))
    for pairs in _blocks(log, weight, since):
        total = total + csr_matrix(_summed(*pairs, products), shape=(products, products))
    total.sort_indices()
    return total


def _blocks(
    log: Sequences, weight: PairWeight, since: float
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]]:
    """The pairs, some users at a time."""
    per_user = _pairs_per_user(log.starts, log.positions, log.times, weight.window, since)
    block = np.cumsum(per_user) // PAIRS_PER_BLOCK
    edges = np.flatnonzero(np.diff(block, prepend=-1, append=-1))
    for first, end in pairwise(edges):
        pairs = int(per_user[first:end].sum())
        if pairs:
            yield _pairs(
                log.starts[first : end + 1],
                log.items,
                log.positions,
                log.times,
                pairs,
                weight.window,
                since,
                weight.forward_decay,
                weight.backward_share,
                weight.backward_decay,
                weight.time_decay,
                weight.time_unit_hours * 3600.0,
            )


@njit(cache=True, nogil=True)
def _reach(positions, a, end, window):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Index after the last entry that pairs with entry `a` of a sequence that stops at `end`."""
    b = a + 1
    while b < end and positions[b] == positions[a]:
        b += 1
    others = 0
    while b < end:
        if others >= window and positions[b] != positions[b - 1]:
            break
        others += 1
        b += 1
    return b


@njit(cache=True, nogil=True)
def _pairs_per_user(starts, positions, times, window, since):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    pairs = np.zeros(len(starts) - 1, dtype=np.int64)
    for user in range(len(pairs)):
        for a in range(starts[user], starts[user + 1]):
            for b in range(a + 1, _reach(positions, a, starts[user + 1], window)):
                if times[b] >= since:
                    pairs[user] += 2
    return pairs


@njit(cache=True, nogil=True)
def _pairs(  # type: ignore[no-untyped-def] # noqa: ANN202
    starts, items, positions, times, pairs, window, since,  # noqa: ANN001
    forward_decay, backward_share, backward_decay, time_decay, time_unit,  # noqa: ANN001
):  # fmt: skip
    rows = np.empty(pairs, dtype=np.int32)
    columns = np.empty(pairs, dtype=np.int32)
    values = np.empty(pairs, dtype=np.float64)
    n = 0
    for user in range(len(starts) - 1):
        for a in range(starts[user], starts[user + 1]):
            for b in range(a + 1, _reach(positions, a, starts[user + 1], window)):
                if times[b] < since:
                    continue
                d = positions[b] - positions[a]
                if d > 0:
                    forward = float(d) ** -forward_decay
                    backward = backward_share * float(d) ** -backward_decay
                else:
                    forward = backward = (1.0 + backward_share) / 2
                if time_decay > 0:
                    near = (1.0 + (times[b] - times[a]) / time_unit) ** -time_decay
                    forward *= near
                    backward *= near
                rows[n], columns[n], values[n] = items[a], items[b], forward
                rows[n + 1], columns[n + 1], values[n + 1] = items[b], items[a], backward
                n += 2
    return rows, columns, values


@njit(cache=True, nogil=True)
def _summed(rows, columns, values, products):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Values, columns and row starts of a CSR matrix, equal pairs added in the order they came in.

    Two counting sorts, by column and then by row: linear, where SciPy's conversion compares.
    """
    begins = np.zeros(products + 1, dtype=np.int64)
    room = np.zeros(products + 1, dtype=np.int64)
    for n in range(len(rows)):
        begins[columns[n] + 1] += 1
        room[rows[n] + 1] += 1
    begins, room = np.cumsum(begins), np.cumsum(room)
    free = begins[:-1].copy()
    of_column = np.empty(len(rows), dtype=np.int32)
    moved = np.empty(len(rows), dtype=np.float64)
    for n in range(len(rows)):
        place = free[columns[n]]
        of_column[place], moved[place] = rows[n], values[n]
        free[columns[n]] += 1
    free = room[:-1].copy()
    sums = np.empty(len(rows), dtype=np.float64)
    found = np.empty(len(rows), dtype=np.int32)
    for column in range(products):
        for n in range(begins[column], begins[column + 1]):
            row = of_column[n]
            last = free[row] - 1
            if last >= room[row] and found[last] == column:
                sums[last] += moved[n]
            else:
                sums[last + 1], found[last + 1] = moved[n], column
                free[row] += 1
    starts = np.zeros(products + 1, dtype=np.int64)
    for row in range(products):
        length = free[row] - room[row]
        starts[row + 1] = starts[row] + length
        # To the left only, so that nothing is overwritten before it is moved.
        for n in range(length):
            sums[starts[row] + n] = sums[room[row] + n]
            found[starts[row] + n] = found[room[row] + n]
    return sums[: starts[-1]].copy(), found[: starts[-1]].copy(), starts
