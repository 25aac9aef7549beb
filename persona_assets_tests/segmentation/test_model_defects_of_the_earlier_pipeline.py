"""Defects that were measured in an earlier public segmentation of Online Retail, one test each.

Each shows the wrong way of computing beside ours, on customers where the two differ. Those of the
features stand in `test_defects_of_the_earlier_pipeline.py`.
"""

from datetime import timedelta

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score

from persona_assets.segmentation.assignment import assign, newest_model
from persona_assets.segmentation.clusterings import k_means, nearest
from persona_assets.segmentation.preprocessing import Preprocessing
from persona_assets.segmentation.segmenting import segment_customers
from persona_assets.segmentation.segmenting_features import FEATURES
from persona_assets_tests.segmentation.conftest import CUTOFF, QUICK, buyer, table


def rows_of_unit_norm(values):
    """The earlier pipeline's "normalisation"."""
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_rows_are_not_scaled_to_unit_norm():
    """A customer ten times another in everything is another kind of customer."""
    small, large = (
        [buyer(f"{kind}{n}", 30.0 * by, 2 * by, 40.0, 0.0) for n in range(40)]
        for kind, by in (("small", 1), ("large", 10))
    )
    customers = table(small + large)
    plain = customers.select("recency_days", "orders", "net_spend").cast(pl.Float64).to_numpy()
    assert np.ptp(rows_of_unit_norm(plain), axis=0).max() < 1e-12
    points = Preprocessing.fit(customers, explained_variance=0.9).components(customers)
    labels = nearest(points, k_means(points, 2, seed=0))
    assert set(labels[:40].tolist()).isdisjoint(labels[40:].tolist())


def test_the_number_of_segments_is_what_its_own_measures_say(customers):
    """It shipped 3 clusters with fixed numbers although its silhouette said 4."""
    made = segment_customers(customers, cutoff=CUTOFF, config=QUICK)
    tried = made.comparison.filter(pl.col("method") == "k_means")
    best = tried.sort("silhouette")["k"][-1]
    assert tried.filter("chosen")["k"].to_list() == [best] == [4]
    assert made.segments["segment"].n_unique() == best


def test_the_model_takes_features_and_not_components(customers):
    """Scaler and PCA were not saved: the served model wanted components, and took anything."""
    made = segment_customers(customers, cutoff=CUTOFF, config=QUICK)
    centroids = np.array(
        made.model.filter(pl.col("part") == "centroid").sort("segment")["vector"].to_list()
    )
    raw = customers.sort("user_id").select(each.name for each in FEATURES).cast(pl.Float64)
    width = centroids.shape[1]
    without_scaler = nearest(raw.to_numpy()[:, :width], centroids)
    assert adjusted_rand_score(without_scaler, made.segments["segment"]) < 0.5
    ours = assign(made.model, customers)
    assert ours["segment"].to_list() == made.segments["segment"].to_list()


def test_the_newest_model_serves(customers, make_customers):
    """It served the second newest one."""
    later = CUTOFF + timedelta(weeks=1)
    old = segment_customers(
        make_customers(kinds=("champions", "lapsed")), cutoff=CUTOFF, config=QUICK
    )
    new = segment_customers(customers, cutoff=later, config=QUICK)
    for order in ([old.model, new.model], [new.model, old.model]):
        serving = newest_model(pl.concat(order))
        second = pl.concat(order).filter(pl.col("cutoff") < pl.col("cutoff").max())
        assert set(serving["cutoff"]) == {later}
        served, outdated = assign(serving, customers), assign(second, customers)
        assert served["segment"].to_list() == new.segments["segment"].to_list()
        assert served["segment"].to_list() != outdated["segment"].to_list()
