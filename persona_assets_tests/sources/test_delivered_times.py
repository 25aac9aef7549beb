"""What a mapping says about times is applied to exactly the texts that it explains."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.sources.delivered_times import as_the_mart_reads, instants, read_times
from persona_assets.sources.value_settings import TimeReading

TODAY = date(2024, 6, 1)


def delivered_as(texts, **setting):
    series = pl.Series("timestamp", texts, pl.String)
    read = read_times(series, TimeReading(**setting), section="events", today=TODAY)
    return as_the_mart_reads(series, read)


def read(text, **setting):
    """The text of a column in which all rows are alike."""
    return delivered_as([text], **setting).item()


@pytest.mark.parametrize(
    "text", [None, "rubbish", "2024-05-13 10:00", "13/05/2024 10:00", "1715594400"]
)
def test_what_the_mart_reads_alike_passes_as_delivered(text):
    assert read(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2024-05-13", "2024-05-13T00:00:00Z"),
        ("05/13/2024 10:00", "2024-05-13T10:00:00Z"),
        ("2024-05-13 10:00:00 UTC", "2024-05-13T10:00:00Z"),
        ("2024-05-13 11:57:06 -0500", "2024-05-13T16:57:06Z"),
        ("1715594400000000000", "2024-05-13T10:00:00Z"),
        ("20240513", "2024-05-13T00:00:00Z"),
    ],
)
def test_what_the_column_decides_is_kept_as_iso_8601(text, kept):
    assert read(text) == kept


def test_the_whole_column_decides_and_not_each_text():
    assert delivered_as(["01/02/2024 10:00", "01/13/2024 10:00"]).to_list() == [
        "2024-01-02T10:00:00Z",
        "2024-01-13T10:00:00Z",
    ]


def test_several_formats_are_tried_in_their_order():
    formats = ("%d/%m/%Y", "%m/%d/%Y")
    assert delivered_as(["01/02/2024", "01/13/2024", "soon"], formats=formats).to_list() == [
        "2024-02-01T00:00:00Z",
        "2024-01-13T00:00:00Z",
        "soon",
    ]


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
        ("13.05.2024 10:00", {"formats": ("%d.%m.%Y %H:%M",)}, "2024-05-13T10:00:00Z"),
        ("13.05.2024", {"formats": ("%d.%m.%Y",), "zone": "Asia/Tokyo"}, "2024-05-12T15:00:00Z"),
        ("05/13/2024 10:00", {"formats": ("%m/%d/%Y %H:%M",)}, "2024-05-13T10:00:00Z"),
        (
            "2024-05-13 10:00 +0200",
            {"formats": ("%Y-%m-%d %H:%M %z",), "zone": "Asia/Tokyo"},
            "2024-05-13T08:00:00Z",
        ),
        ("1715594400", {"unit": "s"}, "1715594400"),
        ("45425.41666666667", {"unit": "excel"}, "2024-05-13T10:00:00Z"),
        ("45425.5", {"unit": "excel", "zone": "Europe/Berlin"}, "2024-05-13T10:00:00Z"),
        ("1715594400123456789", {"unit": "ns"}, "2024-05-13T10:00:00.123456Z"),
        ("1715594400.5", {"unit": "s"}, "2024-05-13T10:00:00.500Z"),
        ("1715594400123", {"unit": "ms"}, "1715594400123"),
        ("1715594400123456", {"unit": "us"}, "2024-05-13T10:00:00.123456Z"),
        ("5", {"unit": "s"}, "1970-01-01T00:00:05Z"),
        ("rubbish", {"unit": "s"}, "rubbish"),
        ("1e30", {"unit": "s"}, "1e30"),
        ("nan", {"unit": "s"}, "nan"),
        ("13.13.2024", {"formats": ("%d.%m.%Y",)}, "13.13.2024"),
        (None, {"formats": ("%d.%m.%Y",)}, None),
    ],
)
def test_format_and_unit(text, reading, expected):
    assert read(text, **reading) == expected


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("13/05/2024 10:00", {"formats": ("%m/%d/%Y %H:%M",)}),
        ("2024-05-13T10:00:00Z", {"formats": ("%d.%m.%Y",)}),
        ("2024-05-13T10:00:00Z", {"unit": "s"}),
    ],
)
def test_time_that_contradicts_the_mapping_is_never_taken_for_one(text, reading):
    assert instants(pl.Series([text])).null_count() == 0
    delivered = read(text, **reading)
    assert delivered.startswith(text)
    assert instants(pl.Series([delivered])).null_count() == 1


@settings(max_examples=30)
@given(
    st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), min_size=1, max_size=20),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    st.sampled_from(["%d.%m.%Y %H:%M:%S%.f", None]),
)
def test_converted_times_are_the_instants_that_python_computes(clocks, zone, pattern):
    texts = [
        clock.strftime("%d.%m.%Y %H:%M:%S.%f") if pattern else clock.isoformat() for clock in clocks
    ]
    delivered = delivered_as(texts, zone=zone, formats=(pattern,) if pattern else ())
    expected = [clock.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for clock in clocks]
    assert instants(delivered).to_list() == expected
