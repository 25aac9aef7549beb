import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from persona_assets.statistics.multiple_testing import (
    benjamini_hochberg,
    holm,
    preferential_bonferroni,
)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_order_and_lies_between_raw_and_bonferroni(p_values):
    adjusted = holm(p_values)
    for p, a in zip(p_values, adjusted, strict=True):
        assert p <= a <= min(1.0, len(p_values) * max(p_values)) + 1e-12
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert [a for _, a in pairs] == sorted(adjusted)


def test_benjamini_hochberg_is_scipy_s():
    p_values = np.random.default_rng(3).uniform(size=40) ** 3
    assert benjamini_hochberg(p_values.tolist()) == pytest.approx(
        stats.false_discovery_control(p_values)
    )
    assert benjamini_hochberg([]) == []


def test_preferential_bonferroni_takes_nothing_from_the_primary_metric():
    """w·α for the primary family (Holm), (1 − w)·α / m for each of the others."""
    primary, others = preferential_bonferroni([0.03, 0.01], [0.001, 0.5], 0.8)
    assert primary == pytest.approx([0.03 / 0.8, 0.02 / 0.8])
    assert others == pytest.approx([0.001 * 2 / 0.2, 1.0])
    more, _ = preferential_bonferroni([0.03, 0.01], [0.001] * 50, 0.8)
    assert more == primary
    assert preferential_bonferroni([0.03], [], 0.8) == ([0.03], [])


def test_preferential_bonferroni_is_wrong_in_five_percent_at_most():
    generator = np.random.default_rng(1)
    wrong = 0
    for _ in range(2000):
        p_values = generator.uniform(size=6).tolist()
        first, others = preferential_bonferroni(p_values[:2], p_values[2:], 0.6)
        wrong += min(*first, *others) < 0.05
    assert wrong / 2000 < 0.06
