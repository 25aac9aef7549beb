from datetime import date, timedelta

import narwhals as nw
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.transforms.days import during

DAY = timedelta(days=1)
FIRST = date(2025, 2, 20)
CALENDAR = [FIRST + number * DAY for number in range(25)]
FRAME = pl.DataFrame({"event_date": [*CALENDAR, *CALENDAR, None]})


def found(lazy, collect, days, before=0):
    return collect(during(lazy(FRAME), days, before=before))["event_date"].sort().to_list()


def on_polars(days, before):
    return found(
        lambda frame: nw.from_native(frame.lazy()), lambda f: f.collect().to_native(), days, before
    )


@given(st.lists(st.sampled_from(CALENDAR), max_size=8), st.integers(0, 4))
def test_exactly_the_days_and_those_before_them(days, before):
    wanted = {day - back * DAY for day in days for back in range(before + 1)}
    expected = sorted(2 * [day for day in CALENDAR if day in wanted])
    assert on_polars(days, before) == expected


def test_no_days_have_no_rows_on_either_engine(lazy, collect):
    assert found(lazy, collect, []) == []
    assert found(lazy, collect, CALENDAR[3:5]) == sorted(2 * CALENDAR[3:5])


def test_consecutive_days_are_one_range_from_which_whole_files_can_be_left_out():
    plan = nw.to_native(during(nw.from_native(FRAME.lazy()), CALENDAR[2:9], before=3)).explain()
    assert "is_between([2025-02-19, 2025-02-28])" in plan
