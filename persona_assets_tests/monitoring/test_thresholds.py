"""Quiet weeks alarm at most as often as promised, and drift is still found."""

import numpy as np
import polars as pl
import pytest

from persona_assets.monitoring.drift import CATEGORICAL, NUMERICAL, threshold
from persona_assets.monitoring.thresholds import FALSE_ALARM_RATE, MATERIAL
from persona_assets.statistics.clustered import weekly_noise
from persona_assets_tests.monitoring.shops import drifted, quiet


@pytest.mark.parametrize("habitual", [False, True], ids=["visits", "habits"])
@pytest.mark.parametrize(("per_week", "rounds"), [(200, 80), (1_000, 60), (5_000, 20)])
def test_quiet_weeks_alarm_at_most_at_the_promised_rate(per_week, rounds, habitual):
    alarms = sum(
        bool(
            drifted(
                *quiet(np.random.default_rng([per_week, habitual, n]), per_week, habitual=habitual)
            )
        )
        for n in range(rounds)
    )
    # Two standard errors above the promise.
    most = FALSE_ALARM_RATE + 2 * (FALSE_ALARM_RATE * (1 - FALSE_ALARM_RATE) / rounds) ** 0.5
    assert alarms / rounds <= most


def test_events_taken_as_independent_would_cry_wolf():
    """What the promise is worth: every event a person of its own."""
    alarms = 0
    for number in range(20):
        events, sessions = quiet(np.random.default_rng(number), 1_000, habitual=True)
        alone = events.with_columns(user_id=pl.int_range(events.height))
        alarms += bool(drifted(alone, sessions))
    assert alarms > 10


@pytest.mark.parametrize("habitual", [False, True], ids=["visits", "habits"])
def test_a_planted_change_is_found(habitual):
    found = 0
    for number in range(10):
        events, sessions = quiet(np.random.default_rng(number), 5_000, habitual=habitual)
        last = pl.col("week") == 4
        moved = events.with_columns(
            price=pl.when(last).then(pl.col("price") * 1.6).otherwise("price"),
            kind=pl.when(last & (pl.int_range(pl.len()) % 2 == 0))
            .then(pl.lit("cart"))
            .otherwise("kind"),
        )
        found += {"price", "kind"} <= set(drifted(moved, sessions))
    assert found >= 9


def test_of_independent_events_the_noise_is_the_multinomials():
    rng = np.random.default_rng(1)
    category = rng.choice(3, 40_000, p=[0.5, 0.3, 0.2])
    week = rng.integers(5, size=40_000)
    noise = weekly_noise(category, np.arange(40_000), week)
    share = np.array([0.5, 0.3, 0.2])
    exact = (np.diag(share) - np.outer(share, share)) * (1 / 8_000 + 1 / 32_000)
    np.testing.assert_allclose(noise.covariance, exact, atol=0.06 * exact.max())
    low = weekly_noise(category, np.arange(40_000), week, cumulative=True).covariance
    assert low[0, 0] == pytest.approx(exact[0, 0], rel=0.06)


def test_what_a_person_does_every_week_is_no_noise():
    """Two people of opposite habits, the same in every week: shares cannot move."""
    person = np.tile(np.repeat([0, 1], 50), 5)
    week = np.repeat(np.arange(5), 100)
    assert np.abs(weekly_noise(person, person, week).covariance).max() < 1e-12


def test_twice_the_events_of_each_visit_say_no_more():
    events, _ = quiet(np.random.default_rng(3), 1_000, habitual=False)
    rows = events.select("user_id", "week", value="hour")
    twice = pl.concat([rows, rows])
    limits = [
        threshold(
            each.filter(pl.col("week") == 4),
            each.filter(pl.col("week") < 4),
            kind=NUMERICAL,
            tests=8,
        )
        for each in (rows, twice)
    ]
    assert limits[1] == pytest.approx(limits[0], rel=1e-9)


def test_large_shops_and_constants_leave_evidentlys_threshold():
    rng = np.random.default_rng(2)
    rows = pl.DataFrame(
        {
            "user_id": np.arange(60_000),
            "week": rng.integers(5, size=60_000),
            "value": rng.choice(["a", "b", "c"], 60_000),
        }
    )
    constant = rows.with_columns(value=pl.lit("a"))
    one = rows.with_columns(value=pl.lit(1.0))
    for each, kind in ((rows, CATEGORICAL), (constant, CATEGORICAL), (one, NUMERICAL)):
        sides = each.filter(pl.col("week") == 4), each.filter(pl.col("week") < 4)
        assert threshold(*sides, kind=kind, tests=8) == MATERIAL


def test_more_tests_raise_the_bar():
    events, _ = quiet(np.random.default_rng(4), 200, habitual=False)
    for column, kind in (("hour", NUMERICAL), ("weekday", CATEGORICAL)):
        rows = events.select("user_id", "week", value=column)
        sides = rows.filter(pl.col("week") == 4), rows.filter(pl.col("week") < 4)
        one, eight = (threshold(*sides, kind=kind, tests=tests) for tests in (1, 8))
        assert one < eight
