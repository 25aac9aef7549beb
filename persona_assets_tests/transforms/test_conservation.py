from collections import Counter
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.transforms.conservation import COUNTS, tally

SCHEMA = {"event_date": pl.Date, "source_row": pl.Int64}
ONE, TWO, THREE = (date(2025, 3, day) for day in (1, 2, 3))
Row = tuple[date, int]


def framed(rows: list[Row]) -> pl.DataFrame:
    """Rows with a column that counting has no use for."""
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(value=pl.lit("x"))


def tallied(frame: pl.DataFrame) -> dict[date, dict[str, int]]:
    return {row.pop("event_date"): row for row in frame.to_dicts()}


def counts(**given: int) -> dict[str, int]:
    return dict.fromkeys(COUNTS, 0) | given


def test_each_way_to_break_conservation_is_counted_on_its_own_day(lazy, collect):
    raw = [(ONE, 0), (ONE, 1), (ONE, 2), (TWO, 0), (TWO, 1), (TWO, 2), (TWO, 3)]
    mart = [(ONE, 0), (ONE, 2), (TWO, 0), (TWO, 0), (TWO, 1)]
    quarantine = [(ONE, 1), (TWO, 1), (TWO, 9), (THREE, 0)]
    found = collect(tally(*(lazy(framed(rows)) for rows in (raw, mart, quarantine))))
    assert tallied(found) == {
        ONE: counts(raw=3, mart=2, quarantine=1),
        # Rows 2 and 3 are lost, 0 is twice in the mart, 1 in both tables, 9 has no raw row.
        TWO: counts(raw=4, mart=3, quarantine=2, lost=2, doubled=2, invented=1),
        THREE: counts(quarantine=1, invented=1),
    }


@pytest.mark.parametrize("present", range(3))
def test_two_of_the_three_tables_may_be_empty(on_polars, present):
    frames = [framed([(ONE, 0)] if number == present else []) for number in range(3)]
    assert tallied(on_polars(tally, *frames)) == {
        ONE: (
            counts(raw=1, lost=1),
            counts(mart=1, invented=1),
            counts(quarantine=1, invented=1),
        )[present]
    }


PLACES = st.tuples(st.sampled_from([ONE, TWO, THREE]), st.integers(0, 4))


@settings(max_examples=60)
@given(st.sets(PLACES), st.lists(PLACES, max_size=8), st.lists(PLACES, max_size=8))
def test_counts_equal_those_of_a_loop_over_the_rows(on_polars, raw, mart, quarantine):
    kept = Counter([*mart, *quarantine])
    expected: dict[date, dict[str, int]] = {}
    for day, row in raw | kept.keys():
        found = expected.setdefault(day, counts())
        found["raw"] += (day, row) in raw
        found["mart"] += mart.count((day, row))
        found["quarantine"] += quarantine.count((day, row))
        found["lost"] += (day, row) in raw and kept[day, row] == 0
        found["doubled"] += (day, row) in raw and kept[day, row] > 1
        found["invented"] += (day, row) not in raw
    frames = [framed(sorted(rows)) for rows in (raw, mart, quarantine)]
    assert tallied(on_polars(tally, *frames)) == expected
