"""Intervals hold the truth as often as they promise, also with 30 users of whom few are hit."""

import numpy as np
import pytest
import scipy.stats

from persona_assets.statistics.intervals import (
    difference_interval,
    difference_p_values,
    mean_interval,
    t_interval,
    wilson,
)
from persona_assets.statistics.multiple_testing import holm

WORLDS = 3_000
"""The standard error of a share of 95 % is 0.4 %."""


def ranked(rng, shape):
    """nDCG of one relevant product somewhere among ten."""
    return 1 / np.log2(rng.integers(1, 11, shape) + 1)


def shares(rng, shape):
    """Recall of one product of up to seven."""
    return 1 / rng.integers(1, 8, shape)


def worlds(rng, users, hit_share, value):
    shape = (users, WORLDS)
    return np.where(rng.random(shape) < hit_share, value(rng, shape), 0.0)


@pytest.mark.parametrize("users", [30, 100, 500])
@pytest.mark.parametrize("value", [ranked, shares, lambda rng, shape: np.ones(shape)])
@pytest.mark.parametrize("hit_share", [0.1, 0.3, 0.7])
def test_means_are_covered(users, value, hit_share):
    rng = np.random.default_rng([users, int(100 * hit_share)])
    truth = hit_share * value(rng, 200_000).mean()
    low, high = mean_interval(worlds(rng, users, hit_share, value))
    covered = ((low <= truth) & (truth <= high)).mean()
    assert covered >= 0.925
    if users == 500:
        assert covered <= 0.975


@pytest.mark.parametrize("users", [30, 100, 500])
@pytest.mark.parametrize("shares_hit", [(0.3, 0.2), (0.1, 0.1), (0.6, 0.4), (0.1, 0.03)])
def test_differences_are_covered(users, shares_hit):
    rng = np.random.default_rng(users)
    one, other = (worlds(rng, users, share, ranked) for share in shares_hit)
    truth = (shares_hit[0] - shares_hit[1]) * ranked(rng, 200_000).mean()
    low, high = difference_interval(one - other)
    assert ((low <= truth) & (truth <= high)).mean() >= 0.935


def test_nothing_hit_is_not_certainty():
    low, high = mean_interval(np.zeros((30, 2)))
    assert low.tolist() == [0.0, 0.0]
    assert high[0] == pytest.approx(
        scipy.stats.binomtest(0, 30).proportion_ci(method="wilson").high
    )
    low, high = difference_interval(np.zeros((30, 1)))
    assert low[0] == -high[0] < -0.05


def test_a_single_hit_says_nothing_of_how_large_hits_are():
    values = np.zeros((30, 1))
    values[0] = 0.2
    low, high = mean_interval(values)
    assert low[0] == 0.0
    assert high[0] > 0.03


def test_hit_rates_are_near_wilsons():
    hits = np.arange(1, 30)
    low, high = mean_interval((np.arange(30)[:, None] < hits).astype(float))
    wilson_low, wilson_high = wilson(hits, 30)
    # Of ones alone the mean is certain but for two of them at least.
    np.testing.assert_allclose(low[1:], wilson_low[1:], atol=1e-9)
    np.testing.assert_allclose(high[1:], wilson_high[1:], atol=1e-9)
    theirs = [scipy.stats.binomtest(int(x), 30).proportion_ci(method="wilson") for x in hits]
    np.testing.assert_allclose(wilson_low, [each.low for each in theirs], atol=1e-9)


def test_many_users_leave_the_normal_interval():
    values = np.random.default_rng(1).beta(1, 4, (20_000, 1))
    error = values.std() / np.sqrt(len(values))
    for low, high in (mean_interval(values), difference_interval(values)):
        assert low[0] == pytest.approx(values.mean() - 1.96 * error, abs=0.05 * error)
        assert high[0] == pytest.approx(values.mean() + 1.96 * error, abs=0.05 * error)


def test_p_values_are_in_step_with_intervals():
    rng = np.random.default_rng(2)
    values = worlds(rng, 40, 0.3, ranked) - worlds(rng, 40, 0.25, ranked)
    low, high = difference_interval(values)
    assert np.array_equal(difference_p_values(values) < 0.05, (low > 0) | (high < 0))


@pytest.mark.parametrize("users", [30, 100])
def test_fourteen_equal_models_show_a_false_mark_in_at_most_the_promised_weeks(users):
    rng = np.random.default_rng(users)
    false = alone = 0
    weeks = 400
    for _ in range(weeks):
        baseline = worlds(rng, users, 0.3, ranked)[:, :1]
        models = np.where(rng.random((users, 14)) < 0.3, ranked(rng, (users, 14)), 0.0)
        p_values = difference_p_values(models - baseline)
        false += min(holm(p_values)) < 0.05
        alone += p_values.min() < 0.05
    assert alone / weeks > 0.2
    assert false / weeks <= 0.06


@pytest.mark.parametrize("pairs", [3, 10])
def test_a_few_pairs_are_covered(pairs):
    values = np.random.default_rng(pairs).normal(0.7, 0.1, (2_000, pairs))
    ends = [t_interval(each) for each in values]
    covered = np.mean([low <= 0.7 <= high for low, high in ends])
    assert covered == pytest.approx(0.95, abs=0.015)
    assert t_interval(np.array([0.7])) == (float("-inf"), float("inf"))


def test_values_that_are_no_metric_are_refused():
    with pytest.raises(ValueError, match="use difference_interval"):
        mean_interval(np.array([[-0.1], [0.2]]))
    low, high = mean_interval(np.empty((0, 2)))
    assert (low.tolist(), high.tolist()) == ([0.0, 0.0], [1.0, 1.0])
