"""Accuracy metrics of top-k lists, each a function from hits to one value per user.

Belongs here: definitions. Libraries disagree about nearly every one of these names, so each
docstring gives the formula, where it is from and who computes the same. Does not belong here:
averages and intervals (`uncertainty.py`, `offline.py`).

A new metric is one function and one entry in `METRICS` (and a golden case in its test).

Notation: h_r is 1 if the product at rank r is relevant, else 0; Rel is the set of the user's
relevant products, never empty. A list shorter than k counts as filled up with misses.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from persona_assets.evaluation.hits import Hits

Metric = Callable[[Hits, int], NDArray[np.float64]]
"""(hits, k) -> one value between 0 and 1 per user; the hits are at least k deep."""

KS = (5, 10, 20)
"""List lengths that are judged: a row of a page, a page, and what a second stage could re-rank."""


def precision(hits: Hits, k: int) -> NDArray[np.float64]:
    """Share of the list that is relevant: Σ_{r≤k} h_r / k.

    The divisor is k even when fewer than k products are relevant, so the optimum may be below 1.
    Source: Herlocker et al. 2004, "Evaluating collaborative filtering recommender systems".
    Same as RePlay, RecTools, recommenders and Spark; `implicit` divides all users' hits by the sum
    of min(k, |Rel|), gorse by the length of the list.
    """
    return _found(hits, k) / k


def recall(hits: Hits, k: int) -> NDArray[np.float64]:
    """Share of the relevant products that is in the list: Σ_{r≤k} h_r / |Rel|.

    With more than k relevant products the optimum is below 1. Source: Herlocker et al. 2004.
    Same as RePlay, RecTools, recommenders and Spark.
    """
    return _found(hits, k) / hits.relevant


def hit_rate(hits: Hits, k: int) -> NDArray[np.float64]:
    """Whether the list holds anything relevant: max_{r≤k} h_r.

    Source: Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms" (there with one
    relevant product per user). Same as RePlay and RecTools.
    """
    return (_found(hits, k) > 0).astype(np.float64)


def reciprocal_rank(hits: Hits, k: int) -> NDArray[np.float64]:
    """1 / rank of the first relevant product, 0 if there is none in the list; its mean is MRR.

    Source: Voorhees 1999, "The TREC-8 question answering track report". Same as RePlay and
    RecTools; Evidently 0.7.23 files this value under k + 1.
    """
    top = hits.matrix[:, :k]
    return np.where(top.any(axis=1), 1.0 / (top.argmax(axis=1) + 1), 0.0)


def average_precision(hits: Hits, k: int) -> NDArray[np.float64]:
    """Precision at the ranks of the hits: Σ_{r≤k} h_r · P(r) / min(k, |Rel|); its mean is MAP.

    P(r) is the precision at r. Source: Manning, Raghavan and Schütze 2008, "Introduction to
    information retrieval", § 8.4, there over the whole ranking and divided by |Rel|; cut at k, the
    divisor min(k, |Rel|) makes 1 reachable for everyone.
    Same as RePlay, `implicit` and recommenders' `map_at_k`; RecTools, gorse and recommenders' `map`
    divide by |Rel|.
    """
    top = hits.matrix[:, :k]
    precisions = top.cumsum(axis=1) / _ranks(k)
    return (precisions * top).sum(axis=1) / np.minimum(k, hits.relevant)


def ndcg(hits: Hits, k: int) -> NDArray[np.float64]:
    """Hits discounted by rank, relative to the best list: DCG / ideal DCG, binary relevance.

    DCG = Σ_{r≤k} h_r / log2(r + 1); the ideal list has min(k, |Rel|) hits at the top. Source:
    Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", with the
    logarithm of every rank (Burges et al. 2005). Same as RePlay, recommenders, `implicit` and
    `sklearn.metrics.ndcg_score`; RecTools' default takes k hits as ideal for everyone, gorse
    min(|Rel|, length of the list), Evidently 0.7.23 files this value under k + 1.
    """
    top = hits.matrix[:, :k]
    discounts = 1.0 / np.log2(_ranks(k) + 1)
    ideal = discounts.cumsum()[np.minimum(k, hits.relevant) - 1]
    return (top * discounts).sum(axis=1) / ideal


METRICS: dict[str, Metric] = {
    "precision": precision,
    "recall": recall,
    "hit_rate": hit_rate,
    "mrr": reciprocal_rank,
    "map": average_precision,
    "ndcg": ndcg,
}
"""Every metric of `evaluation/offline_metrics` by the name it has there."""


def _found(hits: Hits, k: int) -> NDArray[np.int64]:
    found: NDArray[np.int64] = hits.matrix[:, :k].sum(axis=1)
    return found


def _ranks(k: int) -> NDArray[np.int64]:
    return np.arange(1, k + 1)
