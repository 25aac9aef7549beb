import pytest

from persona_assets.statistics.power import (
    minimum_detectable,
    proportion_units_needed,
    total_units_needed,
)


def test_units_that_are_needed_detect_what_they_are_needed_for():
    units = total_units_needed(0.02, variance=0.09, shares=(0.2, 0.8))
    error = (0.09 * (1 / (0.2 * units) + 1 / (0.8 * units))) ** 0.5
    assert minimum_detectable(error) == pytest.approx(0.02, rel=1e-4)


def test_proportions_need_what_the_textbook_says():
    """60 % against 70 %: 1.96·√(2·.65·.35) + .8416·√(.24 + .21) = 1.8866; 1.8866²/.1² = 355.9."""
    units = proportion_units_needed(0.6, 0.1, shares=(0.5, 0.5))
    assert units / 2 == pytest.approx(355.9, abs=0.1)
