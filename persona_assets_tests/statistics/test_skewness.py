import numpy as np
import pytest
from scipy import stats

from persona_assets.statistics.skewness import skewed_mean_interval


def test_symmetric_values_have_student_s_interval():
    values = np.array([-3.0, -1.0, -1.0, 1.0, 1.0, 3.0])
    error = values.std(ddof=1) / np.sqrt(6)
    expected = stats.t.interval(0.95, df=5, loc=0, scale=error)
    assert skewed_mean_interval(values) == pytest.approx(expected)


def test_the_interval_is_the_inverse_of_hall_s_transformation():
    values = np.random.default_rng(1).exponential(size=40)
    mean, deviation, n = values.mean(), values.std(ddof=1), len(values)
    skewness = ((values - mean) ** 3).mean() / deviation**3
    quantile = stats.t.ppf(0.975, n - 1)
    for truth, wanted in zip(skewed_mean_interval(values), (quantile, -quantile), strict=True):
        w = (mean - truth) / deviation
        transformed = w + skewness * w**2 / 3 + skewness**2 * w**3 / 27 + skewness / (6 * n)
        assert np.sqrt(n) * transformed == pytest.approx(wanted)


def test_it_leans_towards_the_long_tail_and_covers_better_than_student_s():
    rng = np.random.default_rng(2)
    covered = {"ours": 0, "student": 0}
    for _ in range(600):
        values = rng.lognormal(sigma=1.2, size=60)
        truth = np.exp(1.2**2 / 2)
        low, high = skewed_mean_interval(values)
        assert high - values.mean() > values.mean() - low
        margin = stats.t.ppf(0.975, 59) * values.std(ddof=1) / np.sqrt(60)
        covered["ours"] += low <= truth <= high
        covered["student"] += abs(values.mean() - truth) <= margin
    assert covered["ours"] > covered["student"] + 15


def test_values_that_are_all_the_same_have_no_width():
    assert skewed_mean_interval(np.full(5, 0.25)) == (0.25, 0.25)
