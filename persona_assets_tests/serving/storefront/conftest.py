"""A service over a copy of a lake, running on a port, and a browser that looks at it."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from persona_assets.lake import DeltaStore
from persona_assets.service_settings import ServiceSettings
from persona_assets.serving.api.app import create_app
from persona_assets.serving.api.service import Service
from persona_assets.settings import PUBLIC_HASH_KEY, Settings
from persona_assets.tables.models import REGISTRY
from persona_assets.tables.raw import PRODUCTS
from persona_assets.tables.serving import CHAMPION

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>"\'&amp;'
MODEL = "als"
PATIENCE_MS = 120_000
"""Only so that what hangs ends; a busy machine must not reach it."""


@pytest.fixture(scope="module")
def opening(whole: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """opening([api_keys=…]) → a service; every second product of its shop has a hostile name."""
    home: Path = tmp_path_factory.mktemp("shop")
    shutil.copytree(whole.store.root, home / "lake")
    shutil.copytree(Path(whole.store.root).parent / "online", home / "online")
    store = DeltaStore(str(home / "lake"))
    products = store.read(PRODUCTS).with_row_index("row")
    name = pl.when(pl.col("row") % 2 == 0).then(pl.lit(HOSTILE) + pl.col("name")).otherwise("name")
    store.overwrite(PRODUCTS, products.with_columns(name=name).drop("row"))
    # Whatever was promoted: a model that is told what happened since its training.
    trained = store.read(REGISTRY).filter(pl.col("model") == MODEL).sort("cutoff").tail(1)
    champion = store.read(CHAMPION).drop("model", "parameters", "cutoff", "artefact_hash")
    columns = trained.select("model", "parameters", "cutoff", "artefact_hash")
    store.overwrite(CHAMPION, pl.concat([champion, columns], how="horizontal"))

    @contextmanager
    def opened(**chosen: Any) -> Iterator[Service]:
        settings = Settings(home=home, service=ServiceSettings(**{"api_keys": "off", **chosen}))
        service = Service.open(settings, PUBLIC_HASH_KEY)
        try:
            yield service
        finally:
            service.close()

    return opened


@contextmanager
def running(service: Service) -> Iterator[str]:
    """The address of a server over the service."""
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    # Without a lifespan: whoever opened the service closes it.
    configured = uvicorn.Config(
        create_app(service), lifespan="off", log_level="warning", access_log=False
    )
    server = uvicorn.Server(configured)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [found]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{found.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def address(opening: Callable[..., Any]) -> Iterator[str]:
    """Where the shop is served to everybody on this machine."""
    with opening() as service, running(service) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium: Debian's package, or whatever Playwright was told to install."""
    # Of this module alone: while Playwright runs, no other loop can in this thread.
    with sync_playwright() as playwright:
        own = shutil.which("chromium") or shutil.which("chromium-browser")
        if own is None and not Path(playwright.chromium.executable_path).exists():
            said = "there is no Chromium; `make chromium` installs it on Debian and Ubuntu"
            if os.environ.get("CI") == "true":
                pytest.fail(said)
            pytest.skip(said)
        # Root, as in containers, has no user namespace to make a sandbox of.
        sandboxed = os.geteuid() != 0
        found = playwright.chromium.launch(executable_path=own, chromium_sandbox=sandboxed)
        expect.set_options(timeout=PATIENCE_MS)
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that has been nowhere."""
    found = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    found.set_default_timeout(PATIENCE_MS)
    found.add_init_script("AbortSignal.timeout = () => new AbortController().signal;")
    yield found
    found.close()


def complains(line: ConsoleMessage) -> bool:
    """Is it an error of the page? That a request failed is what some tests are about."""
    return line.type == "error" and not line.text.startswith("Failed to load resource")


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; whatever it complains of fails the test."""
    found, wrong = context.new_page(), []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("console", lambda line: wrong.append(line.text) if complains(line) else None)
    yield found
    assert wrong == []
