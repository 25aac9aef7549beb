"""What was known at a time, against the definition told row by row; changes of every kind."""

from datetime import UTC, date, datetime, timedelta

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.tables.raw import BEGINNING, PRODUCT_HISTORY
from persona_assets.transforms.attribute_history import (
    as_known_at,
    newest,
    with_product_attribute,
)

START = datetime(2025, 3, 3, tzinfo=UTC)
DAYS = [date(2025, 3, 1) + timedelta(days=number) for number in range(10)]
PRODUCTS = ("a", "b", "c", "never")


def history(*rows):
    """Rows of (product, category, valid from, valid to)."""
    return pl.DataFrame(
        [
            {"product_id": product, "category": category, "valid_from": since, "valid_to": until}
            for product, category, since, until in rows
        ],
        schema=PRODUCT_HISTORY.polars_schema,
    )


@st.composite
def histories(draw):
    """Periods that do not overlap, in hours around the days: gaps, changes on one day, repeats."""
    rows = []
    for product in draw(st.sets(st.sampled_from(PRODUCTS[:3]))):
        hours = draw(st.sets(st.integers(0, 7 * 24), min_size=1, max_size=8))
        instants = [START + timedelta(hours=hour - 24) for hour in sorted(hours)]
        if draw(st.booleans()):
            instants[0] = BEGINNING
        for since, until in zip(instants, [*instants[1:], None], strict=True):
            if draw(st.integers(0, 4)):  # else: a gap
                category = draw(st.sampled_from(["lamps", "chairs", None]))
                rows.append((product, category, since, until))
    return history(*draw(st.permutations(rows)))


def known_by_definition(rows, product, instant):
    """Category of the one row that holds right before the instant; no row: ()."""
    return [
        category
        for known, category, since, until in rows.select(
            "product_id", "category", "valid_from", "valid_to"
        ).rows()
        if known == product and since < instant and (until is None or until >= instant)
    ]


@given(histories(), st.integers(-48, 8 * 24))
def test_known_is_what_held_right_before_the_instant(rows, hour):
    instant = START + timedelta(hours=hour)
    known = as_known_at(rows, instant)
    found = {
        product: [category] for product, category in known.select("product_id", "category").rows()
    }
    assert found == {
        product: expected
        for product in PRODUCTS
        if (expected := known_by_definition(rows, product, instant))
    }
    lazily = as_known_at(nw.from_native(rows.lazy()), instant).collect("polars").to_native()
    assert_frame_equal(lazily, known, check_row_order=False)


@given(histories())
def test_each_row_gets_what_was_known_at_the_end_of_its_day(rows):
    events = pl.DataFrame([(p, day) for p in PRODUCTS for day in DAYS],
                          schema=["product_id", "event_date"], orient="row")  # fmt: skip
    plain, extended = (
        with_product_attribute(
            nw.from_native(events.lazy()), nw.from_native(rows.lazy()), "category", extended=each
        )
        .collect("polars")
        .to_native()
        for each in (False, True)
    )
    assert plain.height == extended.height == events.height
    for product, day, category in plain.rows():
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
        assert [category] == (known_by_definition(rows, product, midnight) or [None])
    states = rows.sort("valid_from")
    for product, day, category in extended.rows():
        of_product = states.filter(pl.col("product_id") == product)
        begun = of_product.filter(pl.col("valid_from").dt.date() <= day)
        best = begun["category"][-1:] if len(begun) else of_product["category"][:1]
        assert [category] == (best.to_list() or [None])


def test_what_becomes_known_at_midnight_is_not_known_at_the_cutoff_of_that_day():
    rows = history(("a", "old", BEGINNING, START), ("a", "new", START, None))
    assert as_known_at(rows, START.date())["category"].to_list() == ["old"]
    assert as_known_at(rows, START.date() + timedelta(days=1))["category"].to_list() == ["new"]


def test_newest_state_is_the_last_one_even_of_what_is_gone():
    rows = history(
        ("b", "old", BEGINNING, START), ("a", "x", BEGINNING, None), ("b", "new", START, START)
    )
    assert newest(rows, "product_id").select("product_id", "category").rows() == [
        ("a", "x"),
        ("b", "new"),
    ]


def test_undated_products_hold_at_all_times(on_polars):
    events = pl.DataFrame({"product_id": ["a", "z", None], "event_date": DAYS[:3]})
    products = pl.DataFrame({"product_id": ["a"], "category": ["lamps"]})
    found = on_polars(with_product_attribute, events, products, attribute="category")
    assert found.sort("event_date")["category"].to_list() == ["lamps", None, None]


@pytest.mark.parametrize("extended", [False, True])
def test_both_engines_agree(lazy, collect, extended):
    hour = timedelta(hours=1)
    rows = history(
        ("a", "x", BEGINNING, START + 3 * hour), ("a", "y", START + 3 * hour, START + 5 * hour),
        ("a", None, START + 5 * hour, START + 60 * hour), ("a", "x", START + 100 * hour, None),
        ("b", "z", START + 30 * hour, START + 50 * hour), ("b", "z", START + 50 * hour, None),
    )  # fmt: skip
    events = pl.DataFrame(
        {"product_id": ["a"] * 10 + ["b"] * 10 + ["never"] * 10, "event_date": DAYS * 3}
    )
    found = collect(with_product_attribute(lazy(events), lazy(rows), "category", extended=extended))
    by_day = {
        product: frame.sort("event_date")["category"].to_list()
        for (product,), frame in found.group_by("product_id")
    }
    assert by_day == {
        "a": ["x"] * 2 + [None] * 4 + ["x"] * 4,
        "b": ["z" if extended else None] * 3 + ["z"] * 7,
        "never": [None] * 10,
    }
    known = collect(as_known_at(lazy(rows), date(2025, 3, 5)))
    assert known.sort("product_id").select("product_id", "category").rows() == [
        ("a", None),
        ("b", "z"),
    ]
