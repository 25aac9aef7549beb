import numpy as np
import pytest

from persona_assets.statistics.bootstrap import bootstrap_means, percentile_interval


def test_same_seed_same_draws_and_another_seed_others():
    values = np.random.default_rng(0).random((50, 2))
    assert np.array_equal(bootstrap_means(values, seed=1), bootstrap_means(values, seed=1))
    assert not np.array_equal(bootstrap_means(values, seed=1), bootstrap_means(values, seed=2))


def test_columns_share_their_draws():
    generator = np.random.default_rng(0)
    values = generator.random((200, 2))
    values = np.column_stack([values, values[:, 0] - values[:, 1]])
    means = bootstrap_means(values, seed=1)
    np.testing.assert_allclose(means[:, 0] - means[:, 1], means[:, 2], atol=1e-12)


def test_a_constant_has_no_uncertainty():
    low, high = percentile_interval(bootstrap_means(np.full((30, 1), 0.25), seed=1))
    assert low == pytest.approx(0.25, abs=1e-12)
    assert high == pytest.approx(0.25, abs=1e-12)


def test_draws_do_not_depend_on_the_size_of_blocks(monkeypatch):
    values = np.random.default_rng(0).random((40, 3))
    whole = bootstrap_means(values, seed=1)
    monkeypatch.setattr("persona_assets.statistics.bootstrap._BLOCK", 130)
    np.testing.assert_allclose(bootstrap_means(values, seed=1), whole, rtol=1e-12)


def test_agrees_with_scipy_and_with_the_normal_approximation():
    from scipy.stats import bootstrap

    values = np.random.default_rng(3).exponential(size=2_000)
    low, high = percentile_interval(bootstrap_means(values[:, None], seed=1))
    theirs = bootstrap(
        (values,), np.mean, method="percentile", n_resamples=1_000, rng=np.random.default_rng(9)
    ).confidence_interval
    error = values.std() / np.sqrt(values.size)
    for ends in (theirs, values.mean() + 1.96 * error * np.array([-1, 1])):
        assert low[0] == pytest.approx(ends[0], abs=0.25 * error)
        assert high[0] == pytest.approx(ends[1], abs=0.25 * error)


def test_intervals_cover_the_truth_as_often_as_promised():
    # 400 worlds of 100 users whose true hit rate is 0.3; the standard error of the count is 1.1 %.
    worlds = np.random.default_rng(5).random((100, 400)) < 0.3
    low, high = percentile_interval(bootstrap_means(worlds.astype(float), seed=1))
    covered = ((low <= 0.3) & (high >= 0.3)).mean()
    assert 0.91 <= covered <= 0.98
