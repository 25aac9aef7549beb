"""A canonical order of users and products: by their interactions, not by their names.

Belongs here: colours of the rows and columns of a matrix, and the hashing that they need. Does not
belong here: renaming a whole log (`evaluation/benchmark/canonical_labels.py`).

Random beginnings are drawn in some order. In the order of names, other names would give another
training; in this one they give the same, but for the last digits of sums.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ROUNDS = 4
"""Of refinement: each lets a row know of rows two more steps away."""


def canonical_orders(matrix: "csr_matrix") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Orders of the rows and of the columns that do not depend on how they are numbered.

    Colour refinement (Weisfeiler and Leman 1968) by the entries' values. Rows or columns that could
    be exchanged without a trace stay in the order in which they are.

    Args:
        matrix: (rows × columns).

    Returns:
        Numbers of the rows, and of the columns, in their canonical order.
    """
    entries = matrix.tocoo()
    values = np.asarray(entries.data, dtype=np.float64).view(np.uint64)
    seen = colours(entries.row, entries.col, values)
    orders = []
    for size, numbers, colour in zip(matrix.shape, (entries.row, entries.col), seen, strict=True):
        found = np.zeros(size, dtype=np.uint64)
        found[numbers] = colour
        orders.append(np.argsort(found, kind="stable"))
    return orders[0], orders[1]


def colours(
    rows: NDArray[np.integer], columns: NDArray[np.integer], values: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """A colour for the row and for the column of each entry.

    Args:
        rows: number of each entry's row.
        columns: number of its column.
        values: what is known of it.
    """
    of_row = np.zeros(len(values), dtype=np.uint64)
    of_column = np.zeros(len(values), dtype=np.uint64)
    told = mixed(values)
    for _ in range(ROUNDS):
        of_column = _gathered(columns, told ^ mixed(of_row))
        of_row = _gathered(rows, told ^ mixed(of_column + np.uint64(1)))
    return of_row, of_column


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finalizer (Steele, Lea and Flood 2014), a bijection of 64 bits."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _gathered(groups: NDArray[np.integer], values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The sum (modulo 2⁶⁴, so in whatever order) of the mixed values of each entry's group."""
    sums = np.zeros(int(groups.max(initial=-1)) + 1, dtype=np.uint64)
    np.add.at(sums, groups, mixed(values))
    return sums[groups]
