"""CUPED and post-stratification, against regressions and by simulation with a known effect."""

import numpy as np
import pytest

from persona_assets.statistics.cuped import Observed, adjusted
from persona_assets.statistics.estimates import mean_estimate, ratio_estimate
from persona_assets.statistics.post_stratification import post_stratified
from persona_assets.statistics.two_samples import welch_difference


def means(generator, units, effect, strength):
    before = generator.normal(10, 2, units)
    after = strength * before + generator.normal(0, 1, units) + effect
    ones = np.ones(units)
    return Observed(after, ones, before, ones)


def test_effect_is_that_of_a_regression_on_arm_and_pre_period():
    generator = np.random.default_rng(4)
    arms = {"c": means(generator, 400, 0.0, 1.0), "t": means(generator, 300, 0.3, 1.0)}
    found = adjusted(arms)
    effect = found.estimates["t"].value - found.estimates["c"].value
    design = np.column_stack(
        [
            np.ones(700),
            np.r_[np.zeros(400), np.ones(300)],
            np.r_[arms["c"].before, arms["t"].before],
        ]
    )
    outcome = np.r_[arms["c"].numerator, arms["t"].numerator]
    coefficients, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    assert (effect, found.theta) == pytest.approx((coefficients[1], coefficients[2]))
    assert found.correlation == pytest.approx(2 / 5**0.5, abs=0.02)
    plain = mean_estimate(arms["t"].numerator).variance
    assert found.estimates["t"].variance / plain == pytest.approx(
        1 - found.correlation**2, abs=0.03
    )


def test_without_a_pre_period_that_varies_nothing_changes():
    generator = np.random.default_rng(4)
    ones = np.ones(50)
    arms = {name: Observed(generator.normal(size=50), ones, np.zeros(50), ones) for name in "ct"}
    found = adjusted(arms)
    assert (found.theta, found.correlation) == (0.0, 0.0)
    assert found.estimates["t"] == mean_estimate(arms["t"].numerator)


def test_ratios_are_covered_and_their_intervals_narrower():
    """Clicks per impression of users with tastes of their own; no effect."""
    generator = np.random.default_rng(8)
    covered, widths = [], []
    for _ in range(400):
        arms = {}
        for name in "ct":
            taste = generator.beta(2, 8, 300)
            seen, earlier = generator.poisson(20, 300) + 1.0, generator.poisson(20, 300) + 1.0
            arms[name] = Observed(
                generator.binomial(seen.astype(int), taste).astype(float),
                seen,
                generator.binomial(earlier.astype(int), taste).astype(float),
                earlier,
            )
        found = adjusted(arms).estimates
        with_it = welch_difference(found["t"], found["c"])
        without = welch_difference(
            *(ratio_estimate(arms[name].numerator, arms[name].denominator) for name in "tc")
        )
        covered.append(with_it.low <= 0 <= with_it.high)
        widths.append((with_it.high - with_it.low) / (without.high - without.low))
    assert 0.92 < np.mean(covered) < 0.98
    assert np.mean(widths) < 0.8


def test_post_stratified_by_hand():
    strata = {
        "a": (mean_estimate(np.array([1.0, 3.0])), mean_estimate(np.array([0.0, 2.0]))),
        "b": (
            mean_estimate(np.array([10.0, 12.0, 14.0])),
            mean_estimate(np.array([9.0, 9.0, 12.0])),
        ),
    }
    arm, control = post_stratified(strata)
    assert (arm.value, control.value) == pytest.approx((0.4 * 2 + 0.6 * 12, 0.4 * 1 + 0.6 * 10))
    within = 0.16 * (2 / 2 + 2 / 2) + 0.36 * (4 / 3 + 3 / 3)
    between = (0.4 * (1 - 1.6) ** 2 + 0.6 * (2 - 1.6) ** 2) / 10
    assert arm.variance + control.variance == pytest.approx(within + between)


def test_strata_that_differ_make_intervals_narrower_and_keep_their_promise():
    generator = np.random.default_rng(9)
    covered, widths = [], []
    for _ in range(600):
        stratum = generator.integers(0, 3, 300)
        arm = generator.random(300) < 0.5
        # The effect is 0 in the first stratum, 1 and 2 in the others: 1 on average.
        values = 3.0 * stratum + stratum * arm + generator.normal(size=300)
        by_stratum = {
            str(each): tuple(
                mean_estimate(values[(stratum == each) & side]) for side in (arm, ~arm)
            )
            for each in range(3)
        }
        found = welch_difference(*post_stratified(by_stratum))
        plain = welch_difference(mean_estimate(values[arm]), mean_estimate(values[~arm]))
        covered.append(found.low <= 1 <= found.high)
        widths.append((found.high - found.low) / (plain.high - plain.low))
    assert 0.925 < np.mean(covered) < 0.975
    assert np.mean(widths) < 0.6
