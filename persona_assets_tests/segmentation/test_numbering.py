import re
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.segmentation.migration import segment_migration
from persona_assets.segmentation.numbering import matched
from persona_assets.segmentation.reference_customers import (
    ACTIONS_WITHOUT_SPEND,
    REFERENCE_CUSTOMERS,
)
from persona_assets.segmentation.segmenting_features import FEATURES
from persona_assets.tables.segmentation import SEGMENT_MIGRATION
from persona_assets_tests.segmentation.kept_numbers import kept

NAMES = [each.name for each in FEATURES]
PLACES = np.array([[each.at(name) for name in NAMES] for each in REFERENCE_CUSTOMERS])
WEEK = date(2025, 3, 3)


def test_every_reference_customer_has_its_own_number_name_and_place():
    assert len({each.number for each in REFERENCE_CUSTOMERS}) == len(REFERENCE_CUSTOMERS)
    assert len({each.name for each in REFERENCE_CUSTOMERS}) == len(REFERENCE_CUSTOMERS)
    assert len(np.unique(PLACES, axis=0)) == len(PLACES)
    assert all(set(each.position) == set(NAMES) for each in REFERENCE_CUSTOMERS)


@given(st.permutations(range(len(REFERENCE_CUSTOMERS))), st.integers(0, 99))
def test_a_cluster_near_a_reference_customer_gets_its_number_in_any_order(order, seed):
    shaken = PLACES + np.random.default_rng(seed).normal(0, 0.05, PLACES.shape)
    found = matched(shaken[list(order)], NAMES)
    assert [each.number for each in found] == [REFERENCE_CUSTOMERS[at].number for at in order]


def test_two_clusters_never_share_a_number():
    twins = np.stack([PLACES[0], PLACES[0] + 0.01, PLACES[0] - 0.01])
    assert len({each.number for each in matched(twins, NAMES)}) == 3


WITHOUT_SPEND = [place for place, name in enumerate(NAMES) if name != "net_spend"]
MONEY = re.compile(
    r"spen[dt]|money|basket|price|discount|offer|shipping|postage|pay|cost|wholesale|small|big",
    re.I,
)


@given(st.sets(st.sampled_from(range(len(PLACES))), min_size=1))
def test_nobody_is_named_after_a_spend_that_is_not_known(asked):
    references = [REFERENCE_CUSTOMERS[place] for place in sorted(asked)]
    found = matched(
        PLACES[sorted(asked)][:, WITHOUT_SPEND], [NAMES[place] for place in WITHOUT_SPEND]
    )
    assert len({each.number for each in found}) == len(found)
    nameable = [each for each in REFERENCE_CUSTOMERS if not each.told_by_spend]
    told = sum(each.told_by_spend for each in found)
    assert told == max(0, len(found) - len(nameable))
    if not any(each.told_by_spend for each in references):
        assert found == references


def test_names_and_advice_say_nothing_of_a_spend_that_is_not_known():
    named = [each for each in REFERENCE_CUSTOMERS if not each.told_by_spend]
    assert not [each.name for each in named if MONEY.search(each.name)]
    assert ACTIONS_WITHOUT_SPEND.keys() == {each.number for each in REFERENCE_CUSTOMERS}
    assert not [action for action in ACTIONS_WITHOUT_SPEND.values() if MONEY.search(action)]


def test_more_clusters_than_reference_customers_are_refused():
    with pytest.raises(ValueError, match="12 clusters"):
        matched(np.zeros((12, len(NAMES))), NAMES)


def week(number, **segments):
    rows = [
        (WEEK + timedelta(weeks=number), user, segment)
        for user, segment in segments.items()
        if segment
    ]
    schema = {"cutoff": pl.Date, "user_id": pl.String, "segment": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_moves_by_hand():
    weeks = {
        WEEK + timedelta(weeks=number): each
        for number, each in enumerate([week(0, a=1, b=1, c=2), week(2, a=1, b=2, c=None, d=3)])
    }
    table = segment_migration(list(weeks)[::-1], lambda cutoff: weeks[cutoff])
    assert table.schema == SEGMENT_MIGRATION.polars_schema
    assert table.select("from_segment", "to_segment", "customers", "share").rows() == [
        (0, 3, 1, 1.0),
        (1, 1, 1, 0.5),
        (1, 2, 1, 0.5),
        (2, 0, 1, 1.0),
    ]
    assert set(table["from_cutoff"]) == {WEEK}
    assert segment_migration(list(weeks)[:1], lambda cutoff: weeks[cutoff]).is_empty()


def test_swapped_numbers_are_kept_by_nobody_though_all_could_have():
    before, now = week(0, a=1, b=1, c=2), week(1, a=2, b=2, c=1, d=5)
    assert kept(before, now) == (0.0, 1.0)
    assert kept(before, before) == (1.0, 1.0)
    assert np.isnan(kept(week(0, a=1), week(1, b=1))).all()
