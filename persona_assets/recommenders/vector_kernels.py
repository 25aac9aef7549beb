"""The compiled loops of `vector_scores.py`.

Belongs here: adding up products of vectors in one order. Does not belong here: why (there).
"""

from numba import njit

_TILE = 2_048
"""Products at a time: their scores and four of their factors (40 kB) stay near a core."""


@njit(cache=True, nogil=True)
def add_products(users, columns, scores) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
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
