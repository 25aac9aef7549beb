import numpy as np
import pytest
from scipy import stats

from persona_assets.statistics.estimates import (
    Estimate,
    mean_estimate,
    moments_estimate,
    ratio_estimate,
    sums_estimate,
)
from persona_assets.statistics.relative_effects import relative_effect


def test_estimates_from_sums_and_moments_are_those_from_values():
    values = np.array([0.0, 1.5, 2.5, 10.0])
    plain = mean_estimate(values)
    assert plain.variance == pytest.approx(stats.sem(values) ** 2)
    for other in (
        sums_estimate(values.sum(), (values**2).sum(), 4),
        moments_estimate(values.mean(), np.var(values, ddof=1), 4),
        ratio_estimate(values, np.ones(4)),
    ):
        assert (other.value, other.variance) == pytest.approx((plain.value, plain.variance))


def test_delta_method_by_hand():
    """2 ± .02 over 1 ± .01: θ = 2, √(.02² + 2²·.01²) = .02828."""
    found = relative_effect(Estimate(2.0, 4e-4, 100), Estimate(1.0, 1e-4, 100))
    assert found is not None
    assert found.method == "delta method"
    assert (found.lift, found.high - found.lift) == pytest.approx((1.0, 1.959964 * 0.0008**0.5))


def test_fieller_is_the_set_of_ratios_that_a_test_does_not_reject():
    arm, control = Estimate(0.9, 0.02, 50), Estimate(0.8, 0.015, 50)
    found = relative_effect(arm, control)
    assert found is not None
    assert found.method == "Fieller"
    ratios = np.linspace(0, 5, 500_001)
    z = np.abs(arm.value - ratios * control.value) / np.sqrt(
        arm.variance + ratios**2 * control.variance
    )
    kept = ratios[z <= 1.959964]
    assert (found.low, found.high) == pytest.approx((kept.min() - 1, kept.max() - 1), abs=2e-5)


def test_a_control_that_may_be_zero_bounds_nothing_and_zero_has_no_lift():
    found = relative_effect(Estimate(1.0, 0.1, 9), Estimate(0.2, 0.04, 9))
    assert found is not None
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert relative_effect(Estimate(1.0, 0.1, 9), Estimate(0.0, 0.04, 9)) is None


def test_up_is_up_below_zero_too():
    found = relative_effect(Estimate(-0.5, 1e-5, 99), Estimate(-1.0, 1e-5, 99))
    assert found is not None
    assert found.lift == pytest.approx(0.5)
    assert found.low < 0.5 < found.high


def test_fieller_covers_where_the_delta_method_does_not():
    """Ratios of 30 exponentials: control's mean is 5.5 standard errors from 0."""
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(2000):
        arm = mean_estimate(generator.normal(1.2, 1, 12))
        control = mean_estimate(generator.normal(1, 1, 12))
        found = relative_effect(arm, control, confidence=0.9)
        assert found is not None
        covered += found.low <= 0.2 <= found.high
    assert 0.86 < covered / 2000 < 0.93
