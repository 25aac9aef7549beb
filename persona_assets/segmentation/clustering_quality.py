"""Quality of a clustering: separation of the clusters, and stability under resampling.

Belongs here: measures of a clustering. Does not belong here: fits (`clusterings.py`) or what
follows from the measures (`choice.py`).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_assets.segmentation.clusterings import Labels, Matrix, k_means, nearest
from persona_assets.statistics.intervals import t_interval

GAP_REFERENCES = 10
"""Uniform samples that the gap statistic compares with; the paper uses 20, with little gain."""
_STARTS = 2
"""k-means starts where many fits are needed."""


class Separation(NamedTuple):
    """Mean silhouette (Rousseeuw 1987), Calinski-Harabasz (1974), Davies-Bouldin (1979) index."""

    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float


def separation(points: Matrix, labels: Labels, pairwise: Matrix) -> Separation | None:
    """By scikit-learn; None where there are fewer than two clusters, or as many as points.

    Args:
        points: (points × components).
        labels: cluster of each.
        pairwise: (points × points) distances, which all clusterings of the points share.
    """
    from sklearn.metrics import (
        calinski_harabasz_score,
        davies_bouldin_score,
        silhouette_score,
    )

    if not 2 <= len(set(labels.tolist())) < len(points):
        return None
    return Separation(
        float(silhouette_score(pairwise, labels, metric="precomputed")),
        float(calinski_harabasz_score(points, labels)),
        float(davies_bouldin_score(points, labels)),
    )


class Gap(NamedTuple):
    """Gap(k) and its simulation error s_k."""

    value: float
    error: float


def gaps(points: Matrix, ks: list[int], *, seed: int) -> dict[int, Gap]:
    """Gap statistic of k-means: E[ln W_k of uniform points] − ln W_k.

    Tibshirani, Walther, Hastie, "Estimating the number of clusters in a data set via the gap
    statistic" (2001), equation 3, s_k = sd · √(1 + 1/B); uniform over the box of the principal
    components (their choice b).
    """
    rng = np.random.default_rng(seed)
    low, high = points.min(axis=0), points.max(axis=0)
    uniform = [rng.uniform(low, high, points.shape) for _ in range(GAP_REFERENCES)]
    found = {}
    for k in ks:
        reference = np.array([_log_dispersion(each, k, seed) for each in uniform])
        found[k] = Gap(
            float(reference.mean() - _log_dispersion(points, k, seed)),
            float(reference.std() * np.sqrt(1 + 1 / GAP_REFERENCES)),
        )
    return found


class Stability(NamedTuple):
    """Mean agreement of two fits and its 95 % interval, Student's, within the index's bounds."""

    mean: float
    low: float
    high: float


Fit = Callable[[Matrix, int], Callable[[Matrix], Labels]]
"""(points, seed) → what labels other points."""


def stability(points: Matrix, fit: Fit, *, pairs: int, seed: int) -> Stability:
    """Would other customers have given the same clusters?

    Two bootstrap samples are fitted and both fits label all points; their agreement is the
    adjusted Rand index (Hubert and Arabie 1985), 1 for the same clusters, 0 for chance. Fang and
    Wang, "Selection of the number of clusters via the bootstrap method" (2012), with the index in
    place of their distance.
    """
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(seed)
    found = np.empty(pairs)
    for pair in range(pairs):
        one, other = (
            fit(points[rng.integers(len(points), size=len(points))], seed + 2 * pair + number)
            for number in range(2)
        )
        found[pair] = adjusted_rand_score(one(points), other(points))
    low, high = t_interval(found)
    return Stability(float(found.mean()), max(-0.5, low), min(1.0, high))


def fit_k_means(k: int) -> Fit:
    """k-means as `stability` asks for it."""

    def fit(points: Matrix, seed: int) -> Callable[[Matrix], Labels]:
        centroids = k_means(points, k, seed=seed, starts=_STARTS)
        return lambda others: nearest(others, centroids)

    return fit


def pairwise_distances(points: Matrix) -> NDArray[np.float64]:
    """(points × points) Euclidean."""
    from scipy.spatial.distance import pdist, squareform

    return squareform(pdist(points))


def _log_dispersion(points: Matrix, k: int, seed: int) -> float:
    """Logarithm of the within-cluster sum of squares by k-means."""
    centroids = (
        points.mean(axis=0, keepdims=True)
        if k == 1
        else k_means(points, k, seed=seed, starts=_STARTS)
    )
    squares = ((points - centroids[nearest(points, centroids)]) ** 2).sum()
    return float(np.log(max(squares, 1e-12)))
