"""Scores that are products of two vectors, the same to the last bit however many users there are.

Belongs here: the matrix product. Does not belong here: where the vectors come from (`factors.py`,
`models/item2vec.py`).

BLAS adds up in an order that depends on the number of rows, a row's place among them and the
processor: its kernels take some rows at a time, and have others for what is left over. A list that
is made for one person must be the list that a run makes for everybody, so the factors of each score
are added up one after the other here, many products at a time.
"""

import numpy as np
from numpy.typing import NDArray


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
    # Numba takes a second to load, which the graph must not wait for.
    from persona_assets.recommenders.vector_kernels import add_products

    scores = np.zeros((len(users), columns.shape[1]), dtype=np.float32)
    add_products(np.ascontiguousarray(users), columns, scores)
    return scores
