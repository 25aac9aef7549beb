"""The raw events of a day are what the source delivers and what the service collected of it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest

from persona_assets.lake import DeltaStore
from persona_assets.serving.collector.contract import CollectedEvent
from persona_assets.serving.collector.ingest import rows_of
from persona_assets.sources.collected import (
    FIRST_ROW,
    as_delivered,
    with_collected,
    with_collected_versions,
)
from persona_assets.tables.collected import COLLECTED_EVENTS
from persona_assets.tables.mart import EVENT_TYPES
from persona_assets.tables.raw import EVENTS, PRODUCTS
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean, rejected
from persona_assets.transforms.pseudonyms import MARK, pseudonym

KEY = b"a key for tests only"
FIRST, SECOND = date(2026, 1, 1), date(2026, 1, 2)
ANNA = pseudonym("anna", KEY)


def at(day: date, second: int) -> int:
    return int(datetime(day.year, day.month, day.day, 12, 0, second, tzinfo=UTC).timestamp() * 1e6)


def event(number: int, day: date = FIRST, **more: object) -> CollectedEvent:
    values = {
        "event_id": f"live-{number}",
        "event_type": "view",
        "event_time": at(day, number),
        "arrival_time": at(day, number + 1),
        "source": "events",
        "user_id": ANNA,
        "product_id": "p-1",
        "quantity": 1.0,
        "consent": True,
    }
    return CollectedEvent(**{**values, **more})  # type: ignore[arg-type]


def collect(store: DeltaStore, *events: CollectedEvent) -> None:
    rows = rows_of(events)
    store.overwrite(COLLECTED_EVENTS, rows, partitions=sorted(set(rows["event_date"])))


def delivered(days: Sequence[date]) -> pl.DataFrame:
    rows = [
        {
            "event_date": day,
            "source_row": 0,
            "event_id": f"file-{day}",
            "user_id": "anna",
            "product_id": "p-1",
            "event_type": "purchase",
            "timestamp": f"{day}T09:00:00Z",
            "arrived_at": datetime(day.year, day.month, day.day, 9, tzinfo=UTC),
            "quantity": 1.0,
            "unit_price": 2.0,
            "order_id": "o-1",
            "consent": True,
        }
        for day in days
    ]
    return pl.DataFrame(rows, schema=EVENTS.polars_schema)


def nothing(days: Sequence[date]) -> pl.DataFrame:
    return EVENTS.empty()


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    return DeltaStore(str(tmp_path))


def test_a_day_has_both_however_often_it_is_made(store: DeltaStore) -> None:
    both = with_collected(delivered, store)
    assert both([FIRST]).equals(delivered([FIRST]))
    collect(store, event(1), event(2), event(3, SECOND))
    for _ in range(2):
        store.overwrite(EVENTS, both([FIRST]), partitions=[FIRST])
        found = store.read(EVENTS, [FIRST]).sort("source_row")
        assert found["event_id"].to_list() == ["file-2026-01-01", "live-1", "live-2"]
        assert found["source_row"].to_list() == [0, FIRST_ROW, FIRST_ROW + 1]
    assert both([SECOND, FIRST]).height == 5


def test_a_day_whose_file_has_left_keeps_its_rows(store: DeltaStore) -> None:
    store.overwrite(EVENTS, delivered([FIRST]), partitions=[FIRST])
    collect(store, event(1))
    both = with_collected(nothing, store)([FIRST])
    assert both["event_id"].to_list() == ["file-2026-01-01", "live-1"]
    store.overwrite(EVENTS, both, partitions=[FIRST])
    assert with_collected(nothing, store)([FIRST]).equals(both)


def test_a_day_is_another_when_events_of_it_are_collected(store: DeltaStore) -> None:
    before = {"2026-01-01": "1-aa"}
    assert with_collected_versions(before, store) == before
    collect(store, event(1, SECOND))
    first = with_collected_versions(before, store)
    assert first["2026-01-01"] == "1-aa"
    assert set(first) == {"2026-01-01", "2026-01-02"}
    collect(store, event(1, SECOND), event(2, SECOND))
    assert with_collected_versions(before, store)["2026-01-02"] != first["2026-01-02"]


def cleaned(*events: CollectedEvent) -> nw.LazyFrame:
    rows = pl.concat([delivered([FIRST]), as_delivered(rows_of(events))])
    product = {"product_id": "p-1", "kind": "product"}
    products = pl.DataFrame([product], schema=PRODUCTS.polars_schema)
    return clean(
        nw.from_native(rows.lazy()),
        nw.from_native(products.lazy()),
        key=KEY,
        weights=DEFAULT_WEIGHTS,
    )


def test_a_person_is_the_same_in_files_and_in_the_service() -> None:
    order = pseudonym("o-1", KEY)
    bought = event(1, event_type="purchase", price=3.0, order_id=order)
    mart = accepted(cleaned(bought, event(2))).collect("polars").to_native()
    assert mart["user_id"].unique().to_list() == [ANNA]
    assert mart.filter(pl.col("event_type") == "purchase")["order_id"].to_list() == [order] * 2
    assert mart.height == 3


def test_every_collected_event_is_in_the_mart_or_in_quarantine_with_its_reason() -> None:
    events = [
        event(1),
        event(2, event_type="add_to_cart"),
        event(3, event_type="refund", price=2.0),
        event(4, event_type="search", product_id=None, quantity=None, query="tea"),
        event(5, event_type="list_click"),
        event(6, event_type="refund", product_id=None, quantity=None),
        event(7, user_id=None, consent=False),
        event(8, product_id="never seen"),
        event(9, event_type="purchase", price=None),
    ]
    found = cleaned(*events)
    mart = accepted(found).collect("polars").to_native()
    quarantine = rejected(found).collect("polars").to_native()
    kept = mart.filter(pl.col("source_row") >= FIRST_ROW)
    assert dict(kept.select("event_id", "event_type").iter_rows()) == {
        "live-1": "view", "live-2": "add_to_cart", "live-3": "return", "live-9": "purchase",
    }  # fmt: skip
    assert set(kept["event_type"]) <= set(EVENT_TYPES)
    assert dict(quarantine.select("event_id", "rule").iter_rows()) == {
        "live-4": "unused_event_type",
        "live-5": "unused_event_type",
        "live-6": "unused_event_type",
        "live-7": "no_consent",
        "live-8": "unknown_product",
    }
    assert kept.filter(pl.col("event_type") == "return")["quantity"].to_list() == [-1.0]


def test_a_hash_is_taken_for_one_only_whole() -> None:
    assert pseudonym(f"{MARK}{ANNA}", KEY) == ANNA
    for other in (f"{MARK}{ANNA}0", f"{MARK}{ANNA[1:]}", f"x{MARK}{ANNA}", f"{MARK}anna"):
        assert pseudonym(other, KEY) not in other
