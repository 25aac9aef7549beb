"""What the storefront's files are, and who is served what, without a browser."""

import gzip
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

import persona_assets
from persona_assets.errors import UserError
from persona_assets.service_settings import ServiceSettings, service
from persona_assets.serving.api.app import create_app
from persona_assets.serving.api.keys import digest_of
from persona_assets.serving.storefront.files import POLICY
from persona_assets.serving.storefront.picture import picture

STATIC = files("persona_assets.serving.storefront") / "static"
ELEMENT = "persona-recs.js"
MOST_BYTES = 6_000
OPEN = ["/demo/shop/categories", "/demo/shop/products", "/demo/shop/switches"]


@pytest.fixture
def asking(opening: Callable[..., Any]) -> Callable[..., Any]:
    """asking([api_keys=…]) → a client of the service."""

    @contextmanager
    def asked(**chosen: Any) -> Iterator[TestClient]:
        with opening(**chosen) as found:
            yield TestClient(create_app(found), base_url="http://localhost")

    return asked


class Inline(HTMLParser):
    """Finds what a content security policy without `unsafe-inline` refuses, and files named."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.named: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        self.inside += [f"{tag} {name}" for name in of if name == "style" or name.startswith("on")]
        self.inside += [tag] if tag == "style" else []
        self._script = tag == "script"
        self.named += [of[name] or "" for name in ("src", "href") if tag != "a" and name in of]

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.inside.append("script")

    def handle_endtag(self, tag: str) -> None:
        self._script = False


def test_the_element_is_at_most_six_kilobytes_compressed() -> None:
    assert len(gzip.compress((STATIC / ELEMENT).read_bytes(), 9)) <= MOST_BYTES


def test_the_element_depends_on_nothing_and_writes_no_markup_of_data() -> None:
    text = (STATIC / ELEMENT).read_text(encoding="utf-8")
    assert not re.search(r"^\s*import\b(?!\.)|\bimport\(|https?://", text, re.MULTILINE)
    # The one piece of markup is the card's, which is a constant.
    assert re.findall(r"(\w+)\.innerHTML", text) == ["CARD"]
    assert "${" not in text[text.index("CARD.innerHTML") :].partition("`;")[0]
    for name in ("demo.js", "drawer.js", "pages.js"):
        other = (STATIC / name).read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", other)


def test_every_data_file_of_the_package_is_in_its_wheel() -> None:
    root = Path(persona_assets.__file__).parent
    project = tomllib.loads((root.parent / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = project["tool"]["setuptools"]["package-data"]
    data = [
        path
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".py" and path.parent.name != "__pycache__"
    ]
    assert STATIC / ELEMENT in data

    def is_shipped(path: Path) -> bool:
        return any(
            fnmatch(str(path.relative_to(root.parent / package.replace(".", "/"))), pattern)
            for package, patterns in shipped.items()
            if path.is_relative_to(root.parent / package.replace(".", "/"))
            for pattern in patterns
        )

    assert [path for path in data if not is_shipped(path)] == []


def test_the_page_has_nothing_inline_and_every_file_it_names_is_served(asking: Any) -> None:
    with asking() as client:
        answer = client.get("/demo")
        assert answer.headers["content-security-policy"] == POLICY
        assert POLICY.startswith("default-src 'self';")
        assert "unsafe" not in POLICY
        page = Inline(answer.text)
        assert page.inside == []
        imported = re.findall(r'"(/\w+/[\w-]+\.js)"', (STATIC / "demo.js").read_text())
        assert f"/storefront/{ELEMENT}" in imported
        for path in [*page.named, *imported, "/demo/picture/p1"]:
            found = client.get(path)
            assert found.status_code == 200, path
            assert found.headers["x-content-type-options"] == "nosniff"


def test_a_file_that_the_browser_has_is_not_sent_again(asking: Any) -> None:
    with asking() as client:
        first = client.get(f"/storefront/{ELEMENT}")
        assert first.headers["access-control-allow-origin"] == "*"
        again = client.get(
            f"/storefront/{ELEMENT}", headers={"if-none-match": first.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/demo/catalogue.py", "/demo/..%2fdemo.py", "/demo/%2e%2e/a.py"])
def test_no_other_file_is_served(asking: Any, path: str) -> None:
    with asking() as client:
        assert client.get(path).status_code == 404


def test_with_keys_there_is_no_demo_unless_it_is_asked_for(asking: Any) -> None:
    keys = f"admin:{digest_of('a')},read+write:{digest_of('r')}"
    with asking(api_keys=keys) as client:
        assert client.get("/demo").status_code == 404
        assert client.get(f"/storefront/{ELEMENT}").status_code == 200
    with asking(api_keys=keys, demo="on") as client:
        assert client.get("/demo").status_code == 200
        for path in OPEN:
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"x-api-key": "r"}).status_code == 403
            assert client.get(path, headers={"x-api-key": "a"}).status_code == 200
    with asking(demo="off") as client:
        assert client.get("/demo").status_code == 404


def test_the_setting_of_the_demo_is_on_or_off() -> None:
    assert not ServiceSettings().shows_demo
    assert service({"PERSONA_DEMO": "on"}).shows_demo
    with pytest.raises(UserError, match="PERSONA_DEMO is 'yes'; use on or off"):
        service({"PERSONA_DEMO": "yes"})


def test_the_shelves_hold_the_catalogue(asking: Any) -> None:
    with asking() as client:
        categories = client.get("/demo/shop/categories").json()["categories"]
        assert categories
        for each in categories:
            asked = {"category": each["category"] or "", "most": 60}
            found = client.get("/demo/shop/products", params=asked).json()["products"]
            assert len(found) == min(each["products"], 60)
        one = client.get("/demo/shop/product", params={"item_id": found[0]["product_id"]})
        assert one.json() == found[0]
        assert client.get("/demo/shop/product", params={"item_id": "none"}).status_code == 404


def test_another_trained_model_answers_for_an_admin(asking: Any) -> None:
    def asked(client: TestClient, key: str, model: str) -> Any:
        return client.get(
            "/api/recommendations", params={"model": model}, headers={"x-api-key": key}
        )

    with asking(api_keys=f"admin:{digest_of('a')},read:{digest_of('r')}", demo="on") as client:
        switches = client.get("/demo/shop/switches", headers={"x-api-key": "a"}).json()
        assert switches["champion"] in switches["models"]
        user = switches["people"][0]["user_id"]
        for model in switches["models"]:
            found = client.get(
                "/api/recommendations",
                params={"model": model, "user_id": user, "consent": "true"},
                headers={"x-api-key": "a"},
            ).json()
            assert found["recommendations"]
            assert (found["model"], found["path"]) == (model, "personal")
        assert asked(client, "r", switches["champion"]).status_code == 403
        unknown = asked(client, "a", "nothing of the kind")
        assert (unknown.status_code, unknown.json()["error"]["field"]) == (422, "model")


def test_pictures_hold_nothing_of_the_identifier() -> None:
    drawn = picture('"><script>alert(1)</script>')
    assert b"script" not in drawn
    ElementTree.fromstring(drawn)
    assert picture("a") == picture("a") != picture("b")
