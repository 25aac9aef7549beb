"""Times in several columns are the time that one column of them would say."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.errors import UserError
from persona_assets.sources.files import FilesSource
from persona_assets.sources.mapping import parsed
from persona_assets.sources.time_parts import joined, time_parts

TODAY = date(2024, 12, 1)
WHERE = "mapping shop.toml [events]"


def text_of(**parts):
    return (
        pl.DataFrame(parts)
        .select(text=joined({name: pl.col(name) for name in parts}))["text"]
        .to_list()
    )


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"date": "13.05.2024", "time": "9:30"}, "13.05.2024 9:30"),
        ({"date": "2024-05-13T00:00:00", "time": "1899-12-31T09:30:00"}, "2024-05-13 09:30:00"),
        ({"date": "2024-05-13 00:00:00.000", "time": "9:30 PM"}, "2024-05-13 9:30 PM"),
        ({"date": "20240513", "time": "93000"}, "20240513 09:30:00"),
        ({"date": "20240513", "time": "930"}, "20240513 09:30"),
        ({"date": "20240513", "time": "93000.0"}, "20240513 09:30:00"),
        ({"date": "20240513", "time": "9"}, "20240513 9"),
        ({"date": "2024-05-13", "time": "09:30", "zone": "+02:00"}, "2024-05-13 09:30 +02:00"),
        ({"date": "2024-05-13", "time": None}, "2024-05-13"),
        ({"date": None, "time": "09:30"}, None),
        ({"year": "2024", "month": "5", "day": "3"}, "2024-05-03"),
        ({"year": "2024.0", "month": "5.0", "day": "3.0"}, "2024-05-03"),
        ({"year": "2024", "month": "5", "day": "3", "hour": "7"}, "2024-05-03 07:00"),
        ({"year": "2024", "month": "5", "day": None}, None),
    ],
)
def test_parts_make_the_text_of_a_time(parts, text):
    assert text_of(
        **{name: pl.Series([part], dtype=pl.String) for name, part in parts.items()}
    ) == [text]


def test_digits_of_one_file_are_read_in_one_way():
    assert text_of(date=["20240513"] * 3, time=["1500", "93000", "5"]) == [
        "20240513 00:15:00", "20240513 09:30:00", "20240513 00:00:05",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"time": "t"}, "needs a day"),
        ({"year": "y", "month": "m"}, "needs a day"),
        ({"date": "d", "year": "y", "month": "m", "day": "t"}, "needs a day"),
        ({"date": "d", "time": "t", "hour": "h"}, "unclear time of day"),
        ({"date": "d", "minute": "m"}, "unclear time of day"),
        ({"date": "d", "clock": "t"}, "unknown part 'clock'"),
        ({"date": 5}, "'date' is 5"),
    ],
)
def test_parts_that_make_no_time_are_named(parts, message):
    with pytest.raises(UserError, match=message):
        time_parts(parts, "timestamp", WHERE)


_WAYS = {
    "date and time": ("date,time", "{0:%d.%m.%Y},{0:%H:%M:%S}", {"date": "date", "time": "time"}),
    "digits": ("date,time", "{0:%Y%m%d},{0:%H%M%S}", {"date": "date", "time": "time"}),
    "numbers": (
        "y,m,d,h,n,s",
        "{0.year},{0.month},{0.day},{0.hour},{0.minute},{0.second}",
        {"year": "y", "month": "m", "day": "d", "hour": "h", "minute": "n", "second": "s"},
    ),
}


@pytest.mark.parametrize("way", _WAYS)
@settings(max_examples=20)
@given(st.lists(st.datetimes(datetime(2024, 1, 1), datetime(2024, 11, 30)), max_size=6))
def test_a_shop_with_times_in_parts_is_the_shop_with_times_in_one(way, tmp_path_factory, times):
    # One day over 12, and one time of day of six digits, decide.
    times = [datetime(2024, 5, 13, 10), *(each.replace(microsecond=0) for each in times)]
    header, row, timestamp = _WAYS[way]
    folder = tmp_path_factory.mktemp("shop")
    rows = [f"u{n},p1,view,{row.format(each)}" for n, each in enumerate(times)]
    (folder / "e.csv").write_text("\n".join([f"user,item,event,{header}", *rows]) + "\n")
    events = {
        "file": "e.csv",
        "user_id": "user",
        "product_id": "item",
        "event_type": "event",
        "timestamp": timestamp,
        "constants": {"consent": True},
    }
    source = FilesSource(folder, parsed({"events": events}, folder / "shop.toml"), today=TODAY)
    found = source.delivered_events.sort("user_id")["instant"].to_list()
    users = sorted(range(len(times)), key=lambda n: f"u{n}")
    assert found == [times[n].replace(tzinfo=UTC) for n in users]


def test_a_file_without_one_of_the_parts_is_named(tmp_path):
    (tmp_path / "e.csv").write_text("user,item,event,date\nu1,p1,view,2024-05-13\n")
    columns = {"user_id": "user", "product_id": "item", "event_type": "event"}
    events = {
        "file": "e.csv",
        **columns,
        "timestamp": {"date": "date", "time": "clock"},
        "constants": {"consent": True},
    }
    source = FilesSource(tmp_path, parsed({"events": events}, tmp_path / "m.toml"), today=TODAY)
    with pytest.raises(UserError, match=r"no column 'clock', to which \[events\] maps timestamp"):
        source.events([date(2024, 5, 13)])
