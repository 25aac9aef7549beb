"""The scores of a neighbour model, compiled.

Belongs here: the loop over users, their histories and the neighbours of these. Does not belong
here: what the numbers mean (`neighbours.py`).
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def neighbour_scores(  # type: ignore[no-untyped-def] # noqa: ANN201
    starts, items, weights, indptr, indices, data, factor, unscored, revisit, discover,  # noqa: ANN001
):  # fmt: skip
    """Scores of some users on all products.

    Args:
        starts: (users + 1,) where each user's history begins in the next two.
        items: product code of each entry.
        weights: of each entry.
        indptr: with the next two, the sparse (products × products) scores by rows.
        indices: column of each score.
        data: each score.
        factor: (products,) of each product's score.
        unscored: (products,) between −1 and 0: scores of products that nothing leads to.
        revisit: see `Neighbours.scorer`.
        discover: see `Neighbours.scorer`.

    Returns:
        (users × products) float32. Negative sums are lowered by 1, below what nothing leads to.
    """
    users, products = len(starts) - 1, len(factor)
    scores = np.empty((users, products), dtype=np.float32)
    sums = np.zeros(products, dtype=np.float64)
    led = np.zeros(products, dtype=np.bool_)
    for user in range(users):
        mine = items[starts[user] : starts[user + 1]]
        weight = weights[starts[user] : starts[user + 1]]
        _spread(mine, weight, indptr, indices, data, sums, led)
        sums *= factor
        if revisit > 0 and len(mine) and weight.max() > 0:
            highest = sums.max()
            # Somebody whose history leads nowhere still has it.
            unit = revisit / weight.max() * (highest if highest > 0 else 1.0)
            for entry in range(len(mine)):
                sums[mine[entry]] += unit * weight[entry]
                led[mine[entry]] = True
        _settle(sums, led, unscored, scores[user])
        if discover and len(mine):
            scores[user][mine] = scores[user].min() - 1.0
        sums[:] = 0.0
        led[:] = False
    return scores


@njit(cache=True, nogil=True)
def _spread(mine, weight, indptr, indices, data, sums, led):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Add what each entry of a history leads to."""
    for entry in range(len(mine)):
        for at in range(indptr[mine[entry]], indptr[mine[entry] + 1]):
            sums[indices[at]] += weight[entry] * data[at]
            led[indices[at]] = True


@njit(cache=True, nogil=True)
def _settle(sums, led, unscored, scores):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """One order of all products: led to, then nothing known, then led away from."""
    for product in range(len(sums)):
        value = sums[product]
        if not led[product] or value == 0:
            scores[product] = unscored[product]
        else:
            scores[product] = value if value > 0 else value - 1.0
