"""Accuracy metrics of top-k lists, each a function from hits to one value per user.

Belongs here: definitions. Libraries disagree about nearly every one of these names, so each
docstring gives the formula, where it is from and who computes the same. Does not belong here:
averages and intervals (`statistics/intervals.py`, `offline.py`).

A new metric is one function and one entry in `METRICS` (and a golden case in its test); what single
libraries do differently is written down by the tests (`evaluation/library_variants.py`).

Notation: h_r is 1 if the product at rank r is relevant, else 0; Rel is the set of the user's
relevant products, never empty. A list shorter than k counts as filled up with misses. Where
products tie, a metric is its expected value over their orders (`expected.py`).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from persona_assets.evaluation.expected import Gains, Hits

Metric = Callable[[Hits, int], NDArray[np.float64]]
"""(hits, k) -> one value between 0 and 1 per user; the hits are at least k deep."""

DebiasedMetric = Callable[[Gains, int], NDArray[np.float64]]
"""(gains, k) -> one value between 0 and 1 per user; the gains are at least k deep."""

KS = (5, 10, 20)
"""Evaluated list lengths: a row of a page, a page, and what a second stage could re-rank."""


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


def f1(hits: Hits, k: int) -> NDArray[np.float64]:
    """Harmonic mean of precision and recall: 2 Σ_{r≤k} h_r / (k + |Rel|).

    Taken for each user and then averaged, not made of averaged precision and recall. Source: van
    Rijsbergen 1979, "Information retrieval", chapter 7. Same as RecTools' `F1Beta` with beta 1.
    """
    return 2 * _found(hits, k) / (k + hits.relevant)


def r_precision(hits: Hits, k: int) -> NDArray[np.float64]:
    """Precision at the number of relevant products: Σ_{r≤R} h_r / R with R = min(k, |Rel|).

    Source: Manning, Raghavan and Schütze 2008, "Introduction to information retrieval", § 8.4, with
    R = |Rel|, which it is here for everyone with at most k relevant products. recommenders'
    `r_precision_at_k` divides by |Rel| and leaves out users without a hit, RecTools'
    `Precision(r_precision=True)` and `implicit`'s precision look at k ranks, not at R.
    """
    reached = np.minimum(k, hits.relevant)
    found = hits.matrix[:, :k].cumsum(axis=1)[np.arange(len(reached)), reached - 1]
    return found / reached


def hit_rate(hits: Hits, k: int) -> NDArray[np.float64]:
    """Whether the list holds anything relevant: max_{r≤k} h_r.

    Source: Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms" (there with one
    relevant product per user). Same as RePlay and RecTools.
    """
    return 1.0 - hits.missed[:, k - 1]


def reciprocal_rank(hits: Hits, k: int) -> NDArray[np.float64]:
    """1 / rank of the first relevant product, 0 if there is none in the list; its mean is MRR.

    Source: Voorhees 1999, "The TREC-8 question answering track report". Same as RePlay and
    RecTools; Evidently 0.7.23 files this value under k + 1.
    """
    before = np.column_stack([np.ones(len(hits.missed)), hits.missed[:, : k - 1]])
    return ((before - hits.missed[:, :k]) / _ranks(k)).sum(axis=1)


def average_precision(hits: Hits, k: int) -> NDArray[np.float64]:
    """Precision at the ranks of the hits: Σ_{r≤k} h_r · P(r) / min(k, |Rel|); its mean is MAP.

    P(r) is the precision at r. Source: Manning, Raghavan and Schütze 2008, "Introduction to
    information retrieval", § 8.4, there over the whole ranking and divided by |Rel|; cut at k, the
    divisor min(k, |Rel|) makes 1 reachable for everyone.
    Same as RePlay, `implicit` and recommenders' `map_at_k`; RecTools, gorse and recommenders' `map`
    divide by |Rel|.
    """
    return (hits.joint[:, :k] / _ranks(k)).sum(axis=1) / np.minimum(k, hits.relevant)


def average_precision_all(hits: Hits, k: int) -> NDArray[np.float64]:
    """Precision at the ranks of the hits, over all that is relevant: Σ_{r≤k} h_r · P(r) / |Rel|.

    Relevant products beyond the list count as found at precision 0, so the optimum is below 1 with
    more than k of them. Source: Manning, Raghavan and Schütze 2008, § 8.4. Same as RecTools, gorse,
    recommenders' `map` and, over whole rankings, Spark's `meanAveragePrecision`.
    """
    return average_precision(hits, k) * np.minimum(k, hits.relevant) / hits.relevant


def ndcg(hits: Hits, k: int) -> NDArray[np.float64]:
    """Hits discounted by rank, relative to the best list: DCG / ideal DCG, binary relevance.

    DCG = Σ_{r≤k} h_r / log2(r + 1); the ideal list has min(k, |Rel|) hits at the top. Source:
    Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", with the
    logarithm of every rank (Burges et al. 2005). Same as RePlay, recommenders, `implicit`, Spark's
    `ndcgAt` and `sklearn.metrics.ndcg_score` (ties included); gorse's ideal has
    min(|Rel|, length of the list) hits, Evidently 0.7.23 files this value under k + 1.
    """
    return _dcg(hits.matrix, k) / _ideal(k)[np.minimum(k, hits.relevant) - 1]


def ndcg_full(hits: Hits, k: int) -> NDArray[np.float64]:
    """Hits discounted by rank, relative to k hits whatever can be reached: DCG / Σ_{r≤k} discount.

    With fewer than k relevant products the optimum is below 1; a mean over users so weighs those
    with many relevant products more. Same as RecTools' default (`divide_by_achievable=False`).
    """
    return _dcg(hits.matrix, k) / _ideal(k)[k - 1]


def auc(hits: Hits, k: int) -> NDArray[np.float64]:
    """Chance that a relevant product stands above another one, the order beyond k unknown.

    Of the R·N pairs of a relevant and another candidate, those are right whose relevant one stands
    above among the k listed, or is listed and the other is not; pairs that are not listed count
    half: (Σ_{r≤k} (1 − h_r) H_{r−1} + (H_k + R)/2 · (N − k + H_k)) / (R·N) with H_r = Σ_{s≤r} h_s.
    For k as long as the ranking it is the area under the ROC curve. Source: Schröder, Thiele and
    Lehner 2011, "Setting goals and choosing metrics for recommender system evaluations" (limited
    AUC). Same as `implicit` and, over the whole ranking, `sklearn.metrics.roc_auc_score` (ties
    included). RePlay's `RocAuc` compares within the list alone, RecTools' `PartialAUC` up to k
    wrong products.

    1 where every candidate is relevant: nothing could stand wrong.
    """
    top = hits.matrix[:, :k]
    found = top.sum(axis=1)
    others = hits.candidates - hits.relevant
    unseen = others - np.minimum(k, hits.listed)  # plus H_k: other candidates beyond the list
    # h_r H_{r−1} summed over r is (H_k² − H_k) / 2, which meets H_k² in the second term: no product
    # of hits is left, and expected values add up. Ranks not filled hold no product.
    unfilled = np.maximum(0, k - hits.listed)
    above = top.cumsum(axis=1).sum(axis=1) - unfilled * found
    right = above + (found * (unseen + hits.relevant - 1) + hits.relevant * unseen) / 2
    pairs = hits.relevant * others
    return np.where(pairs > 0, right / np.maximum(1, pairs), 1.0)


def debiased_recall(gains: Gains, k: int) -> NDArray[np.float64]:
    """Recall as if all products were known equally well: Σ_{r≤k} h_r w_r / Σ_{i∈Rel} w_i.

    With w_i one over the propensity of product i to be met at all, what everybody meets anyway
    counts less. Source: Steck 2011, "Item popularity and recommendation accuracy" (popularity-
    stratified recall), which is the self-normalised inverse-propensity estimate of Yang et al.
    2018, "Unbiased offline recommender evaluation for missing-not-at-random implicit feedback",
    with c = [rank ≤ k], taken for each user.
    """
    found: NDArray[np.float64] = gains.matrix[:, :k].sum(axis=1)
    return found / gains.total


def debiased_ndcg(gains: Gains, k: int) -> NDArray[np.float64]:
    """Hits discounted by rank as if all products were known equally well: gains w_i instead of 1.

    DCG = Σ_{r≤k} h_r w_r / log2(r + 1), divided by that of the best list, the user's relevant
    products by descending w. Source: the weights of Yang et al. 2018 as the gains of Järvelin and
    Kekäläinen 2002. With equal weights it is `ndcg`.
    """
    return _dcg(gains.matrix, k) / _dcg(gains.best, k)


METRICS: dict[str, Metric] = {
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "hit_rate": hit_rate,
    "mrr": reciprocal_rank,
    "map": average_precision,
    "map_all": average_precision_all,
    "ndcg": ndcg,
    "ndcg_full": ndcg_full,
    "r_precision": r_precision,
    "auc": auc,
}
"""Metrics of `evaluation/offline_metrics` that take all products alike, by their names there."""

DEBIASED: dict[str, DebiasedMetric] = {
    "recall_debiased": debiased_recall,
    "ndcg_debiased": debiased_ndcg,
}
"""Metrics of `evaluation/offline_metrics` that weigh products, by their names there."""

PRIMARY, PRIMARY_K = "ndcg", 10
"""What models are ordered by, wherever one number has to decide: the gate, searches, the arms of an
experiment, checks, the report."""

NAMES = (*METRICS, *DEBIASED)
"""All metrics of `evaluation/offline_metrics`."""


def _found(hits: Hits, k: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = hits.matrix[:, :k].sum(axis=1)
    return found


def _dcg(gains: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    discounted: NDArray[np.float64] = (gains[:, :k] / np.log2(_ranks(k) + 1)).sum(axis=1)
    return discounted


def _ideal(k: int) -> NDArray[np.float64]:
    """DCG of 1 to k hits at the top."""
    best: NDArray[np.float64] = (1 / np.log2(_ranks(k) + 1)).cumsum()
    return best


def _ranks(k: int) -> NDArray[np.int64]:
    return np.arange(1, k + 1)
