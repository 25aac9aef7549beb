import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

from persona_assets.statistics.two_samples import (
    mean_difference,
    proportion_difference,
    proportion_test,
    ratio_difference,
    sample_ratio_p_value,
    wilson_interval,
)

COUNT = st.integers(1, 400)


def proportions():
    return st.tuples(COUNT, COUNT).map(lambda pair: (min(pair), max(pair)))


@given(st.data())
def test_mean_difference_is_scipys_welch(data):
    amounts = st.lists(st.integers(0, 500), min_size=2, max_size=40).map(np.array)
    arm, control = data.draw(amounts), data.draw(amounts)
    assume(min(arm.var(), control.var()) > 0)
    ours = mean_difference(arm, control)
    theirs = scipy.stats.ttest_ind(arm, control, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


@given(proportions(), proportions())
def test_proportion_p_value_is_that_of_the_chi_squared_test_or_fishers(arm, control):
    table = [[arm[0], arm[1] - arm[0]], [control[0], control[1] - control[0]]]
    assume(0 < arm[0] + control[0] < arm[1] + control[1])
    ours = proportion_difference(*arm, *control).p_value
    theirs = scipy.stats.chi2_contingency(table, correction=False)
    named = proportion_test(*arm, *control)
    if theirs.expected_freq.min() < 5:
        assert named == "Fisher's exact test"
        assert ours == pytest.approx(scipy.stats.fisher_exact(table).pvalue, rel=1e-6)
    else:
        assert named == "two-proportion z-test"
        assert ours == pytest.approx(theirs.pvalue, abs=1e-12)


def test_fishers_test_is_that_of_the_lady_tasting_tea():
    # Agresti (2013), table 3.9: 3 of 4 against 1 of 4; p = 0.486.
    assert proportion_difference(3, 4, 1, 4).p_value == pytest.approx(34 / 70)
    # All of six against none of six: 2 of the 924 ways to choose six.
    assert proportion_difference(6, 6, 0, 6).p_value == pytest.approx(2 / 924)
    # Five among two arms of a million.
    rare = proportion_difference(5, 1_000_000, 0, 1_000_000).p_value
    assert rare == pytest.approx(2 / 32, rel=1e-4)
    assert proportion_difference(0, 50, 0, 40).p_value == 1.0


def test_proportion_interval_is_newcombes_published_example():
    # Newcombe (1998), table II, method 10: 56/70 - 48/80 = 0.2 [0.0524, 0.3339].
    result = proportion_difference(56, 70, 48, 80)
    assert result.effect == pytest.approx(0.2)
    assert (result.low, result.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    # 10/10 - 0/20 = 1 [0.6791, 1.0000]
    extreme = proportion_difference(10, 10, 0, 20)
    assert (extreme.low, extreme.high) == pytest.approx((0.6791, 1.0), abs=5e-5)


@given(proportions())
def test_wilson_is_scipys(arm):
    theirs = scipy.stats.binomtest(*arm).proportion_ci(method="wilson")
    assert wilson_interval(*arm) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_ratio_difference_with_equal_impressions_is_the_z_test_of_mean_rates():
    rng = np.random.default_rng(1)
    clicks, control_clicks = rng.poisson(0.6, 300), rng.poisson(0.5, 280)
    ours = ratio_difference(clicks, np.full(300, 10.0), control_clicks, np.full(280, 10.0))
    effect = clicks.mean() / 10 - control_clicks.mean() / 10
    error = math.sqrt(clicks.var(ddof=1) / 300 + control_clicks.var(ddof=1) / 280) / 10
    assert ours.effect == pytest.approx(effect)
    assert ours.high - ours.low == pytest.approx(2 * 1.959964 * error, rel=1e-6)
    assert ours.p_value == pytest.approx(2 * scipy.stats.norm.sf(abs(effect) / error))


def test_ratio_difference_matches_the_bootstrap_over_users_where_impressions_vary():
    rng = np.random.default_rng(2)
    shown = rng.integers(1, 40, 500)
    clicks = rng.binomial(shown, rng.beta(1, 9, 500))  # people differ: clicks cluster by user
    picks = rng.integers(500, size=(4000, 500))
    spread = (clicks[picks].sum(axis=1) / shown[picks].sum(axis=1)).std()
    result = ratio_difference(clicks, shown, clicks, shown)
    assert (result.high - result.low) / (2 * 1.96 * math.sqrt(2)) == pytest.approx(spread, rel=0.06)
    naive = math.sqrt(0.1 * 0.9 / shown.sum())
    assert spread > 1.3 * naive  # so the clustering that the delta method accounts for is real


def test_no_variation_and_no_difference_prove_nothing():
    zeros, tens = np.zeros(5), np.full(5, 10.0)
    for result in (
        ratio_difference(zeros, tens, zeros, tens),
        mean_difference(zeros, zeros),
        proportion_difference(0, 5, 0, 5),
    ):
        assert (result.effect, result.p_value) == (0.0, 1.0)
        assert result.low <= 0 <= result.high
    # Nobody out of five converted: the true difference may still be large.
    assert proportion_difference(0, 5, 0, 5).high > 0.3


@given(st.lists(st.integers(0, 500), min_size=2, max_size=5))
def test_sample_ratio_is_scipys_chisquare(users):
    assume(sum(users) > 0)
    shares = [1 / len(users)] * len(users)
    theirs = scipy.stats.chisquare(users).pvalue
    assert sample_ratio_p_value(users, shares) == pytest.approx(theirs, abs=1e-12)


def simulated_arms(rng, users, conversion):
    shown = np.full(users, 70.0)
    clicks = rng.binomial(70, rng.beta(2, 40, users)).astype(float)
    orders = rng.random(users) < conversion
    return shown, clicks, orders, orders * rng.lognormal(3, 1, users)


@pytest.mark.parametrize("lift", [0.0, 0.04])
def test_intervals_cover_the_truth_and_nothing_is_found_where_nothing_is(lift):
    rng = np.random.default_rng(3)
    rounds, users, base = 1500, 250, 0.06
    mean_price = math.exp(3.5)
    covered, rejected = np.zeros(3), np.zeros(3)
    for _ in range(rounds):
        shown, clicks, orders, revenue = simulated_arms(rng, users, base + lift)
        shown_0, clicks_0, orders_0, revenue_0 = simulated_arms(rng, users, base)
        results = (
            ratio_difference(clicks, shown, clicks_0, shown_0),
            proportion_difference(orders.sum(), users, orders_0.sum(), users),
            mean_difference(revenue, revenue_0),
        )
        truth = (0.0, lift, lift * mean_price)
        covered += [r.low <= t <= r.high for r, t in zip(results, truth, strict=True)]
        rejected += [r.p_value < 0.05 for r in results]
    # Three standard errors of a share of 1,500 rounds at 5 % are 0.017.
    assert covered / rounds == pytest.approx([0.95] * 3, abs=0.02)
    if lift == 0.0:
        assert rejected / rounds == pytest.approx([0.05] * 3, abs=0.02)
