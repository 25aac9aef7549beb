import re
from calendar import isleap
from datetime import UTC, datetime, timedelta

import narwhals as nw
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.transforms.timestamps import parse_timestamps


def parsed_by(lazy, collect, texts):
    frame = pl.DataFrame(
        {"row": range(len(texts)), "text": texts}, schema_overrides={"text": pl.String}
    )
    result = collect(parse_timestamps(lazy(frame), "text", into="ts").select("row", "ts"))
    assert result.schema["ts"] == pl.Datetime("us", "UTC")
    return result.sort("row")["ts"].to_list()


def by_polars(texts):
    return parsed_by(
        lambda frame: nw.from_native(frame.lazy()),
        lambda frame: frame.collect("polars").to_native(),
        texts,
    )


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


READABLE = {
    "2025-03-09T10:20:30Z": utc(2025, 3, 9, 10, 20, 30),
    "2025-03-09 10:20:30": utc(2025, 3, 9, 10, 20, 30),
    "2025-03-09T10:20": utc(2025, 3, 9, 10, 20),
    "2025-03-09T10:20+01:00": utc(2025, 3, 9, 9, 20),
    "2025-03-09T10:20:30.1": utc(2025, 3, 9, 10, 20, 30, 100_000),
    "2025-03-09T10:20:30.123456Z": utc(2025, 3, 9, 10, 20, 30, 123_456),
    "2025-03-09T10:20:30.123456999Z": utc(2025, 3, 9, 10, 20, 30, 123_456),
    "2025-03-09T10:20:30.000001-0330": utc(2025, 3, 9, 13, 50, 30, 1),
    # Europe springs forward at 01:00 UTC: 01:59:59 +01:00 and 03:00:00 +02:00 are a second apart.
    "2025-03-30T01:59:59+01:00": utc(2025, 3, 30, 0, 59, 59),
    "2025-03-30T03:00:00+02:00": utc(2025, 3, 30, 1),
    "2024-12-31T23:30:00-05:00": utc(2025, 1, 1, 4, 30),
    "2024-02-29T00:00:00Z": utc(2024, 2, 29),
    "2000-02-29T00:00:00Z": utc(2000, 2, 29),
    "1969-12-31T23:59:59.5Z": utc(1969, 12, 31, 23, 59, 59, 500_000),
    "1000-01-01T00:00:00+23:59": utc(999, 12, 31, 0, 1),
    "8999-12-31T23:59:59.999999-23:59": utc(9000, 1, 1, 23, 58, 59, 999_999),
    "09/03/2025 10:20": utc(2025, 3, 9, 10, 20),
    "31/12/2024 23:59:59": utc(2024, 12, 31, 23, 59, 59),
    "1741515630": utc(2025, 3, 9, 10, 20, 30),
    "999999999": utc(2001, 9, 9, 1, 46, 39),
    "1741515630123": utc(2025, 3, 9, 10, 20, 30, 123_000),
    "999999999999": utc(2001, 9, 9, 1, 46, 39, 999_000),
}
UNREADABLE = (
    None,
    "",
    " ",
    "yesterday",
    "2025-02-30T10:00:00Z",
    "2025-04-31T10:00:00Z",
    "2023-02-29 10:00:00",
    "1900-02-29T00:00:00Z",
    "2025-13-01T00:00:00Z",
    "2025-00-01T00:00:00Z",
    "2025-01-00T00:00:00Z",
    "2025-01-01T24:00:00Z",
    "2025-01-01T10:60:00Z",
    "2025-01-01T10:00:60Z",
    "2025-01-01T10:00:00+24:00",
    "2025-01-01T10:00:00+1",
    "2025-01-01T10:00:00.1234567890Z",
    "2025-01-01T10:00:00.Z",
    "2025-01-01T10:00:00Z\n",
    "2025-01-01T10:00:00 Z",
    " 2025-01-01T10:00:00Z",
    "2025-01-01",
    "2025-1-1 10:00:00",
    "29/02/2025 10:00",
    "12/31/2024 10:00",
    "01/02/25 10:00",
    "01/02/2025 10:00Z",
    "0000-01-01T00:00:00Z",
    "0999-12-31T00:00:00Z",
    "9000-01-01T00:00:00Z",
    "12345678",
    "12345678901",
    "17415156301234",
    "-1741515630",
    "1741515630.5",
    "٢٠٢٥-٠١-٠١T١٠:٠٠:٠٠Z",
)


def test_each_accepted_format_means_its_instant(lazy, collect):
    assert parsed_by(lazy, collect, list(READABLE)) == list(READABLE.values())


def test_anything_else_is_null_and_never_an_error(lazy, collect):
    assert parsed_by(lazy, collect, list(UNREADABLE)) == [None] * len(UNREADABLE)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(8999, 12, 30)),
            st.integers(min_value=-23 * 60 - 59, max_value=23 * 60 + 59),
            st.sampled_from(["T", " "]),
            st.sampled_from([":", ""]),
        ),
        min_size=1,
    )
)
def test_iso_text_agrees_with_python(cases):
    texts = []
    for instant, offset_minutes, separator, colon in cases:
        local = instant + timedelta(minutes=offset_minutes)
        hours, minutes = divmod(abs(offset_minutes), 60)
        zone = f"{'-' if offset_minutes < 0 else '+'}{hours:02}{colon}{minutes:02}"
        texts.append(local.isoformat(sep=separator, timespec="microseconds") + zone)
    assert by_polars(texts) == [instant.replace(tzinfo=UTC) for instant, *_ in cases]


DIGITS = r"\A[1-8][0-9]{3}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]\Z"


@settings(max_examples=30)
@given(st.lists(st.from_regex(re.compile(DIGITS, re.ASCII)), min_size=1))
def test_a_day_is_readable_just_when_the_calendar_has_it(texts):
    assert by_polars(texts) == [by_python(text) for text in texts]


def test_only_leap_years_have_a_29th_of_february():
    years = range(1000, 9000)
    readable = by_polars([f"{year}-02-29T00:00:00" for year in years])
    assert [at is not None for at in readable] == [isleap(year) for year in years]


def by_python(text):
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


@settings(max_examples=30)
@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=30), st.sampled_from(list(READABLE))), max_size=20
    )
)
def test_no_text_whatever_raises(texts):
    assert by_polars(texts) == [READABLE.get(text) for text in texts]
