"""Similarity of two products by the users they share, and co-counts for other models.

Belongs here: the binary matrix of who interacted with what, its products of pairs a block of rows
at a time, and the similarities. Does not belong here: order and distance in sequences
(`pair_counts.py`), or lists made from similarities (`item_knn.py`, `neighbours.py`).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from persona_assets.recommenders.sequences import Sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

PRODUCTS_PER_BLOCK = 20_000_000
"""Multiplications whose results are held at once: at most 240 MB."""
BM25_K1 = 1.2
BM25_B = 0.75
"""Saturation and length normalisation of BM25: Robertson and Zaragoza 2009, "The probabilistic
relevance framework: BM25 and beyond", and the defaults of library `implicit`."""
KINDS = ("cosine", "jaccard", "tfidf", "bm25")


def user_item_matrix(log: Sequences, longest: int) -> "csr_matrix":
    """Who interacted with what: (users × products), every entry 1.

    Args:
        log: the sequences.
        longest: only so many of a user's latest products, and all of the same instant as the last
            of them: the pairs of a robot would otherwise outnumber those of all people.
    """
    from scipy.sparse import csr_matrix

    kept = latest(log, longest)
    matrix = csr_matrix(
        (np.ones(len(kept.items)), kept.items, kept.starts),
        shape=(len(log.users), len(log.products)),
    )
    matrix.sort_indices()
    return matrix


def latest(log: Sequences, longest: int) -> Sequences:
    """The latest products of each sequence, and those of the same instant as the last of them.

    Args:
        log: the sequences.
        longest: products, at most but for equals.
    """
    lengths = np.diff(log.starts)
    first = np.repeat(log.starts[:-1], lengths)
    oldest = np.maximum(np.repeat(log.starts[1:], lengths) - longest, first)
    return log.entries(log.positions >= log.positions[oldest])


def similarities(
    matrix: "csr_matrix", kind: str, shrinkage: float
) -> Iterator[tuple[int, "csr_matrix"]]:
    """Similarity of every pair of products with a user in common, a block of rows at a time.

    With n_i people who interacted with i, n_ij both, and s the shrinkage:

    - `cosine`: n_ij / (√(n_i · n_j) + s).
    - `jaccard`: n_ij / (n_i + n_j − n_ij + s).
    - `tfidf`: cosine of vectors in which a user counts log(products / (1 + products interacted
      with)), as in `implicit`'s `TFIDFRecommender`; the shrinkage is added to the product of the
      norms.
    - `bm25`: Σ over common users of both products' BM25 weights, as in `implicit`'s
      `BM25Recommender`, times n_ij / (n_ij + s).

    Args:
        matrix: (users × products), every entry 1.
        kind: one of the four.
        shrinkage: users, in the unit of the denominator.

    Yields:
        First row of the block, and its rows (rows × products) with an empty diagonal.
    """
    from scipy.sparse import csr_matrix, diags_array

    people = np.asarray(matrix.sum(axis=0)).ravel()
    weighted = csr_matrix(matrix)
    if kind in ("tfidf", "bm25"):
        rarity = np.log(matrix.shape[1]) - np.log1p(np.asarray(matrix.sum(axis=1)).ravel())
        # People who interacted with all products say nothing; the formula would count them
        # negatively.
        weighted = csr_matrix(diags_array(np.maximum(rarity, 0.0)) @ matrix)
    if kind == "bm25":
        length = (1 - BM25_B) + BM25_B * people / people.mean()
        saturated = (BM25_K1 + 1) / (BM25_K1 * length + 1)
        weighted = csr_matrix(weighted @ diags_array(saturated))
    weighted.eliminate_zeros()
    size = np.asarray(weighted.multiply(weighted).sum(axis=0)).ravel()
    of_products = matrix.T.tocsr()
    for start, block in gram_rows(weighted):
        rows = np.repeat(np.arange(start, start + block.shape[0]), np.diff(block.indptr))
        if kind == "jaccard":
            block.data = block.data / (size[rows] + size[block.indices] - block.data + shrinkage)
        elif kind == "bm25":
            if shrinkage > 0:
                common = (of_products[start : start + block.shape[0]] @ matrix).tocsr()
                common.data = common.data / (common.data + shrinkage)
                block = csr_matrix(block.multiply(common))
        else:
            block.data = block.data / (np.sqrt(size[rows] * size[block.indices]) + shrinkage)
        yield start, without_diagonal(block, start)


def gram_rows(matrix: "csr_matrix") -> Iterator[tuple[int, "csr_matrix"]]:
    """XᵀX, some of its rows at a time, so that memory does not grow with the pairs.

    Args:
        matrix: X (users × products).

    Yields:
        First row of the block, and the block (rows × products), with sorted columns.
    """
    of_products = matrix.T.tocsr()
    lengths = np.diff(matrix.indptr).astype(np.float64)
    work = np.cumsum((of_products != 0).astype(np.float64) @ lengths)
    edges = np.flatnonzero(np.diff(work // PRODUCTS_PER_BLOCK, prepend=-1.0)).tolist()
    for start, end in zip(edges, [*edges[1:], of_products.shape[0]], strict=True):
        block = (of_products[start:end] @ matrix).tocsr()
        block.sort_indices()
        yield start, block


def without_diagonal(block: "csr_matrix", start: int) -> "csr_matrix":
    """The block without the entries of products with themselves, and without zeros."""
    rows = np.repeat(np.arange(start, start + block.shape[0]), np.diff(block.indptr))
    block.data[rows == block.indices] = 0.0
    block.eliminate_zeros()
    return block
