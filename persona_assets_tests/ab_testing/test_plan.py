import numpy as np
import pytest

from persona_assets.ab_testing.plan import Design, lift_for, size_for
from persona_assets.errors import UserError
from persona_assets.statistics.estimates import mean_estimate
from persona_assets.statistics.two_samples import proportion_difference, welch_difference


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_sizes_of_means_are_those_of_statsmodels(share):
    found = size_for(Design(20.0, deviation=30.0, control_share=share), 0.1)
    power = pytest.importorskip("statsmodels.stats.power")
    wanted = power.NormalIndPower().solve_power(
        effect_size=2 / 30, alpha=0.05, power=0.8, ratio=share / (1 - share)
    )
    assert found.arm_units == pytest.approx(wanted, rel=1e-3)


def test_a_size_finds_its_lift_in_four_of_five():
    design = Design(20.0, deviation=10.0)
    size = size_for(design, 0.05)
    generator = np.random.default_rng(3)
    arm = size.arm_units
    found = [
        welch_difference(
            mean_estimate(generator.normal(21, 10, arm)),
            mean_estimate(generator.normal(20, 10, arm)),
        ).low
        > 0
        for _ in range(1000)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)
    assert lift_for(design, size.units) == pytest.approx(0.05, rel=1e-3)


def test_more_arms_looks_and_no_pre_period_need_more():
    plain = size_for(Design(0.03, daily_units=1000.0), 0.1)
    assert plain.days == -(-plain.units // 1000)
    assert plain.sequential_units > 1.3 * plain.units
    assert size_for(Design(0.03, challengers=2), 0.1).units > 1.5 * plain.units
    with_before = size_for(Design(0.03, correlation=0.6), 0.1)
    assert with_before.units == pytest.approx(0.64 * plain.units, abs=1)
    # The margin that equal arms show is the lift that they find, with two arms of equal variance.
    assert size_for(Design(20.0, deviation=30.0), 0.1).margin == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize(
    ("baseline", "lift", "share"), [(0.03, 0.5, None), (0.1, -0.1, None), (0.1, 0.2, 0.8)]
)
def test_sizes_of_proportions_find_their_lift_in_four_of_five(baseline, lift, share):
    """A proportion's variance moves with it: with control's for both arms, 71 of 100 find it."""
    design = Design(baseline, control_share=share)
    size = size_for(design, lift)
    arm, control = size.arm_units, size.units - size.arm_units
    generator = np.random.default_rng(5)
    converted = generator.binomial(arm, baseline * (1 + lift), 4000)
    of_control = generator.binomial(control, baseline, 4000)
    found = [
        proportion_difference(int(one), arm, int(other), control).p_value < 0.05
        for one, other in zip(converted, of_control, strict=True)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)
    if lift > 0:
        assert lift_for(design, size.units) == pytest.approx(lift, rel=1e-3)


def test_too_few_units_for_any_lift_of_a_proportion_are_refused():
    with pytest.raises(UserError, match="6 units are too few: even if everybody"):
        lift_for(Design(0.6), 6)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"baseline": 1.2}, "baseline of a proportion is 1.2"),
        ({"baseline": 0.0, "deviation": 1.0}, "baseline that is not 0"),
        ({"baseline": 0.1, "challengers": 0}, "at least one"),
        ({"baseline": 0.1, "power": 1.0}, "the power is 1"),
        ({"baseline": 0.1, "correlation": 1.0}, "inside of ±1"),
        ({"baseline": 0.1, "daily_units": 0.0}, "give a positive number"),
    ],
)
def test_designs_that_cannot_be_are_refused(values, said):
    with pytest.raises(UserError, match=said):
        Design(**values)
    for lift in (0.0, 20.0):
        with pytest.raises(UserError, match="lift"):
            size_for(Design(0.1), lift)
