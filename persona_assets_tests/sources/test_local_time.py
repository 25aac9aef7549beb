"""Python's `zoneinfo` is the independent judge of the rule for doubled and skipped hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.sources.local_time import iso_text, to_utc


def converted(local: datetime, zone: str) -> datetime:
    return pl.DataFrame({"t": [local]}).select(to_utc(pl.col("t"), zone)).item()


@pytest.mark.parametrize(
    ("local", "zone", "utc"),
    [
        (datetime(2011, 7, 1, 12), "Europe/London", datetime(2011, 7, 1, 11)),
        (datetime(2011, 3, 27, 1, 30), "Europe/London", datetime(2011, 3, 27, 1, 30)),  # skipped
        (datetime(2011, 10, 30, 1, 30), "Europe/London", datetime(2011, 10, 30, 0, 30)),  # twice
        # half an hour is skipped on Lord Howe Island, a whole day on Samoa
        (datetime(2011, 10, 2, 2, 15), "Australia/Lord_Howe", datetime(2011, 10, 1, 15, 45)),
        (datetime(2011, 12, 30, 12), "Pacific/Apia", datetime(2011, 12, 30, 22)),
    ],
)
def test_doubled_and_skipped_hours(local, zone, utc):
    assert converted(local, zone) == utc.replace(tzinfo=UTC)


@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_agrees_with_zoneinfo(local, zone):
    assert converted(local, zone) == local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@given(
    st.integers(-4 * 60, 4 * 60),
    st.sampled_from([datetime(2011, 3, 27), datetime(2011, 10, 30), datetime(2024, 3, 31)]),
)
def test_agrees_with_zoneinfo_near_changes(minutes, change):
    local = change + timedelta(minutes=minutes)
    expected = local.replace(tzinfo=ZoneInfo("Europe/London")).astimezone(UTC)
    assert converted(local, "Europe/London") == expected


def test_instants_as_text_show_a_fraction_only_if_there_is_one():
    times = [
        datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
        datetime(2010, 12, 1, 8, 26, 0, 5, tzinfo=UTC),
    ]
    texts = pl.DataFrame({"t": times}).select(iso_text(pl.col("t"))).to_series()
    assert texts.to_list() == ["2010-12-01T08:26:00Z", "2010-12-01T08:26:00.000005Z"]
