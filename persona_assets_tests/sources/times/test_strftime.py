"""A stated format means what it means to `strftime`, and more than the engines' parsers know."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import UserError
from persona_assets.sources.times.strftime import read_format


def read(text, written, zone="UTC"):
    return read_format(pl.Series("t", [text]), written, zone).item()


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("%Y-%m-%d %H:%M:%S.%f", "2024-01-05 09:05:00.123", (2024, 1, 5, 9, 5, 0, 123_000)),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-01-05 09:05:00.123", (2024, 1, 5, 9, 5, 0, 123_000)),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-01-05 09:05:00", (2024, 1, 5, 9, 5)),
        ("%Y-%m-%d %H:%M:%S%.3f", "2024-01-05 09:05:00.123", (2024, 1, 5, 9, 5, 0, 123_000)),
        ("%Y-%m-%d %H:%M:%S %Z", "2024-01-05 09:05:00 UTC", (2024, 1, 5, 9, 5)),
        ("%Y-%m-%d %H:%M:%S%Z", "2024-01-05 09:05:00Z", (2024, 1, 5, 9, 5)),
        ("%Y-%m-%d %H:%M:%S %z", "2024-01-05 09:05:00 +0130", (2024, 1, 5, 7, 35)),
        ("%Y-%m-%d %H:%M%:z", "2024-01-05 09:05-03:00", (2024, 1, 5, 12, 5)),
        ("%d/%m/%y %I:%M %p", "05/01/24 09:05 PM", (2024, 1, 5, 21, 5)),
        ("%d/%m/%y %I:%M %p", "05/01/69 12:05 am", (1969, 1, 5, 0, 5)),
        ("%d %b %Y", "5 Jan 2024", (2024, 1, 5)),
        ("%A, %B %-d, %Y", "Friday, January 5, 2024", (2024, 1, 5)),
        ("%Y%j", "2024060", (2024, 2, 29)),
        ("%F %T", "2024-01-05 09:05:00", (2024, 1, 5, 9, 5)),
        ("%s", "1704445500", (2024, 1, 5, 9, 5)),
        ("on %d.%m.%Y (100%%)", "on 5.1.2024 (100%)", (2024, 1, 5)),
    ],
)
def test_directives(written, text, expected):
    assert read(text, written) == datetime(*expected, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("%d.%m.%Y", "31.02.2024"),
        ("%d.%m.%Y", "1.2.2024 10:00"),
        ("%I:%M %p %d.%m.%Y", "13:00 PM 1.2.2024"),
        ("%Y-%m-%d %H:%M", "2024-01-05 24:00"),
        ("%Y%j", "2023366"),
    ],
)
def test_what_is_no_such_time_is_none(written, text):
    assert read(text, written) is None


def test_an_abbreviation_is_refused_by_name_unless_the_zone_explains_it():
    text, written = "2024-05-01 09:05:00 EST", "%Y-%m-%d %H:%M:%S %Z"
    with pytest.raises(UserError, match="name the zone 'EST'"):
        read(text, written)
    assert read(text, written, "America/New_York") == datetime(2024, 5, 1, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("%Q", r"unknown directive '%Q'; use .*%A %a"),
        ("%H:%M", "has no day"),
        ("%Y-%m-%d %d", "names the day twice"),
        ("%Y-%m-%d 100% sure", "unknown directive|lone %"),
        ("%Y-%m-%d %", "lone %"),
        ("nothing", "has no day"),
    ],
)
def test_a_format_that_is_none_is_refused(written, message):
    with pytest.raises(UserError, match=message):
        read("2024", written)


FORMATS = [
    "%Y-%m-%d %H:%M:%S.%f",
    "%d.%m.%Y %H:%M:%S.%f",
    "%I:%M:%S.%f %p on %b %d, %Y",
    "%Y %j %T.%f",
]


@given(st.datetimes(datetime(1000, 1, 2), datetime(8999, 12, 30)), st.sampled_from(FORMATS))
def test_what_strftime_writes_is_read_back(clock, written):
    text = clock.strftime(written.replace("%Y", f"{clock.year:04d}"))
    assert read(text, written) == clock.replace(tzinfo=UTC)
