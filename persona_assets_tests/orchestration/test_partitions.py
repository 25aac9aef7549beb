"""The calendar: which days and Mondays there are, and which days a Monday looks back on."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.calendar import first_cutoff
from persona_assets.definitions import HOME
from persona_assets.orchestration import partitions
from persona_assets.orchestration.partitions import Calendar, begun, days_of

DAILY = HOME.calendar.daily
WEEKLY = HOME.calendar.weekly
EVALUATED = HOME.calendar.evaluated


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_first_cutoff_is_the_first_monday_after_a_week_of_data(start: date) -> None:
    cutoff = first_cutoff(start)
    assert cutoff.weekday() == 0
    assert timedelta(days=7) <= cutoff - start < timedelta(days=14)


@given(st.dates(date(2000, 1, 1), date(2024, 1, 1)), st.integers(1, 60))
def test_calendar_of_any_length_has_its_days_a_cutoff_and_the_weeks_that_are_over(
    start: date, days: int
) -> None:
    end = start + timedelta(days=days)
    calendar = Calendar.of(start, end, today=date(2026, 1, 1))
    assert days_of(calendar.daily.get_partition_keys()) == [
        start + timedelta(days=day) for day in range(days)
    ]
    cutoffs = days_of(calendar.weekly.get_partition_keys())
    mondays = [first_cutoff(start) + timedelta(weeks=week) for week in range(9)]
    assert cutoffs == [mondays[0], *(day for day in mondays[1:] if day <= end)]
    evaluated = days_of(calendar.evaluated.get_partition_keys())
    assert evaluated == [day for day in mondays if day + timedelta(days=7) <= end]
    # Dagster derives its ranges from these, and they must agree with the keys.
    for definition, keys in ((calendar.weekly, cutoffs), (calendar.evaluated, evaluated)):
        ends = definition.get_first_partition_key(), definition.get_last_partition_key()
        assert ends == ((str(keys[0]), str(keys[-1])) if keys else (None, None))


@given(st.integers(1, 40))
def test_data_that_end_today_are_no_shorter_than_older_data(days: int) -> None:
    """A closed calendar holds what the data hold, whatever the clock says."""
    today = datetime.now(UTC).date()
    end = today + timedelta(days=1)
    calendar = Calendar.of(end - timedelta(days=days), end, today=today)
    assert len(calendar.daily.get_partition_keys()) == days
    first = first_cutoff(end - timedelta(days=days))
    trained = days_of(calendar.weekly.get_partition_keys())
    assert trained[0] == first
    assert trained[-1] == max(first, end - timedelta(days=end.weekday()))
    assert len(calendar.evaluated.get_partition_keys()) == max(0, (end - first).days // 7)


def test_days_run_to_the_eve_of_the_end() -> None:
    keys = DAILY.get_partition_keys()
    assert (keys[0], keys[-1], len(keys)) == ("2025-01-01", "2025-01-28", 28)


def test_cutoffs_are_mondays_and_the_newest_can_be_trained_but_not_yet_evaluated() -> None:
    assert WEEKLY.get_partition_keys() == ["2025-01-13", "2025-01-20", "2025-01-27"]
    assert EVALUATED.get_partition_keys() == ["2025-01-13", "2025-01-20"]


def mapped(
    mapping: dg.TimeWindowPartitionMapping,
    downstream: dg.PartitionsDefinition,
    key: str,
    upstream: dg.PartitionsDefinition = DAILY,
) -> tuple[str, str, int]:
    """First, last and number of the upstream partitions of one downstream partition."""
    in_calendar = HOME.calendar.mapping(mapping)
    assert in_calendar is not None
    keys = list(
        in_calendar.get_upstream_mapped_partitions_result_for_partitions(
            downstream.empty_subset().with_partition_keys([key]), downstream, upstream
        ).partitions_subset.get_partition_keys()
    )
    return min(keys), max(keys), len(keys)


@pytest.mark.parametrize(
    ("name", "downstream", "key", "window"),
    [
        ("BEFORE_CUTOFF", WEEKLY, "2025-01-20", ("2025-01-01", "2025-01-19", 19)),
        ("BEFORE_CUTOFF", WEEKLY, "2025-01-13", ("2025-01-01", "2025-01-12", 12)),
        ("THROUGH_EVALUATED_WEEK", EVALUATED, "2025-01-20", ("2025-01-01", "2025-01-26", 26)),
        ("REFERENCE_AND_WEEK", EVALUATED, "2025-01-20", ("2025-01-01", "2025-01-26", 26)),
        ("WEEK_BEFORE", WEEKLY, "2025-01-27", ("2025-01-13", "2025-01-26", 14)),
        ("TRAILING_SNAPSHOT", DAILY, "2025-01-28", ("2025-01-01", "2025-01-28", 28)),
        ("SAME", DAILY, "2025-01-15", ("2025-01-15", "2025-01-15", 1)),
    ],
)
def test_windows(
    name: str, downstream: dg.PartitionsDefinition, key: str, window: tuple[str, str, int]
) -> None:
    assert mapped(getattr(partitions, name), downstream, key) == window


def test_no_training_window_reaches_its_cutoff() -> None:
    """Promise 3 begins here: the partitions that are read end on the eve of the cut-off."""
    for cutoff in WEEKLY.get_partition_keys():
        for window in (partitions.BEFORE_CUTOFF, partitions.WEEK_BEFORE):
            assert mapped(window, WEEKLY, cutoff)[1] < cutoff


def test_look_back_of_the_first_day_is_that_day_alone() -> None:
    first = DAILY.get_partition_keys()[0]
    assert mapped(partitions.LOOK_BACK, DAILY, first) == (first, first, 1)


def test_history_is_bounded() -> None:
    """52 weeks of days before the cut-off and none before those."""
    long = dg.DailyPartitionsDefinition(start_date="2020-01-01", end_date="2025-01-29")
    first, last, days = mapped(partitions.BEFORE_CUTOFF, WEEKLY, "2025-01-20", long)
    assert (last, days) == ("2025-01-19", 52 * 7)
    assert date.fromisoformat(first) == date(2025, 1, 20) - timedelta(weeks=52)


def test_days_of_keys() -> None:
    assert days_of(["2025-01-02", "2025-01-01"]) == [date(2025, 1, 2), date(2025, 1, 1)]


@pytest.mark.parametrize("days", [1, 5, 10, 13])
def test_an_open_calendar_has_no_cutoff_before_its_monday(days: int) -> None:
    """Dagster lists the first one a week early; it would be trained anew every day until then."""
    start = date(2025, 1, 9)
    calendar = Calendar.of(start, None, today=date(2025, 1, 9))
    now = datetime(2025, 1, 9, 6, tzinfo=UTC) + timedelta(days=days)
    cutoffs = begun(calendar.weekly, now)
    assert first_cutoff(start) == date(2025, 1, 20)
    assert cutoffs == (["2025-01-20"] if days >= 11 else [])
    assert days_of(begun(calendar.daily, now)) == [start + timedelta(days=n) for n in range(days)]
