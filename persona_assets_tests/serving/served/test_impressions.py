"""What followed from a served product: as by hand, once each, and only what is due is made."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.lake import DeltaStore
from persona_assets.serving.collector.contract import CollectedEvent
from persona_assets.serving.collector.ingest import rows_of as rows_of_events
from persona_assets.serving.served.impressions import impressions, refresh
from persona_assets.serving.served.ingest import rows_of as rows_of_lists
from persona_assets.serving.served.record import ServedList
from persona_assets.tables.collected import COLLECTED_EVENTS, IMPRESSIONS, SERVED_LISTS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TYPES = ["impression", "list_view", "list_click", "view", "add_to_cart", "purchase", "reject"]


def micros(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6)


def served(name: str, products: list[str], at: datetime = NOON) -> ServedList:
    return ServedList(
        recommendation_id=name,
        served_at=micros(at),
        route="recommendations",
        model="als",
        version="v",
        path="personal",
        latency_us=700,
        products=products,
        scores=[0.5] * len(products),
    )


def event(
    kind: Any, of: str | None, product: str | None, at: datetime = NOON, **more: Any
) -> CollectedEvent:
    number = f"{kind}-{of}-{product}-{micros(at)}-{more}"
    return CollectedEvent(
        event_id=number, event_type=kind, event_time=micros(at), arrival_time=micros(at),
        source="events", user_id="0" * 32, product_id=product, recommendation_id=of, consent=True,
        **more,
    )  # fmt: skip


def flags(rows: pl.DataFrame) -> dict[tuple[str, str], tuple[Any, ...]]:
    names = ("viewed", "clicked", "carted", "purchased", "rejected", "revenue")
    return {
        (row["recommendation_id"], row["product_id"]): tuple(row[name] for name in names)
        for row in rows.iter_rows(named=True)
    }


def test_a_view_that_is_sent_and_one_that_a_click_implies_are_one() -> None:
    lists = rows_of_lists([served("r", ["a", "b", "c", "d", "e"])])
    events = [
        event("impression", "r", "a"),
        event("impression", "r", "a", NOON + timedelta(seconds=3)),  # rendered twice
        event("list_click", "r", "a"),
        event("view", "r", "a"),
        event("impression", "r", "b"),
        event("view", "r", "e"),
        event("purchase", "r", "c", price=20.0, quantity=2.0),
        event("purchase", "r", "c", NOON + timedelta(days=2), price=1.5),
        event("purchase", "r", "c", NOON + timedelta(days=8), price=1000.0),  # too late
        event("purchase", "other", "d", price=9.0),
        event("purchase", None, "d", price=9.0),
        event("list_click", "r", "not in the list"),
    ]
    found = impressions(lists, rows_of_events(events))
    assert found.height == 5
    assert flags(found) == {
        ("r", "a"): (True, True, False, False, False, 0.0),
        ("r", "b"): (True, False, False, False, False, 0.0),
        ("r", "c"): (True, False, False, True, False, 41.5),
        ("r", "d"): (False, False, False, False, False, 0.0),
        ("r", "e"): (True, True, False, False, False, 0.0),
    }


@given(
    lists=st.lists(
        st.tuples(st.lists(st.sampled_from("abc"), unique=True, max_size=3), st.integers(0, 3)),
        max_size=3,
    ),
    events=st.lists(
        st.tuples(
            st.sampled_from(TYPES),
            st.none() | st.integers(0, 3),
            st.none() | st.sampled_from("abcd"),
            st.integers(-60, 260),
            st.sampled_from([None, 1.0, 2.5]),
        ),
        max_size=30,
    ),
)
def test_impressions_are_those_by_hand(lists: list[Any], events: list[Any]) -> None:
    made = [
        served(f"r-{n}", list(products), NOON + timedelta(days=days))
        for n, (products, days) in enumerate(lists)
    ]
    sent = [
        event(kind, None if of is None else f"r-{of}", product, NOON + timedelta(hours=hours),
              price=price)
        for kind, of, product, hours, price in events
    ]  # fmt: skip
    expected: dict[tuple[str, str], tuple[Any, ...]] = {}
    for each in made:
        for product in each.products:
            mine = [
                one
                for one in rows_of_events(sent).iter_rows(named=True)
                if one["recommendation_id"] == each.recommendation_id
                and one["product_id"] == product
                and -24 * 3600e6 <= micros(one["event_ts"]) - each.served_at <= 7 * 24 * 3600e6
            ]
            kinds = {one["event_type"] for one in mine}
            bought = [one["price"] or 0.0 for one in mine if one["event_type"] == "purchase"]
            expected[each.recommendation_id, product] = (
                bool(mine),
                bool(kinds & {"list_click", "view"}),
                "add_to_cart" in kinds,
                "purchase" in kinds,
                "reject" in kinds,
                pytest.approx(sum(bought)),
            )
    assert flags(impressions(rows_of_lists(made), rows_of_events(sent))) == expected


class Lake:
    """Tables of lists and events to which rows are added, as ingestion does."""

    def __init__(self, folder: Path) -> None:
        self.store = DeltaStore(str(folder))
        self.lists: list[ServedList] = []
        self.events: list[CollectedEvent] = []

    def add(self, *added: ServedList | CollectedEvent) -> None:
        for each in added:
            if isinstance(each, ServedList):
                self.lists.append(each)
            else:
                self.events.append(each)
        for table, rows in (
            (SERVED_LISTS, rows_of_lists(self.lists)),
            (COLLECTED_EVENTS, rows_of_events(self.events)),
        ):
            kind = ServedList if table is SERVED_LISTS else CollectedEvent
            if any(isinstance(each, kind) for each in added):
                days = rows["event_date"].unique().sort().to_list()
                self.store.overwrite(table, rows, partitions=days)

    def expected(self) -> pl.DataFrame:
        return impressions(rows_of_lists(self.lists), rows_of_events(self.events))


def equal(lake: Lake) -> bool:
    order = list(IMPRESSIONS.key)
    return lake.store.read(IMPRESSIONS).sort(order).equals(lake.expected().sort(order))


def test_only_days_whose_lists_or_events_changed_are_made_again(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert refresh(lake.store) == ()
    later = NOON + timedelta(days=20)
    lake.add(served("r", ["a", "b"]), served("s", ["a"], later))
    assert refresh(lake.store) == ("2026-01-01", "2026-01-21")
    assert refresh(lake.store) == ()
    lake.add(event("list_click", "s", "a", later + timedelta(days=1)))
    assert refresh(lake.store) == ("2026-01-21",)
    assert equal(lake)
    lake.add(served("t", ["c"], NOON + timedelta(hours=1)))
    assert refresh(lake.store) == ("2026-01-01",)
    assert equal(lake)


def test_who_was_killed_before_the_impressions_were_made_leaves_nothing_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path)
    lake.add(served("r", ["a", "b"]))
    refresh(lake.store)
    lake.add(event("list_click", "r", "a"))

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(DeltaStore, "overwrite", killed)
        with pytest.raises(KeyboardInterrupt):
            refresh(lake.store)
    lake.add(event("impression", "r", "b", NOON + timedelta(days=1)))
    assert refresh(lake.store) == ("2026-01-01",)
    assert equal(lake)


def test_a_log_that_does_not_reach_back_makes_all_days_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path)
    lake.add(served("r", ["a", "b"]), served("s", ["a"], NOON + timedelta(days=20)))
    refresh(lake.store)
    lake.add(event("list_click", "r", "a"), served("t", ["c"]))
    rows = DeltaStore.partition_rows

    def without_history(store: DeltaStore, table: Any, *, at: int | None = None) -> dict[str, int]:
        if at is not None and at != store.version(table):
            from persona_assets.errors import DataError

            raise DataError("its log may no longer reach back so far")
        return rows(store, table, at=at)

    monkeypatch.setattr(DeltaStore, "partition_rows", without_history)
    assert refresh(lake.store) == ("2026-01-01", "2026-01-21")
    assert equal(lake)
