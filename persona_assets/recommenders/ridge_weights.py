"""Weights that predict each product from the others: ridge regressions that share a Gram matrix.

Belongs here: solving them, exactly or on a support. Does not belong here: which of the two, and
what is made of the weights (`ease.py`).
"""

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from persona_assets.recommenders.neighbours import strongest
from persona_assets.recommenders.similarity import gram_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def exact_weights(matrix: "csr_matrix", regularization: float, most: int) -> "csr_matrix":
    """B of EASE: B_ij = −P_ij / P_jj off the diagonal, P = (XᵀX + λI)⁻¹.

    Args:
        matrix: X (users × products), every entry 1.
        regularization: λ.
        most: weights kept per column, the largest in absolute value, and their equals.

    Returns:
        (products × products), row i: what an interaction with i says of each other product.
    """
    from scipy.linalg.lapack import spotrf, spotri
    from scipy.sparse import csr_matrix, vstack
    from threadpoolctl import threadpool_limits

    products = matrix.shape[1]
    gram = np.zeros((products, products), dtype=np.float32, order="F")
    for start, block in gram_rows(matrix):
        # Symmetric, so that rows may be written as columns, which lie together in memory.
        gram[:, start : start + block.shape[0]] = block.T.toarray()
    gram[np.diag_indices(products)] += np.float32(regularization)
    # One BLAS thread: the number of threads would move last digits.
    with threadpool_limits(limits=1, user_api="blas"):
        factor, _ = spotrf(gram, lower=False, overwrite_a=True, clean=False)
        inverse, _ = spotri(factor, lower=False, overwrite_c=True)
    diagonal = inverse.diagonal().copy()
    columns = []
    for start in range(0, products, _COLUMNS_AT_ONCE):
        block = slice(start, min(start + _COLUMNS_AT_ONCE, products))
        # Only the upper triangle is written: of each column, what is below lies in its row.
        below = inverse[block, :].T.copy()
        column = inverse[:, block].copy()
        number = np.arange(products)[:, None]
        column = np.where(number <= np.arange(block.start, block.stop), column, below)
        column /= -diagonal[block]
        column[number == np.arange(block.start, block.stop)] = 0
        columns.append(largest(csr_matrix(column.T.astype(np.float64)), most))
    return vstack(columns, format="csr").T.tocsr()


_COLUMNS_AT_ONCE = 512


def sparse_weights(
    matrix: "csr_matrix", regularization: float, support: int, most: int
) -> "csr_matrix":
    """EASE with each product predicted from its support only.

    The support of a product are the others with the largest cosine of co-counts; its weights solve
    (G_SS + λI) b = G_Sj with G = XᵀX, so with the whole catalogue as support they are those of
    `exact_weights`.

    Args:
        matrix: X (users × products), every entry 1.
        regularization: λ.
        support: products in each support, at most; equals of the last one are all in, or, where
            they are more than `support` together, all out.
        most: as for `exact_weights`.

    Returns:
        As `exact_weights`.
    """
    from scipy.sparse import csr_matrix, vstack
    from threadpoolctl import threadpool_limits

    gram = vstack([block for _, block in gram_rows(matrix)], format="csr")
    supports = _supports(gram, support)
    with threadpool_limits(limits=1, user_api="blas"):
        solved = _solve(
            gram.indptr.astype(np.int64), gram.indices, gram.data,
            supports.indptr.astype(np.int64), supports.indices, float(regularization),
        )  # fmt: skip
    weights = csr_matrix((solved, supports.indices, supports.indptr), shape=gram.shape)
    return largest(weights, most).T.tocsr()


def _supports(gram: "csr_matrix", most: int) -> "csr_matrix":
    """Row j: the products that predict j, their cosine as entries."""
    cosine = gram.copy()
    own = gram.diagonal()
    rows = np.repeat(np.arange(gram.shape[0]), np.diff(gram.indptr))
    cosine.data = (gram.data / np.sqrt(own[rows] * own[gram.indices])).astype(np.float32)
    cosine.data[rows == gram.indices] = 0
    cosine.eliminate_zeros()
    chosen = strongest(cosine, most)
    # Equals of the last one may be thousands (products with one common user): a support of that
    # size is no support.
    for row in np.flatnonzero(np.diff(chosen.indptr) > 2 * most):
        entries = chosen.data[chosen.indptr[row] : chosen.indptr[row + 1]]
        entries[entries == entries.min()] = 0
    chosen.eliminate_zeros()
    return chosen


@njit(cache=True, nogil=True)
def _solve(starts, columns, values, support_starts, support, regularization):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    products = len(starts) - 1
    solved = np.zeros(len(support), dtype=np.float64)
    place = np.full(products, -1, dtype=np.int64)
    for target in range(products):
        first, end = support_starts[target], support_starts[target + 1]
        size = end - first
        if size == 0:
            continue
        for number in range(size):
            place[support[first + number]] = number
        left = np.zeros((size, size))
        right = np.zeros(size)
        for number in range(size):
            row = support[first + number]
            for entry in range(starts[row], starts[row + 1]):
                other = place[columns[entry]]
                if other >= 0:
                    left[number, other] = values[entry]
                elif columns[entry] == target:
                    right[number] = values[entry]
            left[number, number] += regularization
        solved[first:end] = np.linalg.solve(left, right)
        for number in range(size):
            place[support[first + number]] = -1
    return solved


def largest(weights: "csr_matrix", most: int) -> "csr_matrix":
    """The `most` entries of each row that are largest in absolute value, and their equals."""
    sizes = weights.copy()
    sizes.data = np.abs(weights.data).astype(np.float32).astype(np.float64)
    kept = strongest(sizes, most)
    kept.data = np.ones(len(kept.data))
    chosen = weights.multiply(kept).tocsr()
    chosen.sort_indices()
    return chosen
