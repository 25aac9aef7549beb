"""How many rows are ordinary: the interval keeps its rate, whatever the shop and however short."""

import math
from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from persona_assets.monitoring.volume import LEAST_FACTOR, LEVEL, expected_rows, is_closed
from persona_assets.sources.synthetic import SyntheticShop

MONDAY = date(2025, 3, 3)


def past(rows: list[int]) -> dict[date, int]:
    """Rows of the days before `MONDAY`, the last one yesterday's."""
    return {MONDAY - timedelta(days=len(rows) - n): each for n, each in enumerate(rows)}


WEEKLY_SHAPE = np.array([1.0, 0.9, 0.9, 1.1, 1.6, 2.0, 1.3])
QUIET = ("flat", "weekly", "growing", "shrinking", "overdispersed")


def simulated(shop: str, rng: np.random.Generator, days: int, mean: float) -> list[int]:
    """Rows of `days` days and of `MONDAY` after them."""
    weekdays = [(MONDAY + timedelta(days=n - days)).weekday() for n in range(days + 1)]
    means = mean * (1.0 if shop == "flat" else WEEKLY_SHAPE[weekdays])
    growth = {"growing": 1.01, "shrinking": 0.99}.get(shop, 1.0)
    means = means * growth ** (np.arange(days + 1) - days / 2)
    match shop:
        case "overdispersed":  # days vary by 12 %
            means = means * rng.gamma(70, 1 / 70, days + 1)
        case "wild":  # by 22 %
            means = means * rng.gamma(20, 1 / 20, days + 1)
        case "multiplicative":
            return np.rint(means * np.exp(rng.normal(0, 0.25, days + 1))).astype(int).tolist()
    counts: list[int] = rng.poisson(means).tolist()
    return counts


@pytest.mark.parametrize("days", [14, 56])
@pytest.mark.parametrize("shop", [*QUIET, "wild", "multiplicative"])
@pytest.mark.parametrize("mean", [5, 400])
def test_at_most_one_ordinary_day_in_a_hundred_lies_outside(
    days: int, shop: str, mean: float
) -> None:
    rng = np.random.default_rng(7)
    outside = trials = 0
    for _ in range(800):
        *before, last = simulated(shop, rng, days, mean)
        expected = expected_rows(MONDAY, past(before))
        if expected is not None and last:  # a day without rows is for another check
            trials += 1
            outside += not expected.holds(last)
    assert trials > 700
    # The stated rate, within three standard errors of its simulation.
    assert outside / trials <= 1 - LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / trials)


def test_where_days_vary_the_rate_is_the_stated_one() -> None:
    """The interval is no wider than it need be."""
    rng = np.random.default_rng(11)
    outside, trials = 0, 4000
    for _ in range(trials):
        *before, last = simulated("multiplicative", rng, 28, 400)
        expected = expected_rows(MONDAY, past(before))
        assert expected is not None
        outside += not expected.holds(last)
    error = math.sqrt(LEVEL * (1 - LEVEL) / trials)
    assert outside / trials == pytest.approx(1 - LEVEL, abs=5 * error)


@pytest.mark.parametrize("shop", QUIET)
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_nine_of_ten_half_or_doubled_deliveries_are_found(shop: str, factor: float) -> None:
    rng = np.random.default_rng(5)
    found, trials = 0, 200
    for _ in range(trials):
        *before, last = simulated(shop, rng, 56, 400)
        expected = expected_rows(MONDAY, past(before))
        assert expected is not None
        found += not expected.holds(round(last * factor))
    assert found / trials >= 0.9


def test_one_of_a_hundred_backfills_finds_an_ordinary_day_outside() -> None:
    """60 days with a share of the error each; alone, almost half of such runs would find one."""
    rng = np.random.default_rng(2)
    alarms, alone, trials = 0, 0, 40
    for _ in range(trials):
        rows = past(simulated("wild", rng, 88, 400)[1:])
        checked = sorted(rows)[-60:]
        together = [expected_rows(day, rows, days=60) for day in checked]
        single = [expected_rows(day, rows) for day in checked]
        alarms += any(e and not e.holds(rows[d]) for d, e in zip(checked, together, strict=True))
        alone += any(e and not e.holds(rows[d]) for d, e in zip(checked, single, strict=True))
    assert alarms <= 3  # 0.4 are expected; more than 3 have a probability of 0.001
    assert alone >= 8


@pytest.mark.parametrize("seed", [7, 8])
def test_the_made_up_shop_to_which_people_come_has_no_alarming_day(seed: int) -> None:
    start = date(2025, 1, 1)
    shop = SyntheticShop(start, date(2025, 3, 2), users=600, products=100, seed=seed)
    days = [start + timedelta(days=n) for n in range(60)]
    rows = {day: shop.events([day]).height for day in days}
    outside = [
        day
        for day in days
        if (expected := expected_rows(day, rows, days=60)) and not expected.holds(rows[day])
    ]
    assert outside == []


def test_a_quarter_more_or_less_is_ordinary_however_alike_days_are() -> None:
    rng = np.random.default_rng(1)
    expected = expected_rows(MONDAY, past(rng.poisson(100_000, 56).tolist()))
    assert expected is not None
    assert expected.low == pytest.approx(expected.middle / LEAST_FACTOR)
    assert expected.high == pytest.approx(expected.middle * LEAST_FACTOR)


def test_a_broken_day_does_not_hide_the_next_one() -> None:
    rng = np.random.default_rng(4)
    rows = rng.poisson(1000, 56).tolist()
    rows[-1], rows[-8], rows[20] = 300, 2500, 400
    expected = expected_rows(MONDAY, past(rows))
    assert expected is not None
    assert expected.middle == pytest.approx(1000, rel=0.05)
    assert expected.high < 1300


def test_a_new_level_alarms_for_a_week_and_is_then_known() -> None:
    rng = np.random.default_rng(6)
    rows = past([*rng.poisson(1000, 56).tolist(), *rng.poisson(2000, 28).tolist()])
    new = sorted(rows)[56:]
    alarms = [
        number
        for number, day in enumerate(new)
        if (expected := expected_rows(day, rows)) and not expected.holds(rows[day])
    ]
    assert 0 in alarms
    assert max(alarms) < 7


def test_half_a_delivery_and_a_doubled_one_are_seen() -> None:
    rng = np.random.default_rng(3)
    history = past([int(each) for each in rng.normal(1000, 60, 56)])
    expected = expected_rows(MONDAY, history)
    assert expected is not None
    assert expected.holds(1000)
    assert not expected.holds(500)
    assert not expected.holds(2000)


def test_interval_by_hand() -> None:
    """Two weeks of 100, but for a Monday of 144: with L = log 1.2, log 120 ± L on Mondays.

    Time varies by ± 3.5 days within each of 7 weekdays, S = 14 · 3.5² = 171.5; Mondays alone have a
    slope: b = 7 L / 171.5 = 2 L / 49. The next one is 10.5 days from the middle of its two, so
    m = log 120 + 3/7 L; s² = (2 - 2/7) L² / (14 - 7 - 1) = 2/7 L²; 1 + 1/2 + 10.5² / S = 15/7.
    """
    history = past([100, *[100] * 6, 144, *[100] * 6])
    expected = expected_rows(MONDAY, history)
    assert expected is not None
    ratio = math.log(1.2)
    assert expected.middle == pytest.approx(120 * 1.2 ** (3 / 7))
    # t(6) at 99.5 % is 3.7074; the Poisson count's 1/130 is less than s² = 0.0095.
    margin = 3.7074280 * math.sqrt(2 / 7 * ratio**2 * 15 / 7)
    assert expected.high == pytest.approx(expected.middle * math.exp(margin))
    # Below, a Poisson count around 130 may reach further.
    chance = 3.7074280 * math.sqrt(expected.middle * 15 / 7)
    assert expected.low == pytest.approx(expected.middle - chance)


@pytest.mark.parametrize("days", [20, 56])
def test_the_interval_is_that_of_least_squares_on_weekdays_and_time(days: int) -> None:
    """By the normal equations, which the module does without."""
    rng = np.random.default_rng(1)
    rows = np.rint(5000 * np.exp(rng.normal(0, 0.3, days))).astype(int)
    dates = [MONDAY - timedelta(days=days - n) for n in range(days)]
    design = np.array([[*(d.weekday() == w for w in range(7)), (d - MONDAY).days] for d in dates])
    new = np.array([1.0, *[0.0] * 7])
    beta, squares, _, _ = np.linalg.lstsq(design.astype(float), np.log(rows), rcond=None)
    variance = squares.item() / (days - 8)
    inverse = np.linalg.inv(design.T.astype(float) @ design.astype(float))
    margin = stats.t.ppf(1 - 0.01 / 2 / 3, days - 8) * math.sqrt(
        variance * (1 + new @ inverse @ new)
    )
    expected = expected_rows(MONDAY, past(rows.tolist()), days=3)
    assert expected is not None
    assert math.log(expected.middle) == pytest.approx(new @ beta)
    assert math.log(expected.high / expected.middle) == pytest.approx(margin)
    assert math.log(expected.middle / expected.low) == pytest.approx(margin)


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
