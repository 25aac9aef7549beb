"""Numbers are read in the notation that their column proves, and otherwise not at all."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.sources.numbers import (
    NumberFormat,
    currencies,
    number_format,
    read_numbers,
)


def read(*texts, priced=True, **stated):
    column = pl.Series("price", texts, pl.String)
    notation = NumberFormat(**stated) if stated else number_format([column])
    return read_numbers(column, notation, priced=priced).to_list()


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (("12.5", "-3", "+3", "1e3", ".5", "5."), (12.5, -3, 3, 1000, 0.5, 5)),
        (("1,299.00", "12.50"), (1299, 12.5)),
        (("5,99", "12", "1.299"), (5.99, 12, 1299)),
        (("1.234.567,89", "1.299"), (1234567.89, 1299)),
        (("1 299,50",), (1299.5,)),
        (("1\u202f299,50", "1\xa0299,50"), (1299.5, 1299.5)),
        (("1'299.50", "1’299.50"), (1299.5, 1299.5)),
        (("1,29,900.00",), (129900,)),
        (("0,123",), (0.123,)),
        (("$12.50", "12.50", "-$3.00", "$-3.00"), (12.5, 12.5, -3, -3)),
        (("12,50 €", "1.299,00 €"), (12.5, 1299)),
        (("EUR 5,00",), (5,)),
        (("US$ 5.00",), (5,)),
        (("(5.00)", "5.00-", "\u22125.00", "($5.00)"), (-5, -5, -5, -5)),
    ],
)
def test_what_can_be_decided_is_read(texts, numbers):
    assert read(*texts) == list(numbers)


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (("1,234",), (None,)),
        (("1,234", "7"), (None, 7)),
        (("5,99", "12.50", "1,234"), (None, 12.5, None)),
        (("€5", "$6", "7"), (None, None, 7)),
        (
            ("12 kg", "much", "1.2.3", "(5", "-5-", "(-5)", "$5€", "inf", "15%", "1,2,3"),
            (None,) * 10,
        ),
    ],
)
def test_what_cannot_be_decided_is_not_read(texts, numbers):
    assert read(*texts) == list(numbers)


def test_one_number_of_the_other_notation_among_many_is_dirt():
    prices = ["12.50"] * 200 + ["5,99", "1,234"]
    assert read(*prices)[-2:] == [None, 1234]


def test_the_prices_of_a_section_decide_how_its_quantities_are_read():
    price, quantity = pl.Series(["1,299.00"]), pl.Series(["1,200"])
    notation = number_format([price, quantity])
    assert read_numbers(quantity, notation, priced=False).to_list() == [1200]
    assert "'1,299.00' has no other meaning" in notation.evidence


def test_a_stated_notation_is_taken_at_its_word():
    assert read("1,234", decimal=",", thousands=".") == [1.234]
    assert read("1,234", decimal=".", thousands=",") == [1234]
    assert read("1.234", decimal=",", thousands=".") == [1234]
    assert read("1 234", "1.234", decimal=",", thousands=" ") == [1234, None]
    assert read("5 kr", "kr 5", "5 €", currency=("kr",)) == [5, 5, None]


def test_a_quantity_has_no_currency():
    assert read("$5", priced=False, currency=("$",)) == [None]


def test_currencies_are_counted():
    assert currencies(pl.Series(["$5", "5 €", "€ 6", "7", "EUR 5"])) == {"€": 2, "$": 1, "EUR": 1}


@given(
    st.lists(st.decimals(-(10**7), 10**7, places=2), min_size=1, max_size=20),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", ".")]),
    st.sampled_from(["", "€", "$"]),
)
def test_numbers_with_two_decimals_are_read_back(numbers, signs, currency):
    thousands, decimal = signs
    swapped = str.maketrans({",": thousands, ".": decimal})
    texts = [currency + f"{number:,.2f}".translate(swapped) for number in numbers]
    assert read(*texts) == [float(number) for number in numbers]
