from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal, assert_series_equal
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from persona_assets.errors import DataError, InsufficientDataError, UserError
from persona_assets.lake.content_hash import content_hash
from persona_assets.segmentation.assignment import ASSIGNED, NEW_DAYS, assign, newest_model
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.segmentation.preprocessing import Preprocessing
from persona_assets.segmentation.reference_customers import GONE, REFERENCE_CUSTOMERS
from persona_assets.segmentation.segmenting import segment_customers
from persona_assets.segmentation.segmenting_features import FEATURES
from persona_assets.tables.segmentation import (
    CLUSTERING_COMPARISON,
    CUSTOMER_SEGMENTS,
    SEGMENTATION_MODEL,
)
from persona_assets_tests.segmentation.conftest import CUTOFF, QUICK, buyer, customer, table


@pytest.fixture(scope="module")
def found(customers):
    return segment_customers(customers, cutoff=CUTOFF, config=QUICK)


def kind_of(segments):
    return segments["user_id"].str.split("-").list.first()


def test_tables_are_those_of_the_contracts(found):
    contracts = (SEGMENTATION_MODEL, CLUSTERING_COMPARISON, CUSTOMER_SEGMENTS)
    for made, contract in zip(found, contracts, strict=True):
        assert made.schema == contract.polars_schema
        assert not made.select(contract.key).is_duplicated().any()


def test_kinds_of_customers_that_differ_are_found(found):
    assert found.comparison.filter("chosen")["k"].to_list() == [4]
    assert adjusted_rand_score(kind_of(found.segments), found.segments["segment"]) > 0.95


def test_the_segments_are_called_what_they_are_like(found):
    names = dict(zip(kind_of(found.segments), found.segments["name"], strict=True))
    usual = found.segments.group_by(kind_of(found.segments).alias("kind")).agg(
        pl.col("name").mode().first()
    )
    names = dict(usual.iter_rows())
    assert names["champions"] == "Champions"
    assert names["returners"] in ("Frequent returners", "Regulars who return")
    assert names["lapsed"] == "Lost"


def test_all_customers_are_assigned_and_a_share_of_them_is_marked(found, customers):
    assert found.segments["user_id"].to_list() == customers["user_id"].sort().to_list()
    assert found.segments["outlier"].sum() == int(0.05 * len(customers))
    usual = found.model.filter(pl.col("part") == "centroid")["customers"].sum()
    assert usual == len(customers) - int(0.05 * len(customers))


def test_nobody_is_marked_where_the_share_is_nothing(customers):
    config = SegmentationConfig(sample=600, bootstraps=2, k=4, outlier_share=0)
    assert not segment_customers(customers, cutoff=CUTOFF, config=config).segments["outlier"].any()


def test_rows_in_any_order_give_the_same_bits(found, customers):
    again = segment_customers(
        customers.sample(fraction=1, shuffle=True, seed=3), cutoff=CUTOFF, config=QUICK
    )
    for was, is_ in zip(found, again, strict=True):
        assert content_hash(was) == content_hash(is_)


def test_what_customers_are_called_decides_nothing(found, customers):
    order = customers["user_id"].sort().to_list()
    renamed = dict(zip(order, reversed(order), strict=True))
    other = customers.with_columns(pl.col("user_id").replace_strict(renamed))
    again = segment_customers(other, cutoff=CUTOFF, config=QUICK)
    assert_frame_equal(again.model, found.model, check_exact=True)


def test_serving_assigns_what_training_assigned(found, customers, tmp_path):
    found.model.write_parquet(tmp_path / "model.parquet")
    stored = pl.read_parquet(tmp_path / "model.parquet")
    wanted = found.segments.select(ASSIGNED.names())
    assert_frame_equal(assign(stored, customers), wanted, check_exact=True)
    for number in (0, 57, 300):
        alone = assign(stored, customers.sort("user_id")[number : number + 1])
        assert_frame_equal(alone, wanted[number : number + 1], check_exact=True)


def test_whoever_has_only_just_come_is_not_gone(found, customers):
    nearest = assign(found.model, customers.with_columns(tenure_days=pl.lit(400.0)))
    gone = nearest["segment"].is_in(GONE)
    assert 0 < gone.sum() < len(customers)
    for days, moved in ((NEW_DAYS - 0.5, gone), (float(NEW_DAYS), gone & False)):
        new = assign(found.model, customers.with_columns(tenure_days=pl.lit(days)))
        assert_frame_equal(new.filter(~moved), nearest.filter(~moved))
        assert set(new.filter(moved)["name"]) == ({"Newcomers"} if moved.any() else set())
        assert_series_equal(new["margin"], nearest["margin"])


def test_preprocessing_equals_scikit_learns(customers):
    columns = [
        {"log1p": np.log1p, "square_root": np.sqrt, "signed_log1p": np.log1p}[each.transform](
            customers[each.name].cast(pl.Float64).to_numpy()
        )
        for each in FEATURES
    ]
    standard = StandardScaler().fit_transform(np.column_stack(columns))
    theirs = PCA(0.9, svd_solver="full").fit(standard)
    fitted = Preprocessing.fit(customers, explained_variance=0.9)
    ours = fitted.components(customers)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs.transform(standard)), atol=1e-5)
    np.testing.assert_allclose(fitted.explained, theirs.explained_variance_ratio_, rtol=1e-9)


def test_a_missing_value_is_filled_by_the_median_and_infinity_is_missing(customers):
    gone = customers.with_columns(
        net_spend=pl.when(pl.int_range(pl.len()) < 5)
        .then(pl.lit(float("inf")))
        .otherwise("net_spend")
    )
    fitted = Preprocessing.fit(gone, explained_variance=0.9)
    place = [each.name for each in fitted.features].index("net_spend")
    assert fitted.filling[place] == gone["net_spend"][5:].median()
    standard = fitted.standardised(gone)
    assert np.isfinite(standard).all()
    assert len(set(standard[:5, place])) == 1


def test_a_feature_that_is_the_same_for_all_drops_out(customers):
    nobody_returns = customers.with_columns(return_rate=pl.lit(0.0))
    model = segment_customers(nobody_returns, cutoff=CUTOFF, config=QUICK).model
    kept = model.filter(pl.col("part") == "feature")["name"].to_list()
    assert kept == [each.name for each in FEATURES if each.name != "return_rate"]


def test_segments_of_unpriced_purchases_are_not_named_after_spend(customers):
    unpriced = customers.with_columns(net_spend=pl.lit(0.0), gross_spend=pl.lit(0.0))
    config = SegmentationConfig(k=8, bootstraps=2)
    names = set(segment_customers(unpriced, cutoff=CUTOFF, config=config).segments["name"])
    assert len(names) == 8
    assert not names & {each.name for each in REFERENCE_CUSTOMERS if each.told_by_spend}


def test_customers_without_a_purchase_have_no_segment(customers):
    only_returns = customer("r", return_orders=2, return_rate=1.0, returned_spend=5.0)
    more = pl.concat([customers, table([only_returns])])
    segments = segment_customers(more, cutoff=CUTOFF, config=QUICK).segments
    assert len(segments) == len(customers)
    with pytest.raises(InsufficientDataError, match="nobody bought anything"):
        segment_customers(table([only_returns]), cutoff=CUTOFF, config=QUICK)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([buyer("a", 3, 2, 10, 0)], id="one customer"),
        pytest.param([buyer("a", 3, 2, 10, 0), buyer("b", 90, 1, 5, 0)], id="two"),
        pytest.param([buyer(name, 3, 2, 10, 0) for name in "abcdefgh"], id="all alike"),
    ],
)
def test_customers_who_cannot_be_told_apart_are_one_segment_only_where_one_is_asked_for(rows):
    with pytest.raises(InsufficientDataError, match=r"at least 3 customers who differ in recency"):
        segment_customers(table(rows), cutoff=CUTOFF, config=QUICK)
    made = segment_customers(table(rows), cutoff=CUTOFF, config=replace(QUICK, k=1))
    assert made.segments["segment"].n_unique() == 1
    assert made.segments["margin"].to_list() == [1.0] * len(rows)
    assert made.comparison.select("method", "k", "chosen").rows() == [("k_means", 1, True)]


def test_fewer_customers_than_segments_are_as_many_segments_as_they_allow(make_customers):
    few = make_customers(1)
    config = SegmentationConfig(k=7, bootstraps=2, outlier_share=0)
    made = segment_customers(few, cutoff=CUTOFF, config=config)
    assert made.comparison.filter("chosen")["k"].to_list() == [len(few) - 1]


def test_the_number_of_segments_can_be_named(customers):
    config = SegmentationConfig(k=3, sample=600, bootstraps=2)
    made = segment_customers(customers, cutoff=CUTOFF, config=config)
    assert made.segments["segment"].n_unique() == 3
    assert made.comparison.filter(pl.col("method") == "k_means")["k"].to_list() == [3]


def test_a_sample_decides_on_the_number_and_all_on_the_centroids(customers):
    config = SegmentationConfig(sample=100, bootstraps=3, most_k=5)
    made = segment_customers(customers, cutoff=CUTOFF, config=config)
    assert made.model.filter(pl.col("part") == "centroid")["customers"].sum() == 456
    assert adjusted_rand_score(kind_of(made.segments), made.segments["segment"]) > 0.9


def test_alternatives_stand_beside_the_choice(found):
    methods = found.comparison.group_by("method").len().sort("method").rows()
    assert methods == [("gaussian_mixture", 4), ("hdbscan", 1), ("k_means", 4)]
    assert found.comparison.filter("chosen")["method"].to_list() == ["k_means"]


def test_models_of_several_cutoffs_are_refused_and_the_newest_is_named(found, customers):
    both = pl.concat(
        [found.model, found.model.with_columns(cutoff=pl.col("cutoff").dt.offset_by("-7d"))]
    )
    with pytest.raises(DataError, match="2 cut-offs"):
        assign(both, customers)
    assert_frame_equal(newest_model(both), found.model)
    with pytest.raises(UserError, match=r"no segmentation was trained: .* has no rows"):
        newest_model(SEGMENTATION_MODEL.empty())
