"""Estimators: cases computed by hand, and their expectation over all outcomes of small worlds."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.off_policy.estimators import (
    by_unit,
    choose,
    direct,
    doubly_robust,
    ips,
    replay,
    shrunk,
    snips,
    switched,
    variance,
)

REWARD = np.array([1.0, 0.0, 1.0, 1.0])
WEIGHT = np.array([2.0, 0.5, 0.0, 4.0])
PREDICTED = np.array([0.5, 0.5, 0.5, 0.25])
EXPECTED = np.array([0.6, 0.4, 0.2, 0.4])
UNIT = np.arange(4)


def test_every_estimator_on_four_exposures_by_hand():
    assert ips(REWARD, WEIGHT).estimate == (2 + 0 + 0 + 4) / 4
    assert snips(REWARD, WEIGHT).estimate == (2 + 4) / 6.5
    assert replay(REWARD, np.array([True, True, False, True])).estimate == pytest.approx(2 / 3)
    assert direct(EXPECTED).estimate == pytest.approx(0.4)
    # 2·(1 − .5) = 1; .5·(0 − .5) = −.25; 0; 4·(1 − .25) = 3
    full = doubly_robust(REWARD, WEIGHT, PREDICTED, EXPECTED)
    assert full.estimate == pytest.approx(0.4 + (1 - 0.25 + 3) / 4)
    less = doubly_robust(REWARD, switched(WEIGHT, 2.0), PREDICTED, EXPECTED)
    assert less.estimate == pytest.approx(0.4 + (1 - 0.25) / 4)
    # λ = 4: 2·4/(4+4) = 1, .5·4/4.25 = 8/17, 0, 4·4/20 = .8
    weights = shrunk(WEIGHT, 4.0)
    assert weights == pytest.approx([1, 8 / 17, 0, 0.8])
    soft = doubly_robust(REWARD, weights, PREDICTED, EXPECTED)
    assert soft.estimate == pytest.approx(0.4 + (0.5 - 4 / 17 + 0.6) / 4)


def test_the_standard_error_by_hand():
    # ips: contributions 2, 0, 0, 4, mean 1.5, s² = (.25 + 2.25 + 2.25 + 6.25)/3 = 11/3
    influence = ips(REWARD, WEIGHT).influence()
    assert variance(influence, UNIT) == pytest.approx(11 / 3 / 4)
    # In two units: sums of influence .5 − 1.5 = −1 and 1, over two rows each: means −.5 and .5.
    assert by_unit(influence, np.array([0, 0, 1, 1])) == pytest.approx([-0.5, 0.5])
    assert variance(influence, np.array([0, 0, 1, 1])) == pytest.approx(0.5 / 2)


def test_no_shrinkage_is_dr_and_all_of_it_is_the_model():
    assert (switched(WEIGHT, np.inf) == WEIGHT).all()
    assert (shrunk(WEIGHT, np.inf) == WEIGHT).all()
    for nothing in (shrunk(WEIGHT, 0.0), switched(WEIGHT, 0.0)):
        found = doubly_robust(REWARD, nothing, PREDICTED, EXPECTED)
        assert found.estimate == pytest.approx(direct(EXPECTED).estimate)


weights = st.lists(st.floats(0, 100), min_size=3, max_size=12).filter(lambda each: sum(each) > 1e-3)


@settings(max_examples=40)
@given(weights, st.floats(0.01, 100), st.randoms(use_true_random=False))
def test_snips_is_the_same_whatever_weights_are_multiplied_by(given_weights, factor, random):
    weight = np.array(given_weights)
    reward = np.array([float(random.random() < 0.5) for _ in weight])
    first, second = snips(reward, weight), snips(reward, weight * factor)
    assert second.estimate == pytest.approx(first.estimate)
    assert second.influence() == pytest.approx(first.influence(), abs=1e-6)
    assert 0 <= first.estimate <= 1 + 1e-12


@settings(max_examples=40)
@given(weights, st.floats(0.1, 1000))
def test_shrunk_weights_are_never_larger_and_never_above_half_the_root(given_weights, lambda_):
    weight = np.array(given_weights)
    less = shrunk(weight, lambda_)
    assert (less <= weight * (1 + 1e-12)).all()
    assert (less <= np.sqrt(lambda_) / 2 + 1e-9).all()
    assert set(switched(weight, lambda_)) <= {0.0, *weight[weight <= lambda_]}


@settings(max_examples=40)
@given(weights, st.randoms(use_true_random=False))
def test_influence_has_a_mean_of_0(given_weights, random):
    weight = np.array(given_weights)
    reward = np.array([random.uniform(-1, 1) for _ in weight])
    for sums in (ips(reward, weight), snips(reward, weight)):
        assert sums.influence().mean() == pytest.approx(0, abs=1e-9)


@st.composite
def worlds(draw):
    """Two kinds of visit, three actions: shares, both policies, probabilities of a reward."""

    def distribution(size):
        parts = draw(st.lists(st.integers(1, 5), min_size=size, max_size=size))
        return [Fraction(part, sum(parts)) for part in parts]

    kinds = distribution(2)
    logging, target = ([distribution(3) for _ in kinds] for _ in range(2))
    reward = [[Fraction(draw(st.integers(0, 4)), 4) for _ in range(3)] for _ in kinds]
    model = [[Fraction(draw(st.integers(-4, 4)), 4) for _ in range(3)] for _ in kinds]
    return kinds, logging, target, reward, model


def expectation(world, estimate, exposures=2):
    """Exact mean of an estimate over everything that logs of two exposures can hold."""
    kinds, logging, target, reward, model = world
    outcomes = [
        (
            kinds[kind] * logging[kind][action] * (chance if got else 1 - chance),
            float(got),
            float(target[kind][action] / logging[kind][action]),
            float(model[kind][action]),
            float(sum(p * q for p, q in zip(target[kind], model[kind], strict=True))),
        )
        for kind, action, got in product(range(2), range(3), (0, 1))
        for chance in [reward[kind][action]]
    ]
    total = 0.0
    for drawn in product(outcomes, repeat=exposures):
        likely = float(np.prod([float(each[0]) for each in drawn]))
        total += likely * estimate(*(np.array(each) for each in zip(*drawn, strict=True)))
    return total


def value(world):
    kinds, _, target, reward, _ = world
    return float(
        sum(
            share * sum(p * r for p, r in zip(target[kind], reward[kind], strict=True))
            for kind, share in enumerate(kinds)
        )
    )


@settings(max_examples=12)
@given(worlds())
def test_ips_and_dr_are_unbiased_over_all_outcomes(world):
    truth = value(world)
    assert expectation(world, lambda _, r, w, q, v: ips(r, w).estimate) == pytest.approx(truth)
    # Whatever the model says.
    assert expectation(
        world, lambda _, r, w, q, v: doubly_robust(r, w, q, v).estimate
    ) == pytest.approx(truth)


@settings(max_examples=12)
@given(worlds())
def test_with_a_perfect_model_dm_dr_and_their_kin_are_unbiased_under_any_weights(world):
    kinds, logging, target, reward, _ = world
    perfect = (kinds, logging, target, reward, reward)
    truth = value(world)
    for estimate in (
        lambda _, r, w, q, v: direct(v).estimate,
        lambda _, r, w, q, v: doubly_robust(r, switched(w, 1.0), q, v).estimate,
        lambda _, r, w, q, v: doubly_robust(r, shrunk(w, 1.0), q, v).estimate,
        lambda _, r, w, q, v: doubly_robust(r, 7 * w, q, v).estimate,
    ):
        assert expectation(perfect, estimate) == pytest.approx(truth)


def test_a_model_without_error_leaves_dr_without_error():
    # Rewards that follow from what is shown: every residual is 0, and the one kind has one value.
    reward = np.array([0.2, 0.7, 0.7, 0.2])
    sums = doubly_robust(reward, np.array([9.0, 0.1, 3.0, 0.0]), reward, np.full(4, 0.6))
    assert sums.estimate == pytest.approx(0.6)
    assert variance(sums.influence(), UNIT) == pytest.approx(0)


def test_the_chosen_parameter_has_the_smallest_estimated_error():
    rng = np.random.default_rng(0)
    reward = rng.integers(0, 2, 300).astype(float)
    weight = rng.pareto(1.2, 300)
    predicted, expected, unit = rng.random(300), rng.random(300), np.arange(300) // 2

    def error(less):
        sums = doubly_robust(reward, less, predicted, expected)
        return (
            variance(sums.influence(), unit) + ((weight - less) * (reward - predicted)).mean() ** 2
        )

    for name, apply in (("switch_dr", switched), ("dros", shrunk)):
        found = choose(name, reward, weight, predicted, expected, unit)
        assert (found.weight == apply(weight, found.parameter)).all()
        for other in np.geomspace(weight[weight > 0].min(), weight.max(), 30):
            assert (
                error(found.weight) <= error(apply(weight, other ** (1 + (name == "dros")))) + 1e-12
            )
        assert error(found.weight) <= error(weight)
    assert choose("dros", reward, weight, predicted, expected, unit, given=3.0).parameter == 3.0
