"""A range is divided without loss, in order, and no batch is larger than it must be."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from persona_assets.lake.day_batches import day_batches

FIRST = date(2025, 1, 1)


def days(number: int) -> list[date]:
    return [FIRST + timedelta(days=each) for each in range(number)]


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 60))
def test_batches_are_the_range_cut_where_the_limit_is_reached(sizes: list[int], limit: int) -> None:
    range_ = days(len(sizes))
    rows = {day.isoformat(): size for day, size in zip(range_, sizes, strict=True)}
    divided = day_batches(range_, rows, limit=limit)
    assert [day for batch in divided for day in batch] == range_
    totals = [sum(rows[day.isoformat()] for day in batch) for batch in divided]
    for batch, total in zip(divided, totals, strict=True):
        assert total <= limit or sum(1 for day in batch if rows[day.isoformat()]) == 1
    for here, (following, *_) in zip(totals, divided[1:], strict=False):
        assert here + rows[following.isoformat()] > limit, "a batch ends before it must"


def test_days_without_rows_cost_nothing() -> None:
    assert day_batches(days(400), {}, limit=1) == [days(400)]


def test_day_larger_than_the_limit_is_a_piece_by_itself() -> None:
    rows = {"2025-01-01": 3, "2025-01-02": 30, "2025-01-03": 3}
    assert day_batches(days(3), rows, limit=10) == [[day] for day in days(3)]
