import numpy as np
import pytest
from scipy import stats

from persona_assets.statistics.quantile_effects import quantile_effect, quantile_interval


@pytest.mark.parametrize(("count", "level"), [(20, 0.5), (137, 0.9), (1000, 0.99)])
def test_ranks_are_the_narrowest_equal_tailed_ones_of_the_binomial(count, level):
    found = quantile_interval(np.arange(1.0, count + 1), level)
    assert found is not None
    value, low, high = found
    binomial = stats.binom(count, level)
    assert value == np.ceil(count * level)
    assert (low, high - 1) == (binomial.ppf(0.025), binomial.ppf(0.975))
    assert binomial.cdf(high - 1) - binomial.cdf(low - 1) >= 0.95


def test_too_few_units_for_a_quantile_have_none():
    assert quantile_interval(np.arange(20.0), 0.99) is None
    assert quantile_interval(np.zeros(0), 0.5) is None
    assert quantile_effect(np.arange(20.0), np.arange(1000.0), 0.99) is None


def test_ends_of_the_difference_combine_those_of_the_quantiles():
    arm, control = np.arange(100.0) ** 2, np.arange(100.0)
    (q, low, high), (r, below, above) = quantile_interval(arm, 0.5), quantile_interval(control, 0.5)
    found = quantile_effect(arm, control, 0.5)
    assert found.effect == q - r
    assert found.low == pytest.approx(q - r - ((q - low) ** 2 + (above - r) ** 2) ** 0.5)
    assert found.high == pytest.approx(q - r + ((high - q) ** 2 + (r - below) ** 2) ** 0.5)


def test_the_difference_of_skewed_quantiles_is_covered():
    generator = np.random.default_rng(6)
    true = stats.lognorm(1).ppf(0.9) * 0.2
    covered = 0
    for _ in range(500):
        arm, control = 1.2 * generator.lognormal(0, 1, 300), generator.lognormal(0, 1, 300)
        found = quantile_effect(arm, control, 0.9)
        covered += found.low <= true <= found.high
    assert covered / 500 > 0.93
