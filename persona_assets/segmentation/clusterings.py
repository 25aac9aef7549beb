"""Clustering algorithms: fits that assign each customer a cluster.

Belongs here: fits that give each customer a cluster. Does not belong here: how good they are
(`clustering_quality.py`) or which one makes the segments (`choice.py`).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]

STARTS = 4
"""k-means++ starts; the best by within-cluster dispersion is kept."""
_LEAST_VARIANCE = 1e-3
_DECIMALS = 9
_SMALLEST_CLUSTER_SHARE = 0.02
"""HDBSCAN's `min_cluster_size`: fewer customers than one in fifty are no segment."""


def k_means(points: Matrix, k: int, *, seed: int, starts: int = STARTS) -> Matrix:
    """Centroids (k × components) of least within-cluster sum of squares that the starts find.

    There are fewer where fewer points differ.

    Lloyd's algorithm from k-means++ (Arthur and Vassilvitskii 2007).
    """
    from sklearn.cluster import KMeans

    k = _at_most_the_different(points, k)
    return KMeans(k, n_init=starts, random_state=seed).fit(points).cluster_centers_


def k_means_from(points: Matrix, centroids: Matrix) -> Matrix:
    """Lloyd's algorithm from given centroids: those of a sample become those of everybody."""
    from sklearn.cluster import KMeans

    return KMeans(len(centroids), init=centroids, n_init=1).fit(points).cluster_centers_


def distances(points: Matrix, centroids: Matrix) -> Matrix:
    """(points × centroids) Euclidean; each row the same however many there are."""
    squares = np.zeros((len(points), len(centroids)))
    for component in range(points.shape[1]):
        squares += (points[:, component, None] - centroids[:, component]) ** 2
    return np.sqrt(squares)


def nearest(points: Matrix, centroids: Matrix) -> Labels:
    """Number of the nearest centroid of each point."""
    return distances(points, centroids).argmin(axis=1)


def gaussian_mixture(points: Matrix, k: int, *, seed: int) -> Callable[[Matrix], Labels]:
    """What labels points by the likeliest of `k` Gaussians with full covariances, fitted by EM.

    There are fewer where fewer points differ.
    """
    from sklearn.mixture import GaussianMixture

    k = _at_most_the_different(points, k)
    # The floor of the variances keeps customers who are all alike from being a Gaussian of width 0.
    fitted = GaussianMixture(k, random_state=seed, reg_covar=_LEAST_VARIANCE).fit(points)
    return lambda others: fitted.predict(others).astype(np.int64)


def _at_most_the_different(points: Matrix, k: int) -> int:
    """`k`, or the number of different points where there are fewer.

    Of fewer points there are no more clusters; scikit-learn would warn and repeat some. Points that
    differ by rounding alone are one to it, since it subtracts their mean first.
    """
    return min(k, len(np.unique(points.round(_DECIMALS), axis=0)))


def hdbscan(points: Matrix) -> Labels:
    """Dense regions of any shape, −1: in none (Campello, Moulavi, Sander 2013)."""
    from sklearn.cluster import HDBSCAN

    smallest = max(2, round(len(points) * _SMALLEST_CLUSTER_SHARE))
    if len(points) < smallest:
        return np.full(len(points), -1)
    return HDBSCAN(min_cluster_size=smallest, copy=True).fit_predict(points).astype(np.int64)
