"""Fold-in for BPR: the vector of a user who was not in the training, from their history.

Belongs here: maximising BPR's objective over one person's vector, the products' being given. Does
not belong here: the training (`bpr.py`).
"""

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

STEPS = 12
"""Of Newton's method: on a smooth concave function of this scale it doubles its digits with each
step after the first few."""


def pairwise_vectors(
    met: "csr_matrix",
    product_vectors: NDArray[np.float32],
    typical: NDArray[np.float64],
    regularization: float,
) -> NDArray[np.float32]:
    """For each person the x that maximises mean_i log σ(x · (y_i − ȳ)) − λ/2 ‖x‖².

    i runs over what the person met. It is BPR-Opt per sample (Rendle et al. 2009, section 4.1) with
    one typical product in the place of those drawn at random, so that nothing is drawn.

    Args:
        met: pairs that met, each entry 1 (people × products).
        product_vectors: y (products × factors).
        typical: ȳ (factors,)
        regularization: λ.

    Returns:
        (people × factors), 0 for people who met nothing.
    """
    apart = product_vectors.astype(np.float64) - typical
    vectors = _newton(met.indptr.astype(np.int64), met.indices, apart, float(regularization))
    return vectors.astype(np.float32)


@njit(cache=True, nogil=True)
def _newton(starts, columns, apart, regularization):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    people, factors = len(starts) - 1, apart.shape[1]
    vectors = np.zeros((people, factors))
    for u in range(people):
        count = starts[u + 1] - starts[u]
        if count == 0:
            continue
        x = vectors[u]
        for _ in range(STEPS):
            slope = -regularization * x
            curve = regularization * np.eye(factors)
            for entry in range(starts[u], starts[u + 1]):
                d = apart[columns[entry]]
                wrong = 1.0 / (1.0 + np.exp(np.dot(x, d)))
                slope += wrong / count * d
                curve += wrong * (1.0 - wrong) / count * np.outer(d, d)
            x += np.linalg.solve(curve, slope)
    return vectors
