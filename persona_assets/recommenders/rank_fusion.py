"""Making the scores of different models comparable, per user.

Belongs here: ranks and relative scores. Does not belong here: which models are fused, with what
weights (`blend.py`).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray


def relative_scores(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each score as a share of the user's best; 0 where the score is not above 0.

    Args:
        scores: (users × products).
    """
    positive = np.maximum(scores, 0.0)
    best = positive.max(axis=1, keepdims=True, initial=0.0)
    return np.asarray(positive / np.where(best > 0, best, 1.0))


def reciprocal_ranks(
    scores: NDArray[np.float64], *, constant: float, depth: int
) -> NDArray[np.float64]:
    """1 / (constant + rank), ranks from 1 (Cormack, Clarke & Büttcher 2009, "Reciprocal rank
    fusion"); equals share their mean rank.

    Args:
        scores: (users × products); a product without a score above 0 gets 0.
        constant: how little the first places stand out.
        depth: products that fewer are better than; the others get 0.
    """  # noqa: D205
    return np.asarray(_reciprocal_ranks(scores.astype(np.float32), constant, depth))


@njit(cache=True, nogil=True)
def _reciprocal_ranks(scores, constant, depth):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    users, products = scores.shape
    fused = np.zeros((users, products))
    positive = np.empty(products, dtype=np.float32)
    for user in range(users):
        found = 0
        for item in range(products):
            if scores[user, item] > 0:
                positive[found] = scores[user, item]
                found += 1
        if found == 0:
            continue
        least = positive[:found].min()
        if found > depth:
            least = np.partition(positive[:found], found - depth)[found - depth]
        kept = np.sort(positive[:found][positive[:found] >= least])
        for item in range(products):
            score = scores[user, item]
            if score >= least and score > 0:
                better = len(kept) - np.searchsorted(kept, score, side="right")
                equal = len(kept) - better - np.searchsorted(kept, score, side="left")
                fused[user, item] = 1.0 / (constant + better + (equal + 1) / 2)
    return fused
