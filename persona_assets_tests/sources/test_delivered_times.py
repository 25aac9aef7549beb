"""What a mapping says about times is applied to exactly the texts that it explains."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.sources.delivered_times import as_the_mart_reads, instants
from persona_assets.sources.mapping import TimeReading


def read(text, **reading):
    return as_the_mart_reads(pl.Series("t", [text], pl.String), TimeReading(**reading)).item()


@pytest.mark.parametrize(
    "text", [None, "rubbish", "2024-05-13 10:00", "13/05/2024 10:00", "1715594400", "2024-05-13"]
)
def test_without_a_reading_every_text_passes_as_delivered(text):
    assert read(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-13 10:00", "2024-05-13T08:00:00Z"),
        ("2024-01-13T10:00:00.25", "2024-01-13T09:00:00.250Z"),
        ("13/05/2024 10:00", "2024-05-13T08:00:00Z"),
        ("2024-03-31 02:30:00", "2024-03-31T01:30:00Z"),  # skipped in Berlin
        ("2024-10-27 02:30:00", "2024-10-27T00:30:00Z"),  # twice in Berlin
        ("2024-05-13T10:00:00Z", "2024-05-13T10:00:00Z"),
        ("2024-05-13T10:00:00+05:30", "2024-05-13T10:00:00+05:30"),
        ("2024-05-13 10:00-0800", "2024-05-13 10:00-0800"),
        ("1715594400", "1715594400"),
        ("rubbish", "rubbish"),
        ("2024-02-30 10:00:00", "2024-02-30 10:00:00"),
        (None, None),
    ],
)
def test_zone_is_for_times_that_name_none(text, expected):
    assert read(text, zone="Europe/Berlin") == expected


@pytest.mark.parametrize(
    ("text", "reading", "expected"),
    [
        ("13.05.2024 10:00", {"format": "%d.%m.%Y %H:%M"}, "2024-05-13T10:00:00Z"),
        ("13.05.2024", {"format": "%d.%m.%Y", "zone": "Asia/Tokyo"}, "2024-05-12T15:00:00Z"),
        ("05/13/2024 10:00", {"format": "%m/%d/%Y %H:%M"}, "2024-05-13T10:00:00Z"),
        (
            "2024-05-13 10:00 +0200",
            {"format": "%Y-%m-%d %H:%M %z", "zone": "Asia/Tokyo"},
            "2024-05-13T08:00:00Z",
        ),
        ("1715594400", {"unit": "s"}, "2024-05-13T10:00:00Z"),
        ("1715594400.5", {"unit": "s"}, "2024-05-13T10:00:00.500Z"),
        ("1715594400123", {"unit": "ms"}, "2024-05-13T10:00:00.123Z"),
        ("1715594400123456", {"unit": "us"}, "2024-05-13T10:00:00.123456Z"),
        ("5", {"unit": "s"}, "1970-01-01T00:00:05Z"),
        ("rubbish", {"unit": "s"}, "rubbish"),
        ("1e30", {"unit": "s"}, "1e30"),
        ("nan", {"unit": "s"}, "nan"),
        ("13.13.2024", {"format": "%d.%m.%Y"}, "13.13.2024"),
        (None, {"format": "%d.%m.%Y"}, None),
    ],
)
def test_format_and_unit(text, reading, expected):
    assert read(text, **reading) == expected


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("13/05/2024 10:00", {"format": "%m/%d/%Y %H:%M"}),
        ("2024-05-13T10:00:00Z", {"format": "%d.%m.%Y"}),
        ("2024-05-13T10:00:00Z", {"unit": "s"}),
    ],
)
def test_time_that_contradicts_the_mapping_is_never_taken_for_one(text, reading):
    assert instants(pl.Series([text])).null_count() == 0
    delivered = read(text, **reading)
    assert delivered.startswith(text)
    assert instants(pl.Series([delivered])).null_count() == 1


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), min_size=1, max_size=20),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    st.sampled_from(["%d.%m.%Y %H:%M:%S%.f", None]),
)
def test_converted_times_are_the_instants_that_python_computes(clocks, zone, pattern):
    texts = [
        clock.strftime("%d.%m.%Y %H:%M:%S.%f") if pattern else clock.isoformat() for clock in clocks
    ]
    delivered = as_the_mart_reads(pl.Series(texts), TimeReading(zone=zone, format=pattern))
    expected = [clock.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for clock in clocks]
    assert instants(delivered).to_list() == expected
