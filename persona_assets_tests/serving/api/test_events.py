"""What is answered with 202 is in the log and in the live tail; everything else says why not."""

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persona_assets.serving.event_log import reader
from persona_assets.transforms.pseudonyms import pseudonym
from persona_assets_tests.serving.api.conftest import HASH_KEY, Shop

VIEW = {
    "event_id": "e-1",
    "event_type": "view",
    "user_id": "anna@example.org",
    "product_id": "p-1",
    "session_id": "visit 7",
    "consent": True,
}


def test_an_accepted_event_is_seen_by_the_next_answer_and_is_in_the_log(shop: Shop) -> None:
    answer = shop.client.post("/api/events", json=VIEW)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    person = pseudonym("anna@example.org", HASH_KEY)
    (seen,) = shop.service.tail.events_of(person)
    (logged,) = shop.logged()
    assert (seen.product_id, seen.event_type) == ("p-1", "view") == ("p-1", logged.event_type)
    assert logged.user_id == person


def test_no_identifier_of_a_person_is_stored(shop: Shop) -> None:
    sent = {**VIEW, "order_id": "order 12", "anonymous_id": "device 3"}
    shop.client.post("/api/events", json=sent)
    shop.logged()
    home = shop.service.settings.home
    stored = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    for identifier in ("anna@example.org", "visit 7", "order 12", "device 3"):
        assert identifier.encode() not in stored


def test_an_event_without_consent_is_kept_without_its_person(shop: Shop) -> None:
    sent = {
        **VIEW,
        "query": "for my diary",
        "order_id": "o",
        "recommendation_id": "r",
        "event_time": "2026-01-02T03:04:05+01:00",
    }
    del sent["consent"]
    shop.service.clock = lambda: 1_770_000_000.0
    assert shop.client.post("/api/events", json=sent).json()["accepted"] == 1
    assert shop.service.tail.events_of(pseudonym("anna@example.org", HASH_KEY)) == ()
    (logged,) = shop.logged()
    assert not logged.consent
    person = ("user_id", "session_id", "order_id", "query", "recommendation_id")
    assert {getattr(logged, name) for name in person} == {None}
    assert logged.product_id == "p-1"
    assert logged.event_time % 3_600_000_000 == 0 == logged.arrival_time % 3_600_000_000


def test_a_shop_may_state_that_everybody_consented(serving: Callable[..., Any]) -> None:
    with serving(event_consent="all") as shop:
        shop.client.post("/api/events", json={**VIEW, "consent": False})
        (logged,) = shop.logged()
    assert logged.consent
    assert logged.user_id


def test_a_batch_says_which_events_were_rejected_and_keeps_the_others(shop: Shop) -> None:
    batch = [
        VIEW,
        {**VIEW, "event_id": "e-2", "price": "dear"},
        {**VIEW, "event_id": "e-3", "event_time": "1999-01-01T00:00:00Z"},
        {**VIEW, "event_id": "e-4", "user_id": None},
        {**VIEW, "event_id": "e-5", "product_id": None},
        {**VIEW, "event_id": "e-6", "price": "9.90"},
        {**VIEW, "event_id": "e-7", "colour": "red"},
    ]
    answer = shop.client.post("/api/events", json={"events": batch})
    assert answer.status_code == 202
    told = answer.json()
    assert told["accepted"] == 2
    assert [(each["index"], each["field"]) for each in told["rejected"]] == [
        (1, "price"), (2, "event_time"), (3, "user_id"), (4, "product_id"), (6, ""),
    ]  # fmt: skip
    assert [(event.event_id, event.price) for event in shop.logged()] == [
        ("e-1", None),
        ("e-6", 9.9),
    ]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b"\xff", 400, None),
        (b'"text"', 400, None),
        (b"[" * 100_000, 400, None),
        (b'{"events": 3}', 400, "events"),
        (b'{"event_id": "1"}', 422, "event_type"),
        (b'{"event_id": "", "event_type": "view"}', 422, "event_id"),
        (b'{"event_id": "\\ud800", "event_type": "view"}', 400, None),
        (b'{"event_id": "1", "event_type": "view", "product_id": 1, "price": 1e999}', 422, "price"),
        (b'{"event_id": "1", "event_type": "view", "product_id": "p", "price": NaN}', 400, None),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_answered_with_the_field(
    shop: Shop, body: bytes, status: int, field: str | None
) -> None:
    answer = shop.client.post("/api/events", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["field"] == field


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    body=st.binary(max_size=200),
    path=st.sampled_from(["/api/events", "/mp/collect", "/v1/track", "/v1/batch"]),
)
def test_no_body_is_an_error_of_the_service(shop: Shop, body: bytes, path: str) -> None:
    answer = shop.client.post(path, content=body)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["message"]


def test_a_body_that_is_too_long_is_refused(serving: Callable[..., Any]) -> None:
    with serving(body_limit=1_000) as shop:
        assert shop.client.post("/api/events", content=b"[" + b" " * 998 + b"]").is_success
        too_long = shop.client.post("/api/events", content=b" " * 1_001)
        pieces = shop.client.post("/api/events", content=iter([b" " * 600] * 2))
    assert (too_long.status_code, pieces.status_code) == (413, 413)


def test_a_full_disk_answers_503_and_acknowledges_nothing(shop: Shop) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        answer = shop.client.post("/api/events", json=VIEW)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        # Nothing of the machine is told to callers.
        assert str(shop.service.settings.home) not in answer.text
        assert shop.client.get("/readyz").status_code == 503
    assert shop.service.tail.events_of(pseudonym("anna@example.org", HASH_KEY)) == ()
    assert shop.client.post("/api/events", json=VIEW).status_code == 202
    assert shop.client.get("/readyz").status_code == 200
    assert len(shop.logged()) == 1


def test_the_tail_is_filled_from_the_log_where_the_service_was_killed(
    serving: Callable[..., Any],
) -> None:
    with serving() as shop:
        tail = shop.service.tail
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shop.service, "_show", lambda *_: None)
            shop.client.post("/api/events", json=VIEW)
        person = pseudonym("anna@example.org", HASH_KEY)
        assert tail.events_of(person) == ()
    with serving() as shop:
        assert len(shop.service.tail.events_of(person)) == 1
        assert reader.extent(shop.service.log.folder).sealed > 0
