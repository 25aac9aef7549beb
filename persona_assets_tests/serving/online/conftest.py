"""Both places for snapshots; a real Redis server where there is one."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
import redis

from persona_assets.serving.online.opening import open_store
from persona_assets.serving.online.store import OnlineStore
from persona_assets.serving.online.views import OnlineView

PASSWORD = "s3cret-of-the-tests"
VIEW = OnlineView(
    "user_features", 1, "user_id", (("views", "int64"), ("price", "float64")), ttl_s=86_400
)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server of this process's own, with a password."""
    program = shutil.which("redis-server")
    if program is None:
        said = "there is no redis-server; `make redis` installs it on Debian and Ubuntu"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD,
         "--save", "", "--appendonly", "no", "--dir", str(tmp_path_factory.mktemp("redis"))],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
    client = redis.Redis.from_url(url)
    while server.poll() is None:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.02)
    assert server.poll() is None, "redis-server ended at once"
    yield url
    server.terminate()
    server.wait()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The server with nothing in it."""
    redis.Redis.from_url(redis_server).flushall()
    return redis_server


@pytest.fixture(params=["lmdb", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str | None]:
    """A home and a URL: nothing is stored there."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    return tmp_path / "home", url


@pytest.fixture
def store(place: tuple[Path, str | None]) -> OnlineStore:
    return open_store(*place)


Published = Callable[..., str]


@pytest.fixture
def publish(store: OnlineStore) -> Published:
    """publish(rows) → name of a published snapshot of these rows of `VIEW`."""

    def publishing(rows: list[tuple[object, ...]], view: OnlineView = VIEW) -> str:
        with store.stage() as stage:
            stage.put(view, frame(rows, view))
            stage.describe(view)
        store.backend.approve(stage.name)
        return store.backend.publish().name

    return publishing


def frame(rows: list[tuple[object, ...]], view: OnlineView = VIEW) -> pl.DataFrame:
    """Rows (identifier, event time, arrival time, features)."""
    from persona_assets.serving.online.packing import Layout

    return pl.DataFrame(rows, schema=Layout(view).schema, orient="row")
