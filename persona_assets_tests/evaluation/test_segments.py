from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.evaluation import segments
from persona_assets.evaluation.evaluated_week import evaluate_week
from persona_assets.evaluation.metrics import KS
from persona_assets.evaluation.offline import offline_metrics
from persona_assets.evaluation.segments import countries, segment_metrics, thirds
from persona_assets.tables.evaluation import SEGMENT_METRICS
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS
from persona_assets.transforms.pseudonyms import pseudonym

PRODUCTS = pl.DataFrame(
    {
        "product_id": ["a", "b", "c", "cheap", "dear", "old"],
        "price": [5.0, 5.0, None, 1.0, 9.0, 5.0],
    }
)


@pytest.fixture(scope="module")
def shop(mart):
    """ann: one row; bob: three on one day; cid: two days; new: unknown before."""
    return mart(
        ("ann", "old", -3),
        *[("bob", "old", -3)] * 3,
        *(("cid", "old", day) for day in (-5, -4, -3, -2, -1)),
        ("ann", "cheap", 1),
        ("bob", "dear", 1),
        ("bob", "c", 1),
        ("cid", "c", 2),
        ("new", "dear", 2),
    )


@pytest.fixture(scope="module")
def shown(lists):
    return lists("als", ann="cheap", bob="x y dear c", cid="x y", everyone="dear")


LIVES = pl.DataFrame({"user_id": ["ann", "bob", "new"], "country": ["FR", "DE", "FR"]})


def in_segments(cutoff, **names):
    rows = [{"cutoff": cutoff, "user_id": user, "name": name} for user, name in names.items()]
    return pl.DataFrame(rows, schema=CUSTOMER_SEGMENTS.polars_schema)


def metrics_by_segment(shown, shop, cutoff, lives=LIVES, customers=None):
    evaluated = evaluate_week(shown, shop, cutoff=cutoff, exclude="seen")
    if customers is None:
        customers = in_segments(cutoff, bob="Champions", cid="Champions")
    return segment_metrics(evaluated, shop, PRODUCTS, lives, customers)


def recall(table, **where):
    return table.filter(metric="recall", model="als", **where).select("segment", "value", "users")


def rows(table):
    return {segment: (value, users) for segment, value, users in table.iter_rows()}


def test_golden_case(shown, shop, cutoff):
    table = metrics_by_segment(shown, shop, cutoff)
    assert table.schema == SEGMENT_METRICS.polars_schema
    assert rows(recall(table, kind="known")) == {
        "new": (1.0, 2), "returning": (0.0, 1), "cold": (1.0, 1),
    }  # fmt: skip
    assert rows(recall(table, kind="activity")) == {
        "low": (1.0, 1), "medium": (1.0, 1), "high": (0.0, 1),
    }  # fmt: skip
    # bob wants something dear and something without a price; cid nothing with one.
    assert rows(recall(table, kind="price_tier")) == {
        "low": (1.0, 1), "medium": (1.0, 1), "unknown": (0.0, 1),
    }  # fmt: skip
    assert rows(recall(table, kind="country")) == {"other": (1.0, 2), "unknown": (0.0, 1)}


def test_countries_stand_for_themselves_from_enough_users(shown, shop, cutoff, monkeypatch):
    monkeypatch.setattr(segments, "FEWEST", 1)
    assert rows(recall(metrics_by_segment(shown, shop, cutoff), kind="country")) == {
        "FR": (1.0, 1), "DE": (1.0, 1), "unknown": (0.0, 1),
    }  # fmt: skip


def test_customers_are_told_apart_by_segment_and_the_others_are_one_of_their_own(
    shown, shop, cutoff
):
    found = recall(metrics_by_segment(shown, shop, cutoff), kind="customer_segment")
    assert rows(found) == {"Champions": (0.5, 2), "none": (1.0, 1)}
    nobody = metrics_by_segment(shown, shop, cutoff, customers=CUSTOMER_SEGMENTS.empty())
    assert rows(recall(nobody, kind="customer_segment")) == {"none": (pytest.approx(2 / 3), 3)}


def test_segments_of_a_later_cut_off_are_not_looked_at(shown, shop, cutoff):
    mine = in_segments(cutoff, bob="Champions", cid="Champions")
    later = in_segments(cutoff + timedelta(days=7), ann="Lost", bob="Lost", cid="Lost")
    leaked = metrics_by_segment(shown, shop, cutoff, customers=pl.concat([later, mine]))
    assert leaked.equals(metrics_by_segment(shown, shop, cutoff))


def test_segments_of_a_kind_add_up_to_everyone(shown, shop, cutoff):
    evaluated = evaluate_week(shown, shop, cutoff=cutoff, exclude="seen")
    whole = offline_metrics(evaluated, baseline="als")
    table = metrics_by_segment(shown, shop, cutoff).filter(pl.col("segment") != "cold")
    for (kind, metric), of_kind in table.group_by("kind", "metric"):
        expected = whole.filter(metric=metric, k=10).row(0, named=True)
        assert of_kind["users"].sum() == expected["users"], kind
        mean = (of_kind["value"] * of_kind["users"]).sum() / of_kind["users"].sum()
        assert mean == pytest.approx(expected["value"]), (kind, metric)


def test_values_lie_in_their_intervals(shown, shop, cutoff):
    table = metrics_by_segment(shown, shop, cutoff)
    assert table.filter(
        (pl.col("value") < pl.col("low") - 1e-12) | (pl.col("value") > pl.col("high") + 1e-12)
    ).is_empty()
    assert set(table["k"]) <= set(KS)


def test_rows_of_the_future_and_the_order_of_rows_move_no_segment(shown, shop, mart, cutoff):
    planted = mart(("ann", "x", -2, "view", 3), ("ann", "y", -4, "view", 9), ("bob", "z", 8))
    more = pl.concat([shop, planted]).sample(fraction=1, shuffle=True, seed=1)
    again = metrics_by_segment(
        shown.sample(fraction=1, shuffle=True, seed=2),
        more,
        cutoff,
        LIVES.sample(fraction=1, shuffle=True, seed=3),
    )
    assert again.equals(metrics_by_segment(shown, shop, cutoff))


def test_the_oracle_is_no_model(shown, shop, cutoff):
    both = pl.concat([shown, shown.with_columns(model=pl.lit("planted_optimum"))])
    assert metrics_by_segment(both, shop, cutoff).equals(metrics_by_segment(shown, shop, cutoff))


def test_countries_are_found_under_the_hash_that_the_mart_uses():
    users = pl.DataFrame(
        {"user_id": ["1", "2"], "country": ["FR", None], "signup_date": [None, None]}
    )
    found = dict(countries(users, b"key").select("user_id", "country").iter_rows())
    assert found == {pseudonym("1", b"key"): "FR", pseudonym("2", b"key"): None}


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60))
def test_thirds_part_no_equals_and_rise_with_the_value(values):
    tiers = thirds(np.array(values, dtype=float))
    order = {tier: place for place, tier in enumerate(("low", "medium", "high"))}
    pairs = sorted({(value, order[tier]) for value, tier in zip(values, tiers, strict=True)})
    assert len(pairs) == len(set(values))
    assert [tier for _, tier in pairs] == sorted(tier for _, tier in pairs)


def test_distinct_values_are_cut_into_equal_thirds():
    tiers = thirds(np.array([*range(9), np.nan]))
    assert tiers.tolist() == ["low"] * 3 + ["medium"] * 3 + ["high"] * 3 + ["unknown"]
