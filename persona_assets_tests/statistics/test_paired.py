from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.statistics.paired import (
    FLIPS,
    by_person,
    minimum_detectable,
    paired_test,
    paired_tests,
    sign_flip_p_values,
)


def values(seed=0, users=300, gap=0.0):
    generator = np.random.default_rng(seed)
    shared = generator.random(users)  # what makes users easy or hard for any model
    return shared + 0.1 * generator.normal(size=users) + gap, shared


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
def test_few_users_are_tested_by_all_sign_patterns(differences):
    observed = abs(sum(differences))
    patterns = list(product([-1, 1], repeat=len(differences)))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in patterns]
    expected = sum(reached >= observed for reached in sums) / len(patterns)
    found = sign_flip_p_values(np.array(differences, dtype=float)[:, None], seed=1)
    assert found[0] == pytest.approx(expected)


def test_many_users_are_tested_as_scipy_does():
    from scipy.stats import permutation_test

    one, other = values(users=60, gap=0.02)
    theirs = permutation_test(
        (one, other),
        lambda a, b, axis: (a - b).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=FLIPS,
        rng=np.random.default_rng(5),
    ).pvalue
    assert paired_test(one, other, 1).p_value == pytest.approx(theirs, abs=0.02)


def test_equal_models_are_called_different_as_rarely_as_promised():
    generator = np.random.default_rng(2)
    shared = generator.random((80, 1))
    differences = (shared + generator.normal(size=(80, 400))) - (
        shared + generator.normal(size=(80, 400))
    )
    rejected = (sign_flip_p_values(differences, seed=3) < 0.05).mean()
    assert 0.025 <= rejected <= 0.08  # standard error 0.011


def test_a_shared_difficulty_does_not_hide_a_small_difference():
    one, other = values(gap=0.03)
    result = paired_test(one, other, 1)
    assert result.p_value < 0.01
    assert 0 < result.low < result.difference < result.high
    assert result.difference == pytest.approx((one - other).mean())
    assert result.high - result.low < 0.2 * (np.quantile(other, 0.9) - np.quantile(other, 0.1))


def test_the_other_way_round_is_the_mirror_image():
    one, other = values(gap=0.01)
    there, back = paired_test(one, other, 1), paired_test(other, one, 1)
    assert back.difference == -there.difference
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    assert back.p_value == there.p_value
    assert back.minimum_detectable == pytest.approx(there.minimum_detectable)


def test_a_model_equals_itself():
    one, _ = values()
    result = paired_test(one, one, 1)
    assert (result.difference, result.p_value) == (0.0, 1.0)
    # Equal on these users, and not for certain on all.
    assert -0.05 < result.low < 0 < result.high < 0.05


def test_one_user_proves_nothing():
    result = paired_test(np.array([0.9]), np.array([0.1]), 1)
    assert result.p_value == 1.0
    assert result.minimum_detectable == np.inf


def test_what_is_detectable_is_detected_in_four_of_five():
    generator = np.random.default_rng(4)
    noise = generator.normal(size=(200, 500))
    true = minimum_detectable(generator.normal(size=(200, 1)))[0]
    assert true == pytest.approx(2.8016 / np.sqrt(200), rel=0.15)
    shifted = noise + 2.8016 / np.sqrt(200)
    power = (sign_flip_p_values(shifted, seed=5) < 0.05).mean()
    assert power == pytest.approx(0.8, abs=0.05)


def test_pairs_are_tested_together_as_they_are_alone():
    generator = np.random.default_rng(6)
    few = np.zeros(50)
    few[:6] = 1.0
    columns = np.column_stack([generator.normal(size=50), few, generator.normal(0.5, 1, size=50)])
    together = paired_tests(columns, 7)
    for column, result in zip(columns.T, together, strict=True):
        assert result == pytest.approx(paired_tests(column[:, None], 7)[0], rel=1e-6)
    assert together[1].p_value == 2 / 2**6


def test_weeks_of_one_person_are_no_further_evidence():
    """40 persons, each with the same difference in 9 weeks: equal models, tested 150 times."""
    generator = np.random.default_rng(8)
    people = np.repeat(np.arange(40), 9)
    naive = clustered = 0
    for _ in range(150):
        taste = generator.normal(size=40)
        one = taste[people] + 0.5 * generator.normal(size=360)
        naive += paired_test(one, np.zeros(360), 1).p_value < 0.05
        means = by_person(one, people)
        clustered += paired_test(means, np.zeros(40), 1).p_value < 0.05
    assert naive > 60
    assert clustered <= 15
    assert by_person(np.array([1.0, 4.0, 2.0]), ["b", "a", "b"]).tolist() == [4.0, 1.5]


def test_blocks_do_not_change_the_draws(monkeypatch):
    one, other = values(gap=0.005)
    whole = paired_test(one, other, 1)
    monkeypatch.setattr("persona_assets.statistics.paired._BLOCK", 3_000)
    assert paired_test(one, other, 1) == pytest.approx(whole, rel=0.05)
    assert paired_test(one, other, 1) == paired_test(one, other, 1)
