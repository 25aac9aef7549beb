"""Over HTTP: rules hold in every list, what was bought or rejected stays away, all is logged."""

import gzip
import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persona_assets.lake import DeltaStore
from persona_assets.service_settings import ServiceSettings
from persona_assets.serving.api.app import create_app
from persona_assets.serving.api.service import Service
from persona_assets.serving.bring_in import bring_in
from persona_assets.serving.event_log import reader
from persona_assets.serving.online.live_event import LiveEvent
from persona_assets.serving.online.opening import open_store
from persona_assets.serving.online.views import OnlineView
from persona_assets.serving.served.record import decoded
from persona_assets.settings import Settings
from persona_assets.tables.collected import IMPRESSIONS
from persona_assets.transforms.pseudonyms import pseudonym
from persona_assets_tests.serving.api.conftest import Shop
from persona_assets_tests.serving.small_lake import (
    HASH_KEY,
    PEOPLE,
    SOLD,
    category_of,
    ruled,
    small_lake,
)

VIEW = OnlineView("user_features", 1, "user_id", (("views", "int64"),), ttl_s=86_400)
NOON = datetime(2026, 1, 20, 12, tzinfo=UTC).timestamp()
SERVICE = {"body_limit", "event_consent", "rate_limit"}
numbers = itertools.count()


@contextmanager
def opened(home: Path, **chosen: Any) -> Iterator[Shop]:
    service = {name: chosen.pop(name) for name in SERVICE & chosen.keys()}
    with_keys = ServiceSettings(api_keys="off", **service)
    made = Service.open(Settings(home=home, service=with_keys, **chosen), HASH_KEY)
    with TestClient(create_app(made), base_url="http://localhost") as client:
        yield Shop(client, made)


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    return small_lake(tmp_path / "lake")


@pytest.fixture
def shop(store: DeltaStore, tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path) as found:
        yield found


def asked(shop: Shop, path: str = "/api/recommendations", **parameters: Any) -> dict[str, Any]:
    given = {"consent": True} | parameters
    answer = shop.client.get(
        path, params={name: each for name, each in given.items() if each is not None}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def products(found: dict[str, Any]) -> list[str]:
    return [each["product_id"] for each in found["recommendations"]]


def sent(shop: Shop, **event: Any) -> None:
    new = {"event_id": uuid.uuid4().hex, "consent": True, "event_type": "view"} | event
    answer = shop.client.post("/api/events", content=json.dumps(new))
    assert answer.status_code == 202, answer.text


def logged(shop: Shop) -> list[Any]:
    shop.service.close()
    folder = shop.service.settings.home / "served_log"
    return [decoded(record.payload) for record in reader.read(folder)]


def test_a_list_is_logged_as_it_was_answered(shop: Shop) -> None:
    found = asked(shop, user_id=PEOPLE[0], k=4, context="cart", item_id="p01", placement="aside")
    beside = asked(shop, "/api/similar", item_id="p02", k=3)
    first, second = logged(shop)
    assert first.recommendation_id == found["recommendation_id"]
    assert first.products == products(found)
    assert first.scores == [each["score"] for each in found["recommendations"]]
    assert first.user_id == pseudonym(PEOPLE[0], HASH_KEY)
    assert (first.model, first.version, first.path) == (
        found["model"], found["version"], found["path"],
    )  # fmt: skip
    assert (first.context, first.placement, first.item_id) == ("cart", "aside", "p01")
    assert 0 < first.latency_us < 60_000_000
    assert (second.route, second.products, second.user_id) == ("similar", products(beside), None)


def test_without_consent_a_list_is_logged_without_its_person(shop: Shop) -> None:
    shop.service.clock = lambda: NOON + 1_234.5
    for consent in ({"consent": False}, {"consent": None}):
        found = asked(shop, user_id=PEOPLE[0], **consent)
        assert (found["path"], found["user_id"]) == ("no_consent", None)
    home = shop.service.settings.home
    for each in logged(shop):
        assert each.user_id is None
        assert each.served_at % 3_600_000_000 == 0
    stored = b"".join(file.read_bytes() for file in (home / "served_log").iterdir())
    assert PEOPLE[0].encode() not in stored
    assert pseudonym(PEOPLE[0], HASH_KEY).encode() not in stored


def test_a_shop_may_state_that_it_asks_for_those_alone_who_consented(
    store: DeltaStore, tmp_path: Path
) -> None:
    with opened(tmp_path, event_consent="all") as shop:
        assert asked(shop, user_id=PEOPLE[0], consent=None)["path"] == "personal"
        assert asked(shop, user_id=PEOPLE[0], consent=False)["path"] == "no_consent"


def test_what_follows_from_a_list_is_in_its_impressions(store: DeltaStore, tmp_path: Path) -> None:
    with opened(tmp_path) as shop:
        found = asked(shop, user_id=PEOPLE[0], k=3)
        first, second, third = products(found)
        name = {"user_id": PEOPLE[0], "recommendation_id": found["recommendation_id"]}
        sent(shop, event_type="impression", product_ids=[first, second], **name)
        sent(shop, event_type="impression", product_ids=[second, first], **name)
        sent(shop, event_type="list_click", product_id=second, **name)
        sent(shop, event_type="purchase", product_id=second, price=7.5, **name)
        sent(shop, event_type="impression", product_ids=[third], **name, consent=False)
    brought = bring_in(tmp_path, store, to_the_end=True)
    assert len(brought.impressions) == 1
    rows = store.read(IMPRESSIONS).sort("position")
    assert rows.select("product_id", "viewed", "clicked", "purchased", "revenue").rows() == [
        (first, True, False, False, 0.0),
        (second, True, True, True, 7.5),
        (third, False, False, False, 0.0),
    ]
    assert bring_in(tmp_path, store, to_the_end=True).impressions == ()


def test_rules_hold_in_every_list(store: DeltaStore, tmp_path: Path) -> None:
    with opened(tmp_path, category_cap=2) as shop:
        best = products(asked(shop, k=3))
    ruled(
        store,
        {"action": "block", "product_id": best[0]},
        {"action": "unavailable", "category": "hats"},
        {"action": "exclude", "product_id": best[1], "context": "home"},
        {"action": "pin", "product_id": "n0", "position": 2},
        {"action": "pin", "product_id": "no such product", "position": 1},
    )
    with opened(tmp_path, category_cap=2) as shop:
        for user in [None, *PEOPLE[:4], "somebody new"]:
            found = products(asked(shop, k=6, user_id=user))
            assert found[1] == "n0"
            assert len(found) == 6  # three categories are left, two of each
            assert not {best[0], best[1], "no such product"} & set(found)
            assert not [each for each in found if category_of(each) == "hats"]
            of = [category_of(each) for each in found]
            assert max(of.count(name) for name in set(of)) <= 2
        found = asked(shop, k=6)["recommendations"]
        assert found[1]["reason"] == "chosen by the shop"
        beside = products(asked(shop, "/api/similar", item_id=SOLD[3], k=50))
        assert beside
        assert best[0] not in beside
        assert "n0" not in beside
        assert not [each for each in beside if category_of(each) == "hats"]


def test_rules_that_change_hold_without_a_restart(store: DeltaStore, shop: Shop) -> None:
    (first,) = products(asked(shop, k=1))
    ruled(store, {"action": "block", "product_id": first})
    assert shop.service.recommender.refresh()
    assert first not in products(asked(shop, k=40))


kinds = st.sampled_from(["view", "add_to_cart", "purchase", "reject", "wishlist"])


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("lasting")
    small_lake(home / "lake")
    with ExitStack() as stack:
        yield stack.enter_context(opened(home))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    known=st.booleans(),
    steps=st.lists(st.tuples(kinds, st.integers(0, 5), st.booleans()), min_size=1, max_size=12),
)
def test_what_was_bought_or_rejected_never_comes_back(
    lasting: Shop, known: bool, steps: list[tuple[str, int, bool]]
) -> None:
    # Of a known person what the mart has is excluded as well; each example has one of their own.
    number = next(numbers)
    user = PEOPLE[number % len(PEOPLE)] if known else f"somebody {number}"
    gone: set[str] = set()
    for kind, place, late in steps:
        shown = products(asked(lasting, user_id=user, k=6))
        assert not gone & set(shown)
        product = shown[place % len(shown)]
        time = {"event_time": "2026-01-02T03:04:05Z"} if late else {}
        sent(lasting, user_id=user, product_id=product, event_type=kind, **time)
        if kind in ("purchase", "reject"):
            gone.add(product)
        lists = [
            asked(lasting, user_id=user, k=40),
            asked(lasting, user_id=user, k=40, context="product", item_id=shown[0]),
            asked(lasting, "/api/similar", item_id=shown[0], user_id=user, k=40),
            asked(lasting, "/api/complementary", item_id=shown[0], user_id=user, k=40),
        ]
        for found in lists:
            assert not gone & set(products(found))


def published(home: Path, *, generation: int, until: datetime) -> str:
    store = open_store(home)
    rows = pl.DataFrame(
        {
            "user_id": [pseudonym(each, HASH_KEY) for each in PEOPLE],
            "event_us": [int(until.timestamp() * 1e6)] * len(PEOPLE),
            "arrival_us": [int(until.timestamp() * 1e6)] * len(PEOPLE),
            "views": [generation] * len(PEOPLE),
        }
    )
    with store.stage() as stage:
        stage.put(VIEW, rows)
        stage.describe(VIEW)
    store.backend.approve(stage.name)
    return store.backend.publish().name


def live(number: int, at: datetime, kind: str = "view") -> LiveEvent:
    now = int(at.timestamp() * 1e6) + number
    return LiveEvent(
        f"live-{at:%d}-{number}", pseudonym(PEOPLE[number % 7], HASH_KEY), SOLD[number % 40], kind,
        now, now,
    )  # fmt: skip


def test_the_live_tail_does_not_grow_over_snapshots(shop: Shop, tmp_path: Path) -> None:
    tail, follower = shop.service.tail, shop.service.follower
    rejected, sizes = set(), []
    for day in range(8, 20):
        tail.append(live(number, datetime(2026, 1, day, 9, tzinfo=UTC)) for number in range(50))
        tail.append([live(99, datetime(2026, 1, day, 10, tzinfo=UTC), "reject")])
        rejected.add(live(99, datetime(2026, 1, day, tzinfo=UTC)).product_id)
        # The mart has what arrived on the days before, as after a nightly run.
        served = shop.service.recommender.served
        in_mart = {f"live-{past:02}-{n}" for past in range(8, day) for n in range(50)}
        object.__setattr__(served.people, "collected", frozenset(in_mart))
        published(tmp_path, generation=day, until=datetime(2026, 1, day, tzinfo=UTC))
        follower.look()
        sizes.append(len(tail))
    assert set(sizes) == {51}
    assert tail.exclusions_of(live(99, datetime(2026, 1, 8, tzinfo=UTC)).user_id).rejected == (
        rejected
    )


def test_an_event_that_the_lake_does_not_know_yet_waits_a_week(shop: Shop, tmp_path: Path) -> None:
    tail, follower = shop.service.tail, shop.service.follower
    tail.append([live(1, datetime(2026, 1, 8, 9, tzinfo=UTC))])
    sizes = []
    for day in (9, 14, 15, 16):
        published(tmp_path, generation=day, until=datetime(2026, 1, day, 12, tzinfo=UTC))
        follower.look()
        sizes.append(len(tail))
    assert sizes == [1, 1, 0, 0]


def test_snapshots_are_switched_without_dropping_a_request(shop: Shop, tmp_path: Path) -> None:
    first = datetime(2026, 1, 8, tzinfo=UTC)
    published(tmp_path, generation=1, until=first)
    shop.service.follower.look()

    def profile(_: int) -> int:
        answer = shop.client.get(f"/api/users/{PEOPLE[3]}/profile")
        assert answer.status_code == 200, answer.text
        return int(answer.json()["features"]["user_features"]["values"]["views"])

    with ThreadPoolExecutor(4) as pool:
        seen = []
        for generation in range(2, 8):
            asking = pool.map(profile, range(12))
            published(tmp_path, generation=generation, until=first)
            shop.service.follower.look()
            seen += list(asking)
            assert profile(0) == generation
    assert set(seen) <= set(range(1, 8))


def test_a_request_opens_no_snapshot(shop: Shop, tmp_path: Path) -> None:
    first = datetime(2026, 1, 8, tzinfo=UTC)
    published(tmp_path, generation=1, until=first)
    shop.service.follower.look()
    published(tmp_path, generation=2, until=first)
    found = asked(shop, f"/api/users/{PEOPLE[3]}/profile")
    assert found["features"]["user_features"]["values"]["views"] == 1


def packed(events: Any) -> dict[str, Any]:
    content = gzip.compress(json.dumps(events).encode())
    return {"content": content, "headers": {"Content-Encoding": "gzip"}}


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        (lambda event: packed(event), 202),
        (lambda event: packed([event | {"query": " " * 900}] * 200), 413),
        (lambda event: packed(event) | {"content": packed(event)["content"][:-5]}, 415),
        (lambda event: packed(event) | {"content": b"{}"}, 415),
        (lambda event: {"content": b"", "headers": {"Content-Encoding": "br"}}, 415),
    ],
)
def test_packed_bodies_are_unpacked_as_far_as_a_body_may_be_long(
    store: DeltaStore, tmp_path: Path, request_of: Callable[[Any], Any], status: int
) -> None:
    event = {"event_id": "e", "event_type": "view", "user_id": "a", "product_id": "p",
             "consent": True}  # fmt: skip
    with opened(tmp_path, body_limit=10_000) as shop:
        answer = shop.client.post("/api/events", **request_of(event))
        assert answer.status_code == status, answer.text
