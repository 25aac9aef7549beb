"""The routes that answer with products, over a home that a run has made."""

import dataclasses
import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from persona_assets.errors import DataError
from persona_assets.lake import DeltaStore
from persona_assets.service_settings import ServiceSettings
from persona_assets.serving.api.app import create_app
from persona_assets.serving.api.keys import digest_of
from persona_assets.serving.api.service import Service
from persona_assets.serving.recommending import recommender as recommender_module
from persona_assets.settings import PUBLIC_HASH_KEY, Settings
from persona_assets.tables.raw import EVENTS


@dataclasses.dataclass
class Shop:
    """A client of a running service, and the service."""

    client: TestClient
    service: Service


@pytest.fixture(scope="module")
def customer(whole: Any) -> str:
    """A customer as the shop names them."""
    store: DeltaStore = whole.store
    return str(store.read(EVENTS, columns=["user_id"])["user_id"].drop_nulls().sort()[0])


@pytest.fixture
def opening(whole: Any, tmp_path: Path) -> Callable[..., Any]:
    """opening([api_keys=…]) → the service over the lake of the whole graph."""
    shutil.copytree(Path(whole.store.root).parent / "online", tmp_path / "online")

    @contextmanager
    def opened(**chosen: Any) -> Iterator[Shop]:
        settings = Settings(
            home=tmp_path,
            lake=whole.store.root,
            service=ServiceSettings(**{"api_keys": "off", **chosen}),
        )
        service = Service.open(settings, PUBLIC_HASH_KEY)
        with TestClient(create_app(service), base_url="http://localhost") as client:
            yield Shop(client, service)

    return opened


@pytest.fixture
def opened(opening: Callable[..., Any]) -> Iterator[Shop]:
    """The service, open for everybody on this machine."""
    with opening() as shop:
        yield shop


def asked(shop: Any, path: str = "/api/recommendations", **parameters: Any) -> dict[str, Any]:
    answer = shop.client.get(path, params={"consent": True} | parameters)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def sent(shop: Any, **event: Any) -> None:
    new = {"event_id": uuid.uuid4().hex, "consent": True, "event_type": "view"}
    answer = shop.client.post("/api/events", content=json.dumps(new | event))
    assert answer.status_code == 202, answer.text


def test_a_customer_gets_products_with_names_prices_and_reasons(
    opened: Shop, customer: str
) -> None:
    found = asked(opened, user_id=customer, k=5)
    assert (found["user_id"], found["path"]) == (customer, "personal")
    assert len(found["recommendation_id"]) == 32
    assert len(found["recommendations"]) == 5
    for each in found["recommendations"]:
        assert each["name"]
        assert each["price"] > 0
        assert each["reason"]


def test_an_accepted_event_is_in_the_next_answer(opened: Any) -> None:
    product = asked(opened, k=1)["recommendations"][0]["product_id"]
    before = asked(opened, user_id="newcomer", k=3)
    sent(opened, user_id="newcomer", product_id=product, event_type="purchase")
    after = asked(opened, user_id="newcomer", k=3)
    assert before["recommendations"][0]["product_id"] == product
    assert product not in [each["product_id"] for each in after["recommendations"]]


def test_a_rejected_product_never_comes_back(opened: Shop, customer: str) -> None:
    gone: set[str] = set()
    for number in range(5):
        found = [
            each["product_id"] for each in asked(opened, user_id=customer, k=5)["recommendations"]
        ]
        assert not gone & set(found)
        sent(opened, user_id=customer, product_id=found[number % 2], event_type="reject")
        gone.add(found[number % 2])


def test_without_consent_the_answer_is_that_for_anybody(opened: Shop, customer: str) -> None:
    found = asked(opened, user_id=customer, consent=False)
    assert (found["path"], found["user_id"], found["model"]) == ("no_consent", None, "popularity")
    assert found["recommendations"] == asked(opened)["recommendations"]


@pytest.mark.parametrize("path", ["/api/similar", "/api/complementary"])
def test_products_beside_another(opened: Shop, path: str) -> None:
    product = asked(opened, k=1)["recommendations"][0]["product_id"]
    found = asked(opened, path, item_id=product, k=4)["recommendations"]
    assert found
    assert product not in [each["product_id"] for each in found]
    scores = [each["score"] for each in found]
    assert scores == sorted(scores, reverse=True)
    assert asked(opened, path, item_id="no such product")["recommendations"] == []


def test_a_context_without_its_product_is_refused_by_name(opened: Any) -> None:
    answer = opened.client.get("/api/recommendations", params={"context": "cart"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "item_id")


def test_before_anything_serves_the_answer_says_so(shop: Any) -> None:
    answer = shop.client.get("/api/recommendations")
    assert answer.status_code == 503
    assert "no model serves yet" in answer.json()["error"]["message"]
    assert shop.client.get("/readyz").status_code == 200  # events are taken all the same


def test_what_serves_is_exchanged_when_the_lake_has_something_newer(
    opened: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender = opened.service.recommender
    before = recommender.served
    assert not recommender.refresh()
    monkeypatch.setattr(recommender_module, "state_of", lambda store: ("newer",))
    assert recommender.refresh()
    assert recommender.served is not before


def test_what_cannot_be_loaded_leaves_what_serves(
    opened: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: Any) -> Any:
        raise DataError("a file of the champion is cut off")

    recommender = opened.service.recommender
    before = recommender.served
    monkeypatch.setattr(recommender_module, "state_of", lambda store: ("newer",))
    monkeypatch.setattr(recommender_module, "load", damaged)
    assert not recommender.refresh()
    assert recommender.served is before
    assert asked(opened)["recommendations"]


def test_a_profile_has_features_with_their_age_and_what_happened_today(
    opened: Shop, customer: str
) -> None:
    product = asked(opened, k=1)["recommendations"][0]["product_id"]
    before = asked(opened, f"/api/users/{customer}/profile")
    sent(opened, user_id=customer, product_id=product)
    found = asked(opened, f"/api/users/{customer}/profile")

    assert found["known"]
    features = found["features"]["user_features"]
    assert features is None or features["age_s"] > 0
    assert found["today"]["views"] == before["today"]["views"] + 1
    assert [each["product_id"] for each in found["recent"]] == [product]
    assert not asked(opened, "/api/users/nobody-at-all/profile")["known"]


def test_a_read_key_reads_lists_and_no_profiles(opening: Callable[..., Any], customer: str) -> None:
    with opening(api_keys=f"read:{digest_of('k')}") as shop:
        headers = {"Authorization": "Bearer k"}
        assert shop.client.get("/api/recommendations").status_code == 401
        assert shop.client.get("/api/recommendations", headers=headers).status_code == 200
        profile = shop.client.get(f"/api/users/{customer}/profile", headers=headers)
        assert profile.status_code == 403
