"""The shop as a source: contracts, determinism, ranges, arguments."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.errors import UserError
from persona_assets.sources.protocol import Source
from persona_assets.sources.synthetic import SyntheticShop
from persona_assets.tables import raw

START = date(2025, 1, 6)
DAYS = [START + timedelta(n) for n in range(5)]


def small(**changes: object) -> SyntheticShop:
    arguments = {"start": START, "end": START + timedelta(14), "users": 300, "products": 120}
    return SyntheticShop(**(arguments | {"seed": 11} | changes))  # type: ignore[arg-type]


SHOP = small()
FRAMES = {
    raw.USERS: lambda shop, days: shop.users(),
    raw.PRODUCTS: lambda shop, days: shop.products(),
    raw.EVENTS: lambda shop, days: shop.events(days),
    raw.ORDERS: lambda shop, days: shop.orders(days),
    raw.SEARCH_LOGS: lambda shop, days: shop.search_logs(days),
}
DAILY = (raw.EVENTS, raw.ORDERS, raw.SEARCH_LOGS)


@pytest.mark.parametrize("table", FRAMES, ids=lambda table: table.name)
def test_frames_keep_the_contract(table):
    frame = FRAMES[table](SHOP, DAYS)
    assert frame.height > 0
    assert frame.schema == table.polars_schema
    assert not frame.select(table.key).is_duplicated().any()
    for column in table.columns:
        values = frame[column.name]
        assert column.nullable or values.null_count() == 0, column.name
        if column.allowed:
            assert set(values) <= set(column.allowed)
    if table in DAILY:
        assert_frame_equal(frame, frame.sort("event_date", "source_row"))
        rows = frame.group_by("event_date", maintain_order=True).agg("source_row")
        assert all(r == list(range(len(r))) for r in rows["source_row"].to_list())


@pytest.mark.parametrize("table", DAILY, ids=lambda table: table.name)
def test_no_days_give_an_empty_frame_of_the_contract(table):
    assert_frame_equal(FRAMES[table](SHOP, []), table.empty())


@pytest.mark.parametrize("table", FRAMES, ids=lambda table: table.name)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(table):
    def parquet(shop: SyntheticShop) -> bytes:
        return FRAMES[table](shop, DAYS).write_ipc(None, compression="uncompressed").getvalue()

    assert parquet(small()) == parquet(SHOP)
    assert parquet(small(seed=12)) != parquet(SHOP)


@pytest.mark.parametrize("table", DAILY, ids=lambda table: table.name)
def test_a_day_alone_equals_the_day_within_a_range(table):
    together = FRAMES[table](SHOP, [DAYS[3], DAYS[1], DAYS[3], DAYS[2]])
    alone = [FRAMES[table](SHOP, [day]) for day in DAYS[1:4]]
    assert_frame_equal(together, pl.concat(alone))


@pytest.mark.parametrize("table", FRAMES, ids=lambda table: table.name)
def test_a_longer_shop_contains_the_shorter_one(table):
    longer = FRAMES[table](small(end=START + timedelta(200)), DAYS)
    opened = {"users": "signup_date", "products": "launch_date"}.get(table.name)
    if opened:
        assert longer.height > FRAMES[table](SHOP, DAYS).height
        longer = longer.filter(pl.col(opened) < SHOP.end)
    assert_frame_equal(longer, FRAMES[table](SHOP, DAYS))


def test_after_the_newcomers_everybody_asked_for_is_there():
    shop = small(end=START + timedelta(120))
    assert shop.users().height == 300
    assert shop.products().height == 120


def test_it_is_a_source_whose_identifiers_are_public():
    source: Source = SHOP
    assert (source.name, source.identifiers_are_public) == ("synthetic", True)
    assert (source.start, source.end) == (START, START + timedelta(14))
    assert SHOP == small() != small(seed=12)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end": START}, ("end 2025-01-06", "later")),
        ({"end": START - timedelta(1)}, ("end 2025-01-05", "later")),
        ({"users": 0}, ("users is 0", "choose 1")),
        ({"products": -3}, ("products is -3", "choose 1")),
        ({"seed": -1}, ("seed is -1", "choose 0")),
    ],
)
def test_arguments_that_make_no_shop_are_named(changes, words):
    with pytest.raises(UserError) as caught:
        small(**changes)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("method", ["events", "orders", "search_logs", "planted_truth"])
@pytest.mark.parametrize("day", [START - timedelta(1), START + timedelta(14)])
def test_days_outside_the_shop_are_named(method, day):
    with pytest.raises(UserError, match=str(day)):
        getattr(SHOP, method)([START, day])


def test_the_smallest_shop_works():
    shop = SyntheticShop(START, START + timedelta(30), users=1, products=1, seed=0)
    days = [START + timedelta(n) for n in range(30)]
    assert set(shop.events(days)["product_id"].drop_nulls()) <= {"p00000", "gone-p00000"}
    assert shop.planted_truth(days)["raw_rows"] == shop.events(days).height
    np.testing.assert_allclose(shop.affinity(["user-000000"], ["p00000"], START), [[1.0]])


def test_two_months_of_the_default_shop_hold_half_a_million_events():
    shop = SyntheticShop(START, START + timedelta(60))
    week = [START + timedelta(n) for n in range(28, 35)]
    assert shop.events(week).height / 7 * 60 == pytest.approx(500_000, rel=0.1)
