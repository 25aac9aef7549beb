"""A service over a home of its own, and a client of it without a network."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from persona_assets.service_settings import ServiceSettings
from persona_assets.serving.api.app import create_app
from persona_assets.serving.api.service import Service
from persona_assets.serving.collector.acceptance import kept
from persona_assets.serving.collector.contract import CollectedEvent
from persona_assets.serving.event_log import reader
from persona_assets.settings import Settings

HASH_KEY = b"a key for tests only"


@dataclasses.dataclass
class Shop:
    """A client of a running service, and what it holds open."""

    client: TestClient
    service: Service

    def logged(self) -> list[CollectedEvent]:
        """Ends the service and reads what is in its log."""
        self.service.close()
        folder = self.service.settings.home / "event_log"
        return [kept(record.payload) for record in reader.read(folder)]


@pytest.fixture
def serving(tmp_path: Path) -> Callable[..., Any]:
    @contextmanager
    def opened(home: Path = tmp_path, **settings: Any) -> Iterator[Shop]:
        chosen = ServiceSettings(**{"api_keys": "off", **settings})
        service = Service.open(Settings(home=home, service=chosen), HASH_KEY)
        with TestClient(
            create_app(service), base_url="http://localhost", raise_server_exceptions=False
        ) as client:
            yield Shop(client, service)

    return opened


@pytest.fixture
def shop(serving: Callable[..., Any]) -> Iterator[Shop]:
    with serving() as found:
        yield found
