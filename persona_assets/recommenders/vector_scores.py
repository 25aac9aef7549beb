"""Scores that are products of two vectors, the same to the last bit however many users there are.

Belongs here: the matrix product. Does not belong here: where the vectors come from (`factors.py`,
`models/item2vec.py`).

BLAS adds up in an order that depends on the number of rows, a row's place among them and the
processor: its kernels take some rows at a time, and have others for what is left over. A list that
is made for one person must be the list that a run makes for everybody, so the factors of each score
are added up one after the other here, many products at a time.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

_TILE = 2_048
"""Products at a time: their scores and four of their factors (40 kB) stay near a core."""


def by_factor(products: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors (products × factors) as `vector_scores` reads them: (factors × products)."""
    return np.ascontiguousarray(products.T)


def vector_scores(users: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """x_u · y_i.

    Args:
        users: (users × factors).
        columns: `by_factor` of the products' vectors; made once, since a request must not wait for
            it.

    Returns:
        (users × products).
    """
    scores = np.zeros((len(users), columns.shape[1]), dtype=np.float32)
    _add_products(np.ascontiguousarray(users), columns, scores)
    return scores


@njit(cache=True, nogil=True)
def _add_products(users, columns, scores):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Add x_u · y_i to the scores, factor after factor."""
    factors, products = columns.shape
    in_fours = factors - factors % 4
    for begin in range(0, products, _TILE):
        end = min(begin + _TILE, products)
        for user in range(len(users)):
            row = scores[user, begin:end]
            for f in range(0, in_fours, 4):
                _add_four(
                    row,
                    users[user, f],
                    users[user, f + 1],
                    users[user, f + 2],
                    users[user, f + 3],
                    columns[f, begin:end],
                    columns[f + 1, begin:end],
                    columns[f + 2, begin:end],
                    columns[f + 3, begin:end],
                )
            for f in range(in_fours, factors):
                x, column = users[user, f], columns[f, begin:end]
                for i in range(len(row)):
                    row[i] += x * column[i]


@njit(cache=True, nogil=True)
def _add_four(row, a, b, c, d, of_a, of_b, of_c, of_d):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Four factors at once read and write the scores a quarter as often."""
    for i in range(len(row)):
        row[i] = (((row[i] + a * of_a[i]) + b * of_b[i]) + c * of_c[i]) + d * of_d[i]
