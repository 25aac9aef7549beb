"""Interleaving: drafts are fair, credit is right, and tests keep their rate."""

import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from persona_assets.errors import InsufficientDataError, UserError
from persona_assets.experiments.interleaved_simulation import (
    interleaved_week,
    interleaving_bench,
)
from persona_assets.experiments.interleaving_analysis import paired_lead, preference
from persona_assets.experiments.response import VISITS, PlantedResponse
from persona_assets.experiments.team_draft import Team, team_draft, team_drafts
from persona_assets.tables import TABLES

FIRST, SECOND, NEITHER = Team.FIRST, Team.SECOND, Team.NEITHER
BOTH = ("drafted", "shared")
W = date(2025, 3, 3)


def draft(first, second, coins, length=4, ties="drafted"):
    return team_draft(list(first), list(second), length=length, coin=iter(coins), ties=ties)


def test_the_draft_by_hand():
    # Round 1: the first team picks a, the second, whose best is a as well, b. Round 2: the second
    # begins: d, then c.
    found = draft("abcd", "abdc", [True, False])
    assert found.products == ("a", "b", "d", "c")
    assert found.teams == (FIRST, SECOND, SECOND, FIRST)
    # Shared: a and b are best for both; then c against d.
    found = draft("abcd", "abdc", [True], ties="shared")
    assert found.products == ("a", "b", "c", "d")
    assert found.teams == (NEITHER, NEITHER, FIRST, SECOND)


def test_a_list_that_ends_leaves_the_rest_to_the_other():
    found = draft("a", "xyz", [True] * 4, length=9)
    assert found.products == ("a", "x", "y", "z")
    assert found.teams == (FIRST, SECOND, SECOND, SECOND)


def test_a_product_twice_in_a_list_is_refused():
    with pytest.raises(UserError, match="holds a product twice"):
        draft("aa", "bc", [True])


pairs = st.tuples(st.permutations("abcdefgh"), st.permutations("abcdefghijkl")).map(
    lambda both: (both[0][:6], both[1][:6])
)
coins = st.lists(st.booleans(), min_size=6, max_size=6)


@settings(max_examples=30)
@given(pairs, coins, st.sampled_from(BOTH))
def test_every_team_picks_its_best_that_is_left(both, flips, ties):
    found = draft(*both, flips, length=6, ties=ties)
    assert len(found.products) == len(set(found.products)) == 6
    for place, (product, team) in enumerate(zip(found.products, found.teams, strict=True)):
        before = set(found.products[:place])
        bests = [next(each for each in products if each not in before) for products in both]
        wanted = bests if team is NEITHER else [bests[team]]
        assert set(wanted) == {product}
    # Above a team's last pick, all of its list is shown.
    for team, products in zip((FIRST, SECOND), both, strict=True):
        picked = [each for each, by in zip(found.products, found.teams, strict=True) if by is team]
        if picked:
            assert set(products[: products.index(picked[-1])]) <= set(found.products)


@settings(max_examples=30)
@given(pairs, coins, st.sampled_from(BOTH))
def test_teams_are_never_more_than_one_apart(both, flips, ties):
    found = draft(*both, flips, length=6, ties=ties)
    for place in range(7):
        lead = found.teams[:place].count(FIRST) - found.teams[:place].count(SECOND)
        assert abs(lead) <= 1


@settings(max_examples=30)
@given(pairs, coins, st.sampled_from(BOTH))
def test_swapping_rankers_and_coins_swaps_teams_alone(both, flips, ties):
    found = draft(*both, flips, length=6, ties=ties)
    swapped = draft(both[1], both[0], [not each for each in flips], length=6, ties=ties)
    assert swapped.products == found.products
    other = {FIRST: SECOND, SECOND: FIRST, NEITHER: NEITHER}
    assert swapped.teams == tuple(other[each] for each in found.teams)


@settings(max_examples=20)
@given(pairs)
def test_with_shared_ties_both_teams_have_the_same_places_over_all_coins(both):
    """So products of equal attraction give no team more clicks, wherever people look."""
    at = np.zeros((2, 6))
    for flips in itertools.product([True, False], repeat=6):
        for place, team in enumerate(draft(*both, flips, length=6, ties="shared").teams):
            if team is not NEITHER:
                at[team, place] += 1
    assert (at[0] == at[1]).all()


@settings(max_examples=20)
@given(pairs)
def test_with_drafted_ties_too(both):
    at = np.zeros((2, 6))
    for flips in itertools.product([True, False], repeat=3):
        for place, team in enumerate(draft(*both, flips, length=6).teams):
            at[team, place] += 1
    assert (at[0] == at[1]).all()


@settings(max_examples=30)
@given(st.lists(st.tuples(pairs, coins), min_size=1, max_size=4), st.sampled_from(BOTH))
def test_many_drafts_at_once_are_the_single_ones(cases, ties):
    match = [[s.index(each) if each in s else -1 for each in f] for (f, s), _ in cases]
    by_rank = np.zeros((len(cases), 6), bool)
    singles = []
    for row, ((first, second), flips) in enumerate(cases):
        # The coin of a round is that of the rank at which it begins.
        single = draft(first, second, flips, length=6, ties=ties)
        begun = iter(flips)
        waiting = False
        for rank, team in enumerate(single.teams):
            if team is NEITHER:
                continue
            if not waiting:
                by_rank[row, rank] = next(begun)
            waiting = not waiting
        singles.append(single)
    found = team_drafts(np.array(match), by_rank, ties=ties)
    for row, ((first, second), _) in enumerate(cases):
        assert found.team[row].tolist() == [int(each) for each in singles[row].teams]
        lists = {FIRST: first, SECOND: second, NEITHER: first}
        shown = [
            lists[Team(team)][at] for team, at in zip(found.team[row], found.at[row], strict=True)
        ]
        assert tuple(shown) == singles[row].products


def test_preferences_by_hand():
    found = preference(np.array([3, 1, 0, 2, 0, 5]), np.array([1, 0, 0, 4, 0, 0]))
    assert found[:3] == (3, 1, 2)
    assert found.lead == pytest.approx(0.5)
    assert found.p_value == pytest.approx(stats.binomtest(3, 4).pvalue)
    wilson = stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((2 * wilson.low - 1, 2 * wilson.high - 1))


def test_the_paired_lead_by_hand():
    first, second = np.array([3, 1, 0, 2]), np.array([1, 0, 1, 0])
    found = paired_lead(first, second)
    assert found.mean == pytest.approx(1)
    assert found.p_value == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert found.share == pytest.approx(4 / 8)
    assert found.low < 1 < found.high


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30))
def test_swapping_teams_changes_signs_alone(counts):
    first, second = np.array(counts).T
    here, there = preference(first, second), preference(second, first)
    assert (here.lead, here.p_value) == pytest.approx((-there.lead, there.p_value))
    assert (here.low, here.high) == pytest.approx((-there.high, -there.low))
    here, there = paired_lead(first, second), paired_lead(second, first)
    assert (here.mean, here.p_value) == pytest.approx((-there.mean, there.p_value))
    assert (here.low, here.high) == pytest.approx((-there.high, -there.low))
    assert -1 <= here.share <= 1


def test_nobody_and_no_responses():
    nothing = np.zeros(5, int)
    assert preference(nothing, nothing)[2:] == (5, 0.0, -1.0, 1.0, 1.0)
    assert paired_lead(nothing, nothing) == (5, 0.0, 0.0, 0.0, 1.0, 0.0)
    with pytest.raises(InsufficientDataError, match="needs 1 users"):
        preference(nothing[:0], nothing[:0])
    with pytest.raises(InsufficientDataError, match="needs 2 users"):
        paired_lead(nothing[:1], nothing[:1])


USERS = [f"u{number:03d}" for number in range(300)]
PRODUCTS = [f"p{number:02d}" for number in range(15)]


def bench_of(good, poor, shared=5):
    """One model shows `shared` products and five of `good` appeal, the other five of `poor`."""
    lists = {
        "one": [*PRODUCTS[:shared], *PRODUCTS[5:10]][:10],
        "two": [*PRODUCTS[:shared], *PRODUCTS[10:15]][:10],
    }
    top_k = pl.DataFrame(
        [
            (W, model, user, rank, product, -float(rank))
            for model, products in lists.items()
            for user in (*USERS, "*")
            for rank, product in enumerate(products, start=1)
        ],
        schema=TABLES["recommendations/top_k"].polars_schema,
        orient="row",
    )
    appeal = np.repeat([0.1, good, poor], 5)[None, :] * np.random.default_rng(1).uniform(
        0.5, 1.5, (len(USERS), 1)
    )
    response = PlantedResponse(USERS, PRODUCTS, appeal, np.full(appeal.shape, 0.3))
    return interleaving_bench(top_k, response, cutoff=W, models=("one", "two"))


def test_the_bench_knows_which_products_are_in_both_lists():
    bench = bench_of(0.2, 0.1)
    assert bench.match[0].tolist() == [0, 1, 2, 3, 4, -1, -1, -1, -1, -1]
    assert bench.clicked.shape == bench.ordered.shape == (2, len(USERS), 10)
    assert bench.take(np.array([3, 3, 1])).users.to_list() == ["u003", "u003", "u001"]


@pytest.mark.parametrize("ties", BOTH)
def test_the_better_model_leads_and_responses_are_those_expected(ties):
    bench = bench_of(0.3, 0.1)
    found = interleaved_week(bench, np.random.default_rng(5), ties=ties)
    for credits in found:
        assert preference(*credits.T).lead > 0
        assert paired_lead(*credits.T).p_value < 0.01
    assert found.clicks.sum() <= 10 * VISITS * len(USERS)
    assert (found.orders <= found.clicks).all()


def test_credited_clicks_have_their_expectation():
    # Five ranks for neither, then pairs at ranks 6 to 10.
    bench = bench_of(0.3, 0.1)
    weeks = [interleaved_week(bench, np.random.default_rng(n), ties="shared") for n in range(12)]
    mean = np.mean([week.clicks.mean(axis=0) for week in weeks], axis=0)
    examined = 1 / np.log2(np.arange(6, 11) + 1)
    # Two whole rounds and half a one, of either team.
    places = VISITS * examined.sum() / 2
    keen = bench.clicked[0, :, 5].mean() / 0.3
    assert mean == pytest.approx([0.3 * keen * places, 0.1 * keen * places], rel=0.06)


def test_exchanged_models_are_the_same_lists_under_the_other_name():
    bench = bench_of(0.2, 0.1)
    some = np.arange(len(USERS)) % 2 == 0
    other = bench.exchanged(some)
    assert (other.clicked[0, some] == bench.clicked[1, some]).all()
    assert (other.clicked[:, ~some] == bench.clicked[:, ~some]).all()
    reversed_ = replace(bench, match=np.tile([9, -1, 0, -1, -1, -1, -1, -1, -1, 1], (300, 1)))
    found = reversed_.exchanged(some).match
    assert found[0].tolist() == [2, 9, -1, -1, -1, -1, -1, -1, -1, 0]
    assert found[1].tolist() == reversed_.match[1].tolist()


@pytest.mark.parametrize("ties", BOTH)
def test_models_of_equal_appeal_are_told_apart_at_the_promised_rate(ties):
    bench = bench_of(0.15, 0.15).take(np.arange(100))
    alarms = np.zeros(2)
    for number in range(100):
        week = interleaved_week(bench, np.random.default_rng([9, number]), ties=ties)
        alarms += [test(*week.clicks.T).p_value < 0.05 for test in (preference, paired_lead)]
    # 5 of 100 are promised; more than 12 come by chance in one of a thousand such tests.
    assert (alarms <= 12).all()


def test_equal_lists_share_everything():
    same = bench_of(0.2, 0.2, shared=10)
    assert not interleaved_week(same, np.random.default_rng(1), ties="shared").clicks.any()
    drafted = interleaved_week(same, np.random.default_rng(1))
    assert drafted.clicks.sum() > 0
