"""Who may call: keys by their hashes, scopes, pages, rates; and a service without keys."""

import base64
import json
import logging
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from persona_assets.errors import UserError
from persona_assets.serving.api.keys import digest_of, load, new_key
from persona_assets.serving.api.rate_limit import RateLimit

BATCH: dict[str, Any] = {"batch": []}
SETTING = ",".join(
    [
        f"read:{digest_of('reader')}",
        f"read+write:{digest_of('page')}:https://shop.example|https://www.shop.example",
        f"write:{digest_of('writer')}",
        f"admin:{digest_of('admin')}",
    ]
)


def bearer(key: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", **more}


def test_each_scope_may_what_it_says(serving: Callable[..., Any]) -> None:
    with serving(api_keys=SETTING) as shop:
        found = {
            key: (
                shop.client.post("/api/events", content=b"[]", headers=bearer(key)).status_code,
                shop.client.get("/metrics", headers=bearer(key)).status_code,
            )
            for key in ("reader", "writer", "admin", "stranger", "", digest_of("admin"))
        }
        open_to_all = [shop.client.get(path).status_code for path in ("/healthz", "/readyz")]
    assert found == {
        "reader": (403, 403),
        "writer": (202, 403),
        "admin": (202, 200),
        "stranger": (401, 401),
        "": (401, 401),
        digest_of("admin"): (401, 401),
    }
    assert open_to_all == [200, 200]


def test_every_way_to_send_a_key_is_read(serving: Callable[..., Any]) -> None:
    basic = base64.b64encode(b"writer:").decode()
    with serving(api_keys=SETTING) as shop:
        answers = [
            shop.client.post("/v1/batch", json=BATCH, headers=bearer("writer")),
            shop.client.post("/v1/batch", json=BATCH, headers={"Authorization": f"Basic {basic}"}),
            shop.client.post("/v1/batch", json=BATCH, headers={"X-Api-Key": "writer"}),
            shop.client.post("/v1/batch?key=writer", json=BATCH),
            shop.client.post("/v1/batch", json={**BATCH, "writeKey": "writer"}),
            shop.client.post(
                "/mp/collect?api_secret=writer&measurement_id=G-1",
                json={"client_id": "1", "events": []},
            ),
        ]
        broken = shop.client.post(
            "/v1/batch", json=BATCH, headers={"Authorization": "Basic \xe4!".encode("latin-1")}
        )
    assert [answer.status_code for answer in answers] == [200] * 5 + [204]
    assert broken.status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://shop.example"}, 202),
        ({"Origin": "https://www.shop.example"}, 202),
        ({"Origin": "https://thief.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 202),
    ],
)
def test_a_key_that_stands_in_pages_is_for_those_pages(
    serving: Callable[..., Any], headers: dict[str, str], status: int
) -> None:
    with serving(api_keys=SETTING) as shop:
        answer = shop.client.post("/api/events", content=b"[]", headers=bearer("page", **headers))
    assert answer.status_code == status
    allowed = answer.headers.get("access-control-allow-origin")
    assert allowed == (headers.get("Origin") if status == 202 else None)


def test_a_browser_may_ask_before_it_sends(serving: Callable[..., Any]) -> None:
    asked = {"Access-Control-Request-Method": "POST"}
    with serving(api_keys=SETTING) as shop:
        answers = [
            shop.client.options("/api/events", headers={"Origin": origin, **asked})
            for origin in ("https://shop.example", "https://thief.example")
        ]
    assert [answer.status_code for answer in answers] == [200, 400]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"Host": "127.0.0.1:8000"}, 202),
        ({"Host": "[::1]:8000"}, 202),
        ({"Host": "attacker.example"}, 403),
        ({"Host": "[broken"}, 403),
        ({"Origin": "https://attacker.example"}, 403),
        ({"Origin": "http://localhost:8000"}, 202),
    ],
)
def test_without_keys_no_page_of_the_web_reaches_the_service(
    serving: Callable[..., Any], headers: dict[str, str], status: int
) -> None:
    with serving() as shop:
        answer = shop.client.post("/api/events", content=b"[]", headers=headers)
    assert answer.status_code == status


def test_who_calls_too_often_is_told_when_to_come_again(serving: Callable[..., Any]) -> None:
    with serving(api_keys=SETTING, rate_limit=3) as shop:
        shop.service.limit.clock = lambda: 0.0
        answers = [
            shop.client.post("/api/events", content=b"[]", headers=bearer(key))
            for key in ["writer"] * 4 + ["admin"]
        ]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 202]
    assert answers[3].headers["retry-after"] == "1"


def test_a_bucket_fills_at_its_rate_and_no_further() -> None:
    now = [0.0]
    limit = RateLimit(2, clock=lambda: now[0])
    assert [limit.seconds_to_wait("a") for _ in range(3)] == [0, 0, 1]
    now[0] = 0.5
    assert [limit.seconds_to_wait("a") for _ in range(2)] == [0, 1]
    now[0] = 1_000.0
    assert [limit.seconds_to_wait("a") for _ in range(3)] == [0, 0, 1]


def test_no_key_person_or_query_is_in_a_log_line(
    serving: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(api_keys=SETTING) as shop:
        shop.client.post("/mp/collect?api_secret=writer&uid=anna@example.org", content=b"{")
        shop.client.get("/users/anna@example.org?key=admin")
    text = "\n".join(f"{each.name} {each.getMessage()}" for each in caplog.records
                     if each.name.startswith("persona_assets"))  # fmt: skip
    assert "POST /mp/collect 400" in text
    for secret in ("writer", "admin", "anna"):
        assert secret not in text


def test_a_new_key_is_kept_as_its_hash_alone(tmp_path: Path) -> None:
    text, _ = new_key(tmp_path, "read+write", ["https://Shop.example/"])
    admin, _ = new_key(tmp_path, "admin")
    path = tmp_path / "api_keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert text not in path.read_text()
    keys = load("", tmp_path)
    found, other = keys.of(text), keys.of(admin)
    assert found is not None
    assert other is not None
    assert (found.origins, found.may("write"), found.may("admin")) == (
        {"https://shop.example"}, True, False,
    )  # fmt: skip
    assert other.may("read")
    assert keys.of("another") is None
    assert load(str(path), tmp_path / "elsewhere") == keys


@pytest.mark.parametrize(
    "setting",
    [
        "", "/nowhere/at/all", "read:reader", f"delete:{digest_of('x')}",
        f"read:{digest_of('x')}:shop.example",
    ],
)  # fmt: skip
def test_keys_that_are_none_are_refused_and_not_repeated(tmp_path: Path, setting: str) -> None:
    with pytest.raises(UserError) as raised:
        load(setting, tmp_path)
    assert "reader" not in str(raised.value)


def test_an_error_has_one_shape(serving: Callable[..., Any]) -> None:
    with serving() as shop:

        @shop.client.app.get("/fails")
        async def fails() -> None:
            raise ValueError("a secret")

        answers = [
            shop.client.get("/nowhere"), shop.client.get("/api/events"), shop.client.get("/fails"),
        ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404, 405, 500]
    for answer in answers:
        assert set(json.loads(answer.text)["error"]) == {"code", "message", "field"}
    assert "secret" not in answers[2].text
