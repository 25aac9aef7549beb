"""Examples are of few, middling and many events, and show only what the model could have known."""

from datetime import UTC, date, datetime, timedelta

import pytest

from persona_assets.lake import DeltaStore
from persona_assets.report.example_lists import ExampleList, read_example_lists
from persona_assets_tests.report.conftest import write

CUTOFF = date(2025, 1, 20)


def deed(
    user: str, product: str, event_type: str, day: int, arrived: date | None = None
) -> dict[str, object]:
    happened = datetime(2025, 1, day, 12, tzinfo=UTC)
    return {
        **{"event_date": happened.date(), "event_ts": happened, "user_id": user},
        **{"event_id": f"{user}{product}{day}", "product_id": product, "event_type": event_type},
        "arrival_date": arrived or happened.date(),
    }


@pytest.fixture
def store(tmp_path) -> DeltaStore:
    store = DeltaStore(str(tmp_path / "lake"))
    deeds = [
        deed("few", "p1", "view", 10),
        *(deed("middle", f"p{number}", "view", 10 + number) for number in (1, 2)),
        deed("middle", "p1", "purchase", 14),
        *(deed("many", f"p{number}", "add_to_cart", 3 + number) for number in range(1, 8)),
        deed("many", "p8", "view", 18, arrived=CUTOFF),  # arrived too late to be known
        deed("many", "p9", "view", 21),  # happened after the cut-off
        deed("unserved", "p1", "view", 10),
    ]
    write(store, "mart/user_item_interactions", deeds)
    write(
        store,
        "raw/products",
        [{"product_id": f"p{number}", "name": f"Product {number}"} for number in range(1, 7)],
    )
    lists = [
        {"user_id": user, "rank": rank, "product_id": f"p{rank + 1}", "cutoff": CUTOFF}
        for user in ("few", "middle", "many", "idle", "*")
        for rank in range(1, 7)
    ]
    write(store, "recommendations/served", lists)
    return store


def test_examples_are_of_few_middling_and_many_events_that_were_known(store):
    best = ("Product 2", "Product 3", "Product 4", "Product 5", "Product 6")
    assert read_example_lists(store) == (
        ExampleList(1, (("viewed", "Product 1"),), best),
        ExampleList(3, (("bought", "Product 1"), ("viewed", "Product 2")), best),
        ExampleList(
            7,
            (
                ("put in the cart", "p7"),
                *(("put in the cart", f"Product {number}") for number in (6, 5, 4, 3)),
            ),
            best,
        ),
    )


def test_what_happened_long_before_the_cut_off_is_not_read(store):
    old = CUTOFF - timedelta(days=29)
    row = deed("few", "p2", "view", 1)
    happened = datetime(old.year, old.month, old.day, tzinfo=UTC)
    write(
        store,
        "mart/user_item_interactions",
        [{**row, "event_date": old, "event_ts": happened, "arrival_date": old}],
    )
    assert read_example_lists(store)[0].events == 1


def test_without_lists_of_their_own_there_is_no_example(tmp_path):
    store = DeltaStore(str(tmp_path / "lake"))
    assert read_example_lists(store) == ()
    write(store, "mart/user_item_interactions", [deed("few", "p1", "view", 10)])
    write(
        store,
        "recommendations/served",
        [{"user_id": "*", "rank": 1, "product_id": "p1", "cutoff": CUTOFF}],
    )
    assert read_example_lists(store) == ()
