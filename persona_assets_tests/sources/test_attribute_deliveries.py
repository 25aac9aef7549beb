"""A history after any deliveries says of every instant what the last delivery before it said."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError
from persona_assets.lake.content_hash import content_hash
from persona_assets.sources import attribute_deliveries
from persona_assets.sources.attribute_deliveries import (
    Changes,
    after_dated_delivery,
    after_delivery,
    changes,
)
from persona_assets.tables.raw import BEGINNING, PRODUCT_HISTORY, PRODUCTS, USER_HISTORY, USERS
from persona_assets.transforms.attribute_history import as_known_at

START = datetime(2025, 3, 3, 2, 15, tzinfo=UTC)
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
NOTHING = PRODUCT_HISTORY.empty()


def products(**prices):
    """Rows of raw/products: a price for each; None: no price."""
    return pl.DataFrame(
        [{"product_id": name, "price": price, "kind": "product"} for name, price in prices.items()],
        schema=PRODUCTS.polars_schema,
    )


def prices_at(history, instant):
    return dict(as_known_at(history, instant).select("product_id", "price").iter_rows())


def delivered(*deliveries, since=NOTHING):
    """The history after deliveries a day apart."""
    for number, delivery in enumerate(deliveries):
        since = after_delivery(since, delivery, START + number * DAY)
    return since


catalogues = st.dictionaries(
    st.sampled_from("abcd"), st.sampled_from([1.0, 2.0, 3.0, None]), max_size=4
)


@given(st.lists(catalogues, min_size=1, max_size=8))
def test_history_says_what_was_delivered_last_before_any_instant(deliveries):
    history = delivered(*(products(**each) for each in deliveries))
    if not deliveries[0]:
        return  # a history without rows waits for its first delivery
    for number, delivery in enumerate(deliveries):
        arrival = START + number * DAY
        assert prices_at(history, arrival + INSTANT) == delivery
        before = deliveries[number - 1] if number else deliveries[0]
        assert prices_at(history, arrival) == before
    assert prices_at(history, BEGINNING + INSTANT) == deliveries[0]
    assert history.select("product_id", "valid_from").is_unique().all()


@given(st.lists(catalogues, min_size=2, max_size=6), catalogues)
def test_a_later_delivery_moves_nothing_that_was_known_before_it(deliveries, later):
    before = delivered(*(products(**each) for each in deliveries))
    arrival = START + 20 * DAY
    after = after_delivery(before, products(**later), arrival)
    if before.is_empty():
        return
    for instant in (*(START + number * DAY + INSTANT for number in range(6)), arrival):
        assert prices_at(after, instant) == prices_at(before, instant)
    told = changes(before, after)
    assert told.since in (None, arrival)
    assert (told.since is None) == before.equals(after)


def test_unchanged_deliveries_leave_the_table_as_it_is():
    catalogue = products(a=1.0, b=None)
    once, often = delivered(catalogue), delivered(*[catalogue.reverse()] * 365)
    assert_frame_equal(once, often)
    assert content_hash(once) == content_hash(often)
    assert changes(once, often) == Changes(new=0, changed=0, gone=0, since=None)


def test_a_change_a_return_and_a_newcomer_are_told_apart():
    first = delivered(products(a=1.0, b=2.0))
    second = after_delivery(first, products(a=5.0, c=3.0), START + DAY)
    assert changes(first, second) == Changes(new=1, changed=1, gone=1, since=START + DAY)
    assert second.select("product_id", "price", "valid_from", "valid_to").rows() == [
        ("a", 1.0, BEGINNING, START + DAY),
        ("a", 5.0, START + DAY, None),
        ("b", 2.0, BEGINNING, START + DAY),
        ("c", 3.0, START + DAY, None),
    ]
    third = after_delivery(second, products(a=5.0, b=2.0, c=3.0), START + 2 * DAY)
    assert third.filter(pl.col("product_id") == "b")["valid_from"].to_list() == [
        BEGINNING,
        START + 2 * DAY,
    ]
    assert changes(second, third).since == START + 2 * DAY


def test_what_has_a_first_day_is_known_from_it_whichever_delivery_brings_it():
    """So a shop that is loaded day by day gets the table of one that is loaded at once."""
    everybody = pl.DataFrame(
        [
            {"user_id": "ann", "country": "DE", "signup_date": date(2024, 1, 1)},
            {"user_id": "bob", "country": "FR", "signup_date": date(2025, 3, 4)},
            {"user_id": "cyd", "country": "FR", "signup_date": None},
        ],
        schema=USERS.polars_schema,
    )
    at_once = after_delivery(USER_HISTORY.empty(), everybody, START + 90 * DAY)
    day_by_day = USER_HISTORY.empty()
    for number in range(3):
        known = pl.col("signup_date").fill_null(date(2024, 1, 1)) <= START.date() + number * DAY
        day_by_day = after_delivery(day_by_day, everybody.filter(known), START + number * DAY)
    assert_frame_equal(at_once, day_by_day)
    assert at_once["valid_from"].to_list() == [
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2025, 3, 4, tzinfo=UTC),
        BEGINNING,
    ]


def test_a_clock_that_goes_back_leaves_one_state_at_any_time():
    history = after_delivery(delivered(products(a=1.0), products(a=2.0)), products(a=3.0), START)
    assert prices_at(history, START + DAY) == {"a": 1.0}
    assert prices_at(history, START + 2 * DAY) == {"a": 3.0}
    assert history.height == 2


def dated(*rows):
    return pl.concat(
        [products(**prices).with_columns(valid_from=pl.lit(since, pl.Datetime("us", "UTC")))
         for since, prices in rows]
    )  # fmt: skip


def test_dated_states_are_the_history_in_whatever_order_they_come():
    rows = dated(
        (START + 2 * DAY, {"a": 3.0}),
        (None, {"a": 1.0, "b": 9.0}),
        (START + DAY, {"a": 1.0}),
        (START + 3 * DAY, {"a": None}),  # says nothing new
    )
    history = after_dated_delivery(NOTHING, rows, START + 9 * DAY)
    assert history.select("product_id", "price", "valid_from", "valid_to").rows() == [
        ("a", 1.0, BEGINNING, START + 2 * DAY),
        ("a", 3.0, START + 2 * DAY, None),
        ("b", 9.0, BEGINNING, None),
    ]
    again = after_dated_delivery(history, rows.reverse(), START + 30 * DAY)
    assert_frame_equal(again, history)


@given(st.lists(st.tuples(st.integers(0, 9), catalogues), max_size=6, unique_by=lambda row: row[0]))
def test_dated_history_says_what_its_last_state_before_an_instant_says(rows):
    given_rows = [(START + day * DAY, {k: v for k, v in each.items() if v}) for day, each in rows]
    history = NOTHING
    if any(each for _, each in given_rows):
        history = after_dated_delivery(history, dated(*given_rows), START + 99 * DAY)
    for day in range(11):
        instant = START + day * DAY
        said = {}
        for since, each in sorted(given_rows, key=lambda row: row[0]):
            if since < instant:
                said |= each
        assert prices_at(history, instant) == said


def test_what_a_dated_delivery_lacks_ends_when_it_arrives():
    first = after_dated_delivery(NOTHING, dated((None, {"a": 1.0, "b": 2.0})), START)
    second = after_dated_delivery(first, dated((None, {"a": 1.0})), START + DAY)
    assert prices_at(second, START + DAY) == {"a": 1.0, "b": 2.0}
    assert prices_at(second, START + 2 * DAY) == {"a": 1.0}
    assert changes(first, second) == Changes(new=0, changed=0, gone=1, since=START + DAY)


@pytest.mark.parametrize("after", [after_delivery, after_dated_delivery])
def test_two_rows_of_one_identifier_are_refused(after):
    rows = pl.concat([products(a=1.0), products(a=2.0)])
    if after is after_dated_delivery:
        rows = rows.with_columns(valid_from=pl.lit(START))
    with pytest.raises(DataError, match="2 delivered rows agree in product_id"):
        after(NOTHING, rows, START)


def test_a_source_without_dates_is_asked_for_its_newest_state():
    source = SimpleNamespace(products=lambda: products(a=1.0))
    history = attribute_deliveries.product_history(NOTHING, source, START)
    assert history["valid_from"].to_list() == [BEGINNING]
    dates = SimpleNamespace(
        dated_users=lambda: None, dated_products=lambda: dated((START, {"a": 2.0}))
    )
    history = attribute_deliveries.product_history(history, dates, START + DAY)
    assert prices_at(history, START + DAY) == {"a": 2.0}
