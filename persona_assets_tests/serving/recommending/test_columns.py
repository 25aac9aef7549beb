"""Columns found by dictionary are those found by search."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.serving.recommending.columns import Columns

NAMES = st.text("abc", max_size=3)


@given(st.lists(st.lists(NAMES, unique=True), min_size=1, max_size=6), st.data())
def test_columns_are_those_that_a_search_finds(each: list[list[str]], data: st.DataObject) -> None:
    columns = Columns()
    series = [pl.Series("product_id", names, dtype=pl.String) for names in each]
    for _ in range(12):
        products = data.draw(st.sampled_from(series))
        wanted = data.draw(st.sets(NAMES))
        expected = [place for place, name in enumerate(products) if name in wanted]
        assert sorted(columns.of(products, wanted).tolist()) == expected


def test_equal_series_are_not_taken_for_one_another() -> None:
    columns = Columns()
    one, other = pl.Series(["a", "b"]), pl.Series(["b", "a"])
    for _ in range(3):
        assert columns.of(one, {"a"}).tolist() == [0]
        assert columns.of(other, {"a"}).tolist() == [1]
