"""Profiles and traits: hand-computed segments, and Cliff's δ against its definition."""

import json
import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.errors import DataError
from persona_assets.segmentation.profiles import (
    TRAITS,
    cliffs_delta,
    country_mix,
    segment_profiles,
    segment_traits,
    unknown_revenue,
)
from persona_assets.segmentation.reference_customers import ACTIONS as KNOWN_ACTIONS
from persona_assets.segmentation.reference_customers import ACTIONS_WITHOUT_SPEND
from persona_assets.segmentation.segment_plots import radar_figure
from persona_assets.tables.segmentation import (
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    SEGMENT_PROFILES,
    SEGMENT_TRAITS,
)

CUTOFF = date(2024, 3, 4)
FILLERS = {"int64": 1, "float64": 1.0}
ACTIONS = {number: f"act {number}" for number in range(1, 13)}


def customers_of(rows):
    """Rows of customer_features, `u0`, `u1` …; what a row does not say is 1 or null."""
    filler = {column.name: FILLERS.get(column.type) for column in CUSTOMER_FEATURES.columns}
    named = [{"cutoff": CUTOFF, "user_id": f"u{place}", **row} for place, row in enumerate(rows)]
    return pl.DataFrame(
        [{**filler, **row} for row in named], schema=CUSTOMER_FEATURES.polars_schema
    )


def segments_of(numbers, outliers=()):
    """Rows of customer_segments: `u0` is in the first segment …; called `kind 1` …"""
    return pl.DataFrame(
        [
            {
                **{"cutoff": CUTOFF, "user_id": f"u{place}", "segment": number},
                **{"name": f"kind {number}", "distance": 0.5, "margin": 0.5, "anomaly": 0.1},
                **{"components": [1.0], "outlier": place in outliers},
            }
            for place, number in enumerate(numbers)
        ],
        schema=CUSTOMER_SEGMENTS.polars_schema,
    )


def trait(rows, segment, feature):
    return rows.filter(segment=segment, feature=feature).row(0, named=True)


def test_traits_of_two_segments_by_hand():
    """Spend 1, 2, 6 against 2, 4, 8, 10: of 12 pairs 2 larger, 9 smaller, 1 equal: −7/12."""
    spend = [1.0, 2.0, 6.0, 2.0, 4.0, 8.0, 10.0]
    rows = segment_traits(
        customers_of([{"gross_spend": each} for each in spend]), segments_of([1] * 3 + [4] * 4)
    )
    assert rows.schema == SEGMENT_TRAITS.polars_schema
    assert rows.height == 2 * len(TRAITS)
    first, second = trait(rows, 1, "gross_spend"), trait(rows, 4, "gross_spend")
    assert (first["customers"], second["customers"]) == (3, 4)
    assert (first["q25"], first["median"], first["q75"]) == (1.5, 2.0, 4.0)
    assert (second["q25"], second["median"], second["q75"]) == (3.5, 6.0, 8.5)
    assert (first["rest_median"], second["rest_median"]) == (6.0, 2.0)
    assert (first["effect"], second["effect"]) == (-7 / 12, 7 / 12)


def test_profiles_of_two_segments_by_hand():
    rows = [
        {"gross_spend": 70.0, "orders": 7, "country": "France"},
        {"gross_spend": 20.0, "orders": 5, "country": None},
        {"gross_spend": 10.0, "orders": 1, "country": "France"},
        {"gross_spend": 50.0, "orders": 0, "country": "Spain"},  # has no segment
    ]
    profiles = segment_profiles(customers_of(rows), segments_of([3, 3, 1], outliers=[0]), ACTIONS)
    assert profiles.schema == SEGMENT_PROFILES.polars_schema
    assert profiles["segment"].to_list() == [1, 3]
    assert profiles["name"].to_list() == ["kind 1", "kind 3"]
    assert profiles["action"].to_list() == ["act 1", "act 3"]
    assert profiles["customers"].to_list() == [1, 2]
    assert profiles["customer_share"].to_list() == [1 / 3, 2 / 3]
    assert profiles["outliers"].to_list() == [0, 1]
    assert profiles["revenue"].to_list() == [10.0, 90.0]
    assert profiles["revenue_share"].to_list() == [0.1, 0.9]
    assert [json.loads(each) for each in profiles["countries"]] == [
        {"France": 1.0},
        {"France": 0.5, "unknown": 0.5},
    ]
    assert profiles["description"][1] == (
        "They spend far more (median 45; others 10) and order far more often (6 orders; others 1)."
    )


halves = st.integers(-8, 8).map(lambda whole: whole / 2)
values = st.lists(st.tuples(halves | st.floats(-1e9, 1e9), st.integers(0, 3)), max_size=40)


@given(values)
def test_cliffs_delta_is_what_comparing_all_pairs_gives(pairs):
    numbers = np.array([value for value, _ in pairs])
    groups = np.array([group for _, group in pairs], dtype=np.int64)
    found = cliffs_delta(numbers, groups, 4)
    for group in range(4):
        own, rest = numbers[groups == group], numbers[groups != group]
        if not own.size or not rest.size:
            assert math.isnan(found[group])
            continue
        dominance = int(np.sign(own[:, None] - rest[None, :]).sum())
        assert found[group] == dominance / (own.size * rest.size)


def test_all_equal_is_no_effect_and_apart_is_the_largest():
    groups = np.array([0, 0, 1, 1, 1])
    assert cliffs_delta(np.ones(5), groups, 2).tolist() == [0.0, 0.0]
    assert cliffs_delta(np.array([5.0, 6, 1, 2, 2]), groups, 2).tolist() == [1.0, -1.0]


def test_a_single_segment_has_no_effects():
    frame, alone = customers_of([{"orders": 1}, {"orders": 4}]), segments_of([2, 2])
    rows = segment_traits(frame, alone)
    assert rows["effect"].null_count() == rows["rest_median"].null_count() == rows.height
    assert trait(rows, 2, "orders")["median"] == 2.5
    profile = segment_profiles(frame, alone, ACTIONS).row(0, named=True)
    assert (profile["customer_share"], profile["revenue_share"]) == (1.0, 1.0)
    assert profile["description"].startswith("All customers are in this segment")


def test_a_segment_of_one_customer_is_described():
    frame = customers_of([{"gross_spend": each} for each in (900.0, 10.0, 20.0, 30.0)])
    rows = segment_traits(frame, segments_of([1, 2, 2, 2]))
    one = trait(rows, 1, "gross_spend")
    assert (one["q25"], one["median"], one["q75"]) == (900.0,) * 3
    assert (one["rest_median"], one["effect"]) == (20.0, 1.0)


def test_a_feature_that_nobody_has_is_null_and_one_of_a_few_counts_these():
    gaps = [5.0, None, None, None]
    frame = customers_of([{"days_between_orders": gap, "category_evenness": None} for gap in gaps])
    rows = segment_traits(frame, segments_of([1, 1, 2, 2]))
    for segment, known, median, rest in ((1, 1, 5.0, None), (2, 0, None, 5.0)):
        found = trait(rows, segment, "days_between_orders")
        assert (found["customers"], found["median"]) == (known, median)
        assert (found["rest_median"], found["effect"]) == (rest, None)
        nothing = trait(rows, segment, "category_evenness")
        assert nothing["customers"] == 0
        assert {nothing[name] for name in ("median", "q25", "q75", "rest_median", "effect")} == {
            None
        }


def test_without_revenue_no_segment_has_a_share():
    frame = customers_of([{"gross_spend": 0.0}] * 3)
    profiles = segment_profiles(frame, segments_of([1, 2, 2]), ACTIONS)
    assert profiles["revenue_share"].to_list() == [None, None]
    advised = segment_profiles(frame, segments_of([1, 2, 2]))["action"].to_list()
    assert advised == [ACTIONS_WITHOUT_SPEND[1], ACTIONS_WITHOUT_SPEND[2]]
    priced = customers_of([{"gross_spend": 1.0}] * 3)
    assert segment_profiles(priced, segments_of([1, 2, 2]))["action"][1] == KNOWN_ACTIONS[2]
    assert profiles["customer_share"].sum() == pytest.approx(1)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(0, 1e7), st.integers(1, 4), st.sampled_from("ABCDEFGH")), min_size=1
    ),
    st.randoms(use_true_random=False),
)
def test_shares_add_up_and_the_order_of_rows_is_of_no_consequence(rows, random):
    frame = customers_of([{"gross_spend": spend, "country": name} for spend, _, name in rows])
    members = segments_of([number for _, number, _ in rows])
    profiles = segment_profiles(frame, members, ACTIONS)
    assert profiles["customer_share"].sum() == pytest.approx(1)
    if frame["gross_spend"].sum() > 0:
        assert profiles["revenue_share"].sum() == pytest.approx(1)
    order = random.sample(range(len(rows)), len(rows))
    turned = segment_profiles(frame[order], members[order[::-1]], ACTIONS)
    assert turned.equals(profiles)
    assert segment_traits(frame[order], members[order[::-1]]).equals(segment_traits(frame, members))


def test_countries_beyond_five_share_one_number():
    mix = country_mix(pl.Series(["a"] * 4 + ["b"] * 4 + ["c"] * 3 + ["d", "e", "f", "g"] + [None]))
    assert list(json.loads(mix).items()) == [
        *(("a", 0.25), ("b", 0.25), ("c", 0.1875), ("d", 0.0625), ("e", 0.0625)),
        ("other", 0.1875),
    ]
    five = country_mix(pl.Series(["a", "b", "c", "d", None]))
    assert list(json.loads(five)) == ["a", "b", "c", "d", "unknown"]
    assert country_mix(pl.Series(["Österreich"])) == '{"Österreich": 1.0}'
    nobody = pl.Series([None, None], dtype=pl.String)
    assert country_mix(nobody) == '{"unknown": 1.0}'


def test_revenue_is_unknown_where_no_purchase_has_a_price_and_only_there():
    spent = customers_of([{"gross_spend": 0.0}, {"gross_spend": 3.0}])
    assert unknown_revenue(spent) == ()
    assert unknown_revenue(customers_of([])) == ()
    unpriced = customers_of([{"gross_spend": 0.0}, {"gross_spend": 0.0}])
    assert [each.part for each in unknown_revenue(unpriced)] == ["revenue"]
    members = segments_of([1, 2])
    columns = ["revenue", "revenue_share"]
    told = segment_profiles(unpriced, members, ACTIONS)
    assert told.select(columns).rows() == [(None, None)] * 2
    known = segment_profiles(spent, members, ACTIONS).select(columns)
    assert known.rows() == [(0.0, 0.0), (3.0, 1.0)]
    figure = radar_figure(unpriced, members, told)
    sizes = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "50 % of customers" in sizes
    assert not any("revenue" in text for text in sizes)


def test_nobody_segmented_gives_no_rows():
    assert segment_profiles(customers_of([]), segments_of([]), ACTIONS).is_empty()
    assert segment_traits(customers_of([]), segments_of([])).is_empty()


def test_tables_of_different_cut_offs_are_refused():
    frame, members = customers_of([{}, {}]), segments_of([1, 1])
    later = members.with_columns(pl.col("cutoff") + timedelta(weeks=1))
    with pytest.raises(DataError, match=r"2 of 2 customers in segmentation/customer_segments are"):
        segment_traits(frame, later)
    with pytest.raises(DataError, match="are of 2 cut-offs"):
        segment_traits(frame, pl.concat([members, later]))


def test_a_segment_without_an_action_is_named():
    with pytest.raises(DataError, match="has segment 13, which has no action; use"):
        segment_profiles(customers_of([{}]), segments_of([13]), ACTIONS)


def test_every_trait_is_a_number_of_the_contract():
    for name in TRAITS:
        assert CUSTOMER_FEATURES.column(name).type in {"int64", "float64"}
