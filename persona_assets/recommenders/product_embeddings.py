"""Embeddings of products from how often they are touched together.

Belongs here: the decomposition. Does not belong here: counting (`pair_counts.py`), Word2Vec
(`transforms/embeddings.py`) or what is made of the embeddings.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SPARE_VECTORS = 48
"""Lanczos vectors beside those wanted: half of ARPACK's own choice for 96, in half its time."""


def product_embeddings(
    together: "csr_matrix", popularity: NDArray[np.int64], rank: int
) -> NDArray[np.float32]:
    """The leading eigenvectors of the normalised counts, times the root of their eigenvalue.

    pop^−½ · C · pop^−½ ≈ U Λ Uᵀ; the rows of U |Λ|^½ of the `rank` largest |λ|, scaled to length
    1, so that products are cosines. By Lanczos iterations (ARPACK), started from the popularity,
    which no order of the products moves.

    Args:
        together: symmetric (products × products) counts C.
        popularity: (products,) users of each.
        rank: dimensions; fewer where there are not more products.

    Returns:
        (products × dimensions); rows of 0 for products that were never touched with another.
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import eigsh

    products = len(popularity)
    dimensions = min(rank, products - 1)
    if dimensions < 1 or together.nnz == 0:
        return np.zeros((products, max(dimensions, 1)), dtype=np.float32)
    damped = diags_array(popularity**-0.5)
    matrix = (damped @ together @ damped).tocsr()
    if dimensions < products // 2:
        values, vectors = eigsh(
            matrix,
            k=dimensions,
            v0=popularity**0.5,
            tol=1e-6,
            ncv=min(products, dimensions + SPARE_VECTORS),
        )
    else:
        values, vectors = np.linalg.eigh(matrix.toarray())
        largest = np.argsort(-np.abs(values), kind="stable")[:dimensions]
        values, vectors = values[largest], vectors[:, largest]
    embeddings = vectors * np.sqrt(np.abs(values))
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.where(
        lengths > 1e-9, embeddings / np.where(lengths > 1e-9, lengths, 1.0), 0.0
    ).astype(np.float32)
