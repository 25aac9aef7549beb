"""How many rows are ordinary: the interval keeps its rate, whatever the shop and however short."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from persona_assets.monitoring.volume import LEVEL, expected_rows, is_closed

MONDAY = date(2025, 3, 3)


def past(rows: list[int]) -> dict[date, int]:
    """Rows of the days before `MONDAY`, the last one yesterday's."""
    return {MONDAY - timedelta(days=len(rows) - n): each for n, each in enumerate(rows)}


WEEKLY_SHAPE = np.array([1.0, 0.9, 0.9, 1.1, 1.6, 2.0, 1.3])


@pytest.mark.parametrize("days", [14, 28, 56])
@pytest.mark.parametrize("shop", ["multiplicative", "poisson", "overdispersed"])
def test_one_ordinary_day_in_a_hundred_lies_outside(days: int, shop: str) -> None:
    rng = np.random.default_rng(7)
    outside, trials = 0, 3000
    for _ in range(trials):
        weekdays = [(MONDAY + timedelta(days=n - days)).weekday() for n in range(days + 1)]
        mean = 400 * WEEKLY_SHAPE[weekdays]
        match shop:
            case "multiplicative":
                rows = np.rint(mean * np.exp(rng.normal(0, 0.25, len(mean))))
            case "poisson":
                rows = rng.poisson(mean)
            case _:
                rows = rng.poisson(mean * rng.gamma(20, 1 / 20, len(mean)))
        expected = expected_rows(MONDAY, past([int(each) for each in rows[:-1]]))
        assert expected is not None
        outside += not expected.holds(int(rows[-1]))
    # The stated rate, within five standard errors of its simulation.
    error = math.sqrt(LEVEL * (1 - LEVEL) / trials)
    assert outside / trials <= 1 - LEVEL + 5 * error
    if shop != "poisson":  # where the variance is the least possible, t is wider than it need be
        assert outside / trials == pytest.approx(1 - LEVEL, abs=5 * error)


def test_half_a_delivery_and_a_doubled_one_are_seen() -> None:
    rng = np.random.default_rng(3)
    history = past([int(each) for each in rng.normal(1000, 60, 56)])
    expected = expected_rows(MONDAY, history)
    assert expected is not None
    assert expected.holds(1000)
    assert not expected.holds(500)
    assert not expected.holds(2000)


def test_interval_by_hand() -> None:
    """Two weeks of 100, but for Mondays of 100 and 144: m = log 120, s² = 2 log(1.2)² / 7."""
    history = past([100, *[100] * 6, 144, *[100] * 6])
    expected = expected_rows(MONDAY, history)
    assert expected is not None
    assert expected.middle == pytest.approx(120)
    # t(7) at 99.5 % is 3.4995; Poisson's 1/120 is less than s² = 0.0094976.
    margin = 3.4994833 * math.sqrt(2 * math.log(1.2) ** 2 / 7 * 1.5)
    assert expected.high == pytest.approx(120 * math.exp(margin))
    assert expected.low == pytest.approx(120 * math.exp(-margin))


def test_days_that_happen_to_be_alike_do_not_make_the_next_one_alarming() -> None:
    expected = expected_rows(MONDAY, past([100] * 28))
    assert expected is not None
    assert expected.low < 90
    assert expected.high > 110


def test_a_past_that_is_too_short_says_nothing() -> None:
    assert expected_rows(MONDAY, {}) is None
    assert expected_rows(MONDAY, past([100] * 6)) is None  # no Monday yet
    assert expected_rows(MONDAY, past([100] * 9)) is None


def test_days_without_rows_teach_nothing() -> None:
    with_gap = past([100] * 20 + [0] + [100] * 14)
    without = {day: rows for day, rows in with_gap.items() if rows}
    assert expected_rows(MONDAY, with_gap) == expected_rows(MONDAY, without)


def test_a_shop_that_is_closed_on_mondays_misses_no_delivery() -> None:
    closed = past([0 if n % 7 == 0 else 50 for n in range(28)])
    assert is_closed(MONDAY, closed)
    assert not is_closed(MONDAY, past([50] * 28))
    # Nobody knows yet, or nothing is delivered at all.
    assert not is_closed(MONDAY, past([50] * 3))
    assert not is_closed(MONDAY, past([0] * 28))
    assert not is_closed(MONDAY, {})
