"""Metrics as other libraries define them: which formula, averaged over which users.

Belongs here: the differences between libraries, so that a number of theirs can be had from our
hits and compared. Does not belong here: definitions of our own (`evaluation/metrics.py`).

Versions read: RePlay 0.22, RecTools 0.19, recommenders 1.2.1, implicit 0.7.3, Spark 4.2 (MLlib's
`RankingMetrics`, which `RankingEvaluator` calls), scikit-learn 1.9.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from persona_assets.evaluation import metrics
from persona_assets.evaluation.expected import Hits
from persona_assets.evaluation.metrics import Metric

Weights = Callable[[NDArray[np.float64], Hits, int], NDArray[np.float64]]
"""(values per user, hits, k) -> how much each user counts in the average."""


def _each(values: NDArray[np.float64], hits: Hits, k: int) -> NDArray[np.float64]:
    return np.ones_like(values)


def _reachable(values: NDArray[np.float64], hits: Hits, k: int) -> NDArray[np.float64]:
    return np.minimum(k, hits.relevant).astype(np.float64)


def _with_a_hit(values: NDArray[np.float64], hits: Hits, k: int) -> NDArray[np.float64]:
    return (values > 0).astype(np.float64)


@dataclass(frozen=True)
class Variant:
    """One metric as one library computes it.

    Attributes:
        call: how the library spells it.
        per_user: value of each user with something relevant.
        weights: of these users in the average: each alike (macro), by min(k, |Rel|) (micro: hits
            of all users over places that could be hits), or those with a hit alone.
        without_relevant_count: whether users without anything relevant enter the average as 0.
    """

    call: str
    per_user: Metric
    weights: Weights = _each
    without_relevant_count: bool = False

    def value(self, hits: Hits, k: int, *, without_relevant: int = 0) -> float:
        """The library's number for these lists; 0 where nobody counts.

        Args:
            hits: of all users with something relevant, at least k deep.
            k: length of the list.
            without_relevant: number of further users, without anything relevant.
        """
        values = self.per_user(hits, k)
        weights = self.weights(values, hits, k)
        zeros = without_relevant if self.without_relevant_count else 0
        total = float(weights.sum()) + zeros
        return float((weights * values).sum()) / total if total else 0.0


def capped_precision(hits: Hits, k: int) -> NDArray[np.float64]:
    """Hits among k ranks over those that could be: Σ_{r≤k} h_r / min(k, |Rel|)."""
    return metrics.precision(hits, k) * k / np.minimum(k, hits.relevant)


def average_precision_k(hits: Hits, k: int) -> NDArray[np.float64]:
    """Precision at the ranks of the hits over all ranks: Σ_{r≤k} h_r · P(r) / k."""
    return metrics.average_precision(hits, k) * np.minimum(k, hits.relevant) / k


def r_precision_all(hits: Hits, k: int) -> NDArray[np.float64]:
    """Hits among the first min(k, |Rel|) ranks over all that is relevant."""
    return metrics.r_precision(hits, k) * np.minimum(k, hits.relevant) / hits.relevant


def list_auc(hits: Hits, k: int) -> NDArray[np.float64]:
    """Share of pairs of a hit and a miss within the list in which the hit stands above.

    1 for a list of hits alone, 0 for one of misses alone. With ties it is the expected number of
    right pairs over that of pairs.
    """
    top, joint = hits.matrix[:, :k], hits.joint[:, :k]
    found = top.sum(axis=1)
    right = (top.cumsum(axis=1) - joint).sum(axis=1)  # E[(1 − h_r) H_{r−1}]
    beyond = np.maximum(0, k - hits.listed) * found  # ranks that are not filled are no misses
    squared = (2 * joint - top).sum(axis=1)
    pairs = found * np.minimum(k, hits.listed) - squared
    return np.where(pairs > 0, (right - beyond) / np.where(pairs > 0, pairs, 1), found > 0)


VARIANTS: dict[str, dict[str, Variant]] = {
    "replay": {
        "precision": Variant("Precision(k)", metrics.precision),
        "recall": Variant("Recall(k)", metrics.recall),
        "hit_rate": Variant("HitRate(k)", metrics.hit_rate),
        "mrr": Variant("MRR(k)", metrics.reciprocal_rank),
        "map": Variant("MAP(k)", metrics.average_precision),
        "ndcg": Variant("NDCG(k)", metrics.ndcg),
        "auc": Variant("RocAuc(k)", list_auc),
    },
    "rectools": {
        "precision": Variant("Precision(k)", metrics.precision),
        "r_precision": Variant("Precision(k, r_precision=True)", capped_precision),
        "recall": Variant("Recall(k)", metrics.recall),
        "f1": Variant("F1Beta(k)", metrics.f1),
        "hit_rate": Variant("HitRate(k)", metrics.hit_rate),
        "mrr": Variant("MRR(k)", metrics.reciprocal_rank),
        "map": Variant("MAP(k)", metrics.average_precision_all),
        "map_divided_by_k": Variant("MAP(k, divide_by_k=True)", average_precision_k),
        "ndcg": Variant("NDCG(k)", metrics.ndcg_full),
        "ndcg_achievable": Variant("NDCG(k, divide_by_achievable=True)", metrics.ndcg),
    },
    "recommenders": {
        "precision": Variant("precision_at_k", metrics.precision),
        "recall": Variant("recall_at_k", metrics.recall),
        "map": Variant("map", metrics.average_precision_all),
        "map_at_k": Variant("map_at_k", metrics.average_precision),
        "ndcg": Variant("ndcg_at_k", metrics.ndcg),
        "r_precision": Variant("r_precision_at_k", r_precision_all, _with_a_hit),
    },
    "implicit": {
        "precision": Variant("precision_at_k", capped_precision, _reachable),
        "map": Variant("mean_average_precision_at_k", metrics.average_precision),
        "ndcg": Variant("ndcg_at_k", metrics.ndcg),
        "auc": Variant("AUC_at_k", metrics.auc),
    },
    "spark": {
        "precision": Variant("precisionAt(k)", metrics.precision, without_relevant_count=True),
        "recall": Variant("recallAt(k)", metrics.recall, without_relevant_count=True),
        "map": Variant(
            "meanAveragePrecisionAt(k)", metrics.average_precision, without_relevant_count=True
        ),
        "map_all": Variant(
            "meanAveragePrecision of lists of length k",
            metrics.average_precision_all,
            without_relevant_count=True,
        ),
        "ndcg": Variant("ndcgAt(k)", metrics.ndcg, without_relevant_count=True),
    },
    "scikit-learn": {
        "ndcg": Variant("ndcg_score(k=k)", metrics.ndcg),
        "auc": Variant("roc_auc_score, k: the length of the ranking", metrics.auc),
        "map_all": Variant(
            "average_precision_score of each user without ties, k: the length of the ranking",
            metrics.average_precision_all,
        ),
    },
}
"""Library → metric → how it is computed there."""
