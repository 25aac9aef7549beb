import numpy as np
import pytest

from persona_assets.statistics.bayesian import posterior


def test_posterior_is_that_on_a_grid():
    grid = np.linspace(-3, 3, 600_001)
    weight = np.exp(-((grid - 0.4) ** 2) / (2 * 0.3**2) - grid**2 / (2 * 0.5**2))
    weight /= weight.sum()
    found = posterior(0.4, 0.3, 0.5)
    assert found.mean == pytest.approx((grid * weight).sum())
    assert found.better == pytest.approx(weight[grid > 0].sum(), abs=1e-5)
    assert found.loss_if_shipped == pytest.approx((np.maximum(-grid, 0) * weight).sum(), abs=1e-6)
    assert found.loss_if_kept == pytest.approx((np.maximum(grid, 0) * weight).sum(), abs=1e-6)
    ends = np.interp([0.025, 0.975], weight.cumsum(), grid)
    assert (found.low, found.high) == pytest.approx(tuple(ends), abs=1e-4)
