"""One person, product or order has one spelling, in whatever file it stands."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.sources.identifiers import LookAlikes, look_alikes, one_spelling


def spelled(**columns):
    series = {name: pl.Series("id", texts, pl.String) for name, texts in columns.items()}
    found, changed = one_spelling(series)
    return {name: column.to_list() for name, column in found.items()}, changed


def test_integral_floats_are_integers_across_sections():
    found, changed = spelled(events=["17850.0", "17850.00", None], users=["17850", "17851."])
    assert found == {"events": ["17850", "17850", None], "users": ["17850", "17851"]}
    assert changed


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("00123", "00123"),
        ("00123.0", "00123"),
        ("9007199254740993.0", "9007199254740993"),
        ("18446744073709551617.000", "18446744073709551617"),
        ("1.785e4", "17850"),
        ("1.7850E+04", "17850"),
        ("17850.5", "17850.5"),
        ("-1.0", "-1"),
    ],
)
def test_nothing_is_rounded(text, spelling):
    assert spelled(events=[text, "1.0"])[0]["events"][0] == spelling


def test_a_column_with_any_other_identifier_stays_as_it_is():
    columns = {"events": ["17850.0", "A-17"], "products": ["17850"]}
    assert spelled(**columns) == (columns, False)
    elsewhere = {"events": ["17850.0"], "products": ["A-17"]}
    assert spelled(**elsewhere) == (elsewhere, False)


@given(st.lists(st.integers(0, 10**25).map(str), min_size=1), st.integers(0, 3))
def test_identifiers_with_and_without_fraction_are_the_same(numbers, zeros):
    fractions = [f"{number}.{'0' * zeros}" for number in numbers]
    found, _ = spelled(events=fractions, products=numbers)
    assert found["events"] == found["products"] == numbers


def test_two_spellings_of_a_number_beside_a_word_are_counted():
    users = pl.Series("id", ["1001.0", "1001", "1001", "7.0", "8", "guest", None, "2e3", "2000"])
    assert look_alikes([users]) == LookAlikes(pairs=2, rows=5, words=1)
    elsewhere = [pl.Series("id", ["1001.0", "guest"]), pl.Series("id", ["1001"])]
    assert look_alikes(elsewhere) == LookAlikes(pairs=1, rows=2, words=1)
    assert look_alikes([pl.Series("id", ["1001.0", "A-17", "1002"])]) is None
    assert look_alikes([pl.Series("id", ["A-1.0", "A-1"])]) is None
