"""Scores that are products of two vectors, the same to the last bit however many users there are.

Belongs here: the matrix product. Does not belong here: where the vectors come from (`factors.py`,
`models/item2vec.py`).

BLAS has kernels of their own for one row, for few rows and for small matrices, which add up in
another order. A list that is made for one person must be the list that a run makes for everybody,
so what is smaller is filled up with rows of zeros.
"""

import numpy as np
from numpy.typing import NDArray

_LEAST_ROWS = 8
_LEAST_MULTIPLICATIONS = 1_000_001
"""OpenBLAS takes its kernels for small matrices up to a million."""


def vector_scores(users: NDArray[np.float32], products: NDArray[np.float32]) -> NDArray[np.float32]:
    """x_u · y_i.

    Args:
        users: (users × factors).
        products: (products × factors).

    Returns:
        (users × products).
    """
    each = max(1, products.size)
    rows = max(_LEAST_ROWS, -(-_LEAST_MULTIPLICATIONS // each))
    if len(users) < rows:
        filled = np.zeros((rows, users.shape[1]), dtype=np.float32)
        filled[: len(users)] = users
        return np.ascontiguousarray((filled @ products.T)[: len(users)])
    scores: NDArray[np.float32] = users @ products.T
    return scores
