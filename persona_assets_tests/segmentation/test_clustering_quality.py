import warnings

import numpy as np
import polars as pl
import pytest

from persona_assets.segmentation import clustering_quality
from persona_assets.segmentation.choice import STABLE, chosen, is_stable, worth_trying
from persona_assets.segmentation.clusterings import (
    gaussian_mixture,
    hdbscan,
    k_means,
    k_means_from,
    nearest,
)
from persona_assets.segmentation.outliers import anomalies, unusual
from persona_assets.tables.segmentation import CLUSTERING_COMPARISON


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [8, 0], [0, 8]])
    return np.concatenate([centre + rng.standard_normal((60, 2)) for centre in centres])


def test_silhouette_by_its_definition():
    points = np.array([[0.0], [1.0], [5.0], [6.0]])
    labels = np.array([0, 0, 1, 1])
    found = clustering_quality.separation(
        points, labels, clustering_quality.pairwise_distances(points)
    )
    # (b − a) / max(a, b) with a = 1 everywhere, b = 5.5, 4.5, 4.5, 5.5.
    assert found.silhouette == pytest.approx((4.5 / 5.5 + 3.5 / 4.5) / 2)
    # Between: 2 · 2 · 2.5² = 25 on 1 degree; within: 4 · .25 = 1 on 2.
    assert found.calinski_harabasz == pytest.approx(50)
    assert found.davies_bouldin == pytest.approx((0.5 + 0.5) / 5)


def test_one_cluster_has_no_separation(blobs):
    apart = clustering_quality.pairwise_distances(blobs)
    assert clustering_quality.separation(blobs, np.zeros(len(blobs), int), apart) is None


def test_the_gap_is_largest_at_the_true_number(blobs):
    found = clustering_quality.gaps(blobs, [1, 2, 3, 4, 5], seed=0)
    assert max(found, key=lambda k: found[k].value) == 3
    # Tibshirani's own rule: the smallest k whose gap the next does not beat by its error.
    rule = next(
        k for k in (1, 2, 3, 4) if found[k].value >= found[k + 1].value - found[k + 1].error
    )
    assert rule == 3


def test_true_clusters_are_stable_and_too_many_are_not(blobs):
    three = clustering_quality.stability(blobs, clustering_quality.fit_k_means(3), pairs=5, seed=0)
    six = clustering_quality.stability(blobs, clustering_quality.fit_k_means(6), pairs=5, seed=0)
    assert three.mean > 0.98
    assert six.mean < three.mean - 0.1
    assert three.low <= three.mean <= three.high <= 1


def test_hdbscan_leaves_what_is_far_from_everything_alone(blobs):
    labels = hdbscan(np.concatenate([blobs, [[50.0, 50.0]]]))
    assert labels[-1] == -1
    assert len(set(labels[labels >= 0].tolist())) == 3


def test_k_means_gives_each_point_its_nearest_centroid(blobs):
    centroids = k_means(blobs, 3, seed=0)
    labels = nearest(blobs, centroids)
    for label in range(3):
        np.testing.assert_allclose(centroids[label], blobs[labels == label].mean(axis=0))


@pytest.mark.parametrize("noise", [0, 1e-17, 1e-13])
@pytest.mark.parametrize("different", [1, 2, 3])
def test_no_more_clusters_are_fitted_than_points_differ(different, noise):
    """Customers of a tiny shop, alike but for rounding: scikit-learn has nothing to warn of."""
    rng = np.random.default_rng(different)
    alike = rng.standard_normal((different, 2))[np.arange(12) % different]
    points = alike + noise * rng.standard_normal(alike.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(k_means(points, 5, seed=0)) == different
        labels = gaussian_mixture(points, 5, seed=0)(points)
        k_means_from(points, k_means(points[:6], 5, seed=0))
    assert len({*labels}) <= different


def test_the_far_customer_is_the_unusual_one(blobs):
    points = np.concatenate([blobs, [[60.0, -60.0]]])
    scores = anomalies(points, seed=0)
    assert scores.argmax() == len(points) - 1
    assert unusual(scores, 1 / len(points)).sum() == 1


def test_of_equally_unusual_customers_all_or_none_are_marked():
    scores = np.array([0.5, 0.9, 0.9, 0.9, 0.1])
    assert unusual(scores, 0.4).sum() == 0
    assert unusual(scores, 0.6).tolist() == [False, True, True, True, False]
    assert not unusual(np.full(10, 0.5), 0.3).any()
    assert not unusual(scores, 0.0).any()


def tried(rows):
    names = ("k", "silhouette", "calinski_harabasz", "davies_bouldin", "gap", "stability")
    schema = {name: CLUSTERING_COMPARISON.polars_schema[name] for name in names}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_of_the_stable_numbers_the_best_by_mean_rank_is_chosen():
    steady, shaky = STABLE + 0.05, STABLE - 0.05
    rows = [
        (3, 0.30, 100.0, 1.2, 1.0, steady),
        (4, 0.35, 110.0, 1.0, 1.1, steady),
        (5, 0.60, 200.0, 0.5, 2.0, shaky),  # the best in everything but that it is chance
    ]
    assert chosen(tried(rows)) == 4


def test_where_none_is_stable_the_fewest_are_chosen():
    rows = [(3, 0.3, 1.0, 1.0, 1.0, 0.4), (4, 0.4, 2.0, 0.5, 2.0, 0.5)]
    assert chosen(tried(rows)) == 3


@pytest.mark.parametrize(
    ("least", "most", "distinct", "ks"),
    [(3, 8, 100, [3, 4, 5, 6, 7, 8]), (3, 8, 5, [3, 4]), (3, 8, 3, [2]), (3, 8, 2, [1]),
     (3, 8, 1, [1]), (5, 5, 4, [3])],
)  # fmt: skip
def test_as_many_clusters_are_tried_as_customers_allow(least, most, distinct, ks):
    assert list(worth_trying(least, most, distinct, 1_000)) == ks


@pytest.mark.parametrize(("customers", "most"), [(60, 3), (250, 5), (399, 7), (400, 8), (9_000, 8)])
def test_small_shops_get_few_segments(customers, most):
    assert max(worth_trying(3, 8, customers, customers)) == most


def test_what_was_not_found_again_is_not_stable():
    assert is_stable({"stability": STABLE})
    assert not is_stable({"stability": STABLE - 0.01})
    assert is_stable({"stability": None})
    assert is_stable(None)
