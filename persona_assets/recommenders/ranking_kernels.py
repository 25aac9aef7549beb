"""Kernels that compare each candidate with each product of the history.

Belongs here: loops over candidates and histories. Does not belong here: which statistics they
look up and what the columns are called (`ranking_features.py`).
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def pair_features(  # type: ignore[no-untyped-def] # noqa: ANN201
    starts, candidates, history_starts, history, ages,  # noqa: ANN001
    indptr, indices, data, lags,  # noqa: ANN001
):  # fmt: skip
    """(candidates × 2 + lags): sum and maximum over the history, maximum of each latest instant.

    Args:
        starts: (users + 1,) where the candidates of each user begin.
        candidates: product codes, each at most once per user.
        history_starts: (users + 1,) where each history begins.
        history: product codes.
        ages: positions since.
        indptr: of a sparse matrix, from products of histories to candidates.
        indices: of the same.
        data: of the same, above 0.
        lags: latest instants with a column of their own.
    """
    found = np.zeros((len(candidates), 2 + lags))
    place = np.full(len(indptr) - 1, -1, dtype=np.int64)
    for user in range(len(starts) - 1):
        for n in range(starts[user], starts[user + 1]):
            place[candidates[n]] = n
        for entry in range(history_starts[user], history_starts[user + 1]):
            for k in range(indptr[history[entry]], indptr[history[entry] + 1]):
                n = place[indices[k]]
                if n >= 0:
                    found[n, 0] += data[k]
                    found[n, 1] = max(found[n, 1], data[k])
                    if ages[entry] < lags:
                        lag = 2 + ages[entry]
                        found[n, lag] = max(found[n, lag], data[k])
        for n in range(starts[user], starts[user + 1]):
            place[candidates[n]] = -1
    return found


@njit(cache=True, nogil=True)
def embedding_features(  # type: ignore[no-untyped-def] # noqa: ANN201
    starts, candidates, history_starts, history, ages, embeddings, decay,  # noqa: ANN001
):  # fmt: skip
    """(candidates × 3): cosines with the decayed history, its last instant, and the nearest.

    Args:
        starts: see `pair_features`, as the next four.
        candidates: product codes.
        history_starts: where each history begins.
        history: product codes.
        ages: positions since.
        embeddings: (products × rank) of length 1.
        decay: what each earlier instant counts in the decayed history.
    """
    rank = embeddings.shape[1]
    found = np.zeros((len(candidates), 3))
    for user in range(len(starts) - 1):
        mine = range(history_starts[user], history_starts[user + 1])
        mean = np.zeros(rank)
        for entry in mine:
            weight = decay ** float(ages[entry])
            for r in range(rank):
                mean[r] += weight * embeddings[history[entry], r]
        length = np.sqrt((mean * mean).sum())
        for n in range(starts[user], starts[user + 1]):
            vector = embeddings[candidates[n]]
            whole = 0.0
            for r in range(rank):
                whole += vector[r] * mean[r]
            last, nearest = -1.0, -1.0
            for entry in mine:
                other = embeddings[history[entry]]
                cosine = 0.0
                for r in range(rank):
                    cosine += vector[r] * other[r]
                if history[entry] != candidates[n]:
                    nearest = max(nearest, cosine)
                    if ages[entry] == 0:
                        last = max(last, cosine)
            found[n, 0] = whole / length if length > 0 else 0.0
            found[n, 1] = last
            found[n, 2] = nearest
    return found


@njit(cache=True, nogil=True)
def own_features(  # type: ignore[no-untyped-def] # noqa: ANN201
    starts, candidates, history_starts, history, ages, strengths, products,  # noqa: ANN001
):  # fmt: skip
    """(candidates × 2): strength and age of the candidate itself in the history, NaN if absent.

    Args:
        starts: see `pair_features`, as the next four.
        candidates: product codes.
        history_starts: where each history begins.
        history: product codes.
        ages: positions since.
        strengths: weight of the strongest event of each entry.
        products: number of products.
    """
    found = np.full((len(candidates), 2), np.nan)
    place = np.full(products, -1, dtype=np.int64)
    for user in range(len(starts) - 1):
        for n in range(starts[user], starts[user + 1]):
            place[candidates[n]] = n
        for entry in range(history_starts[user], history_starts[user + 1]):
            n = place[history[entry]]
            if n >= 0:
                found[n, 0] = strengths[entry]
                found[n, 1] = ages[entry]
        for n in range(starts[user], starts[user + 1]):
            place[candidates[n]] = -1
    return found
