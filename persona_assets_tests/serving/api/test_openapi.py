"""Whatever the document allows, and much that it does not, gets an answer that it documents."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import checks
from schemathesis.generation import GenerationMode

from persona_assets.service_settings import ServiceSettings
from persona_assets.serving.api.app import create_app
from persona_assets.serving.api.keys import digest_of
from persona_assets.serving.api.service import Service
from persona_assets.settings import Settings

KEY = "a key for tests only"
checks.load_all_checks()
CHECKS = [
    checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
]


@pytest.fixture(scope="session")
def document(
    whole: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[schemathesis.BaseSchema]:
    home: Path = tmp_path_factory.mktemp("home")
    lake = whole.store.root  # without a lake every answer with products is 503
    shutil.copytree(Path(lake).parent / "online", home / "online")
    chosen = ServiceSettings(
        api_keys=f"admin:{digest_of(KEY)}", rate_limit=1_000_000, body_limit=20_000
    )
    service = Service.open(Settings(home=home, lake=lake, service=chosen), b"k" * 16)
    # Schemathesis starts and ends the application for each of its clients.
    close, service.close = service.close, lambda: None  # type: ignore[method-assign]
    yield schemathesis.openapi.from_asgi("/openapi.json", create_app(service))
    close()


def operations(document: schemathesis.BaseSchema) -> list[schemathesis.APIOperation]:
    found = [result.ok() for result in document.get_all_operations()]
    assert {operation.path for operation in found} >= {
        "/api/events",
        "/mp/collect",
        "/v1/batch",
        "/api/recommendations",
        "/api/users/{user_id}/profile",
    }
    return found


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {KEY}"}, {}], ids=["key", "no key"])
def test_every_answer_is_documented(
    document: schemathesis.BaseSchema, mode: GenerationMode, headers: dict[str, str]
) -> None:
    for operation in operations(document):
        try:
            strategy = operation.as_strategy(generation_mode=mode)

            @hypothesis.settings(
                max_examples=25 if headers else 5,
                database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            @hypothesis.given(case=strategy)
            def conforms(case: schemathesis.Case) -> None:
                case.call_and_validate(headers=headers, checks=CHECKS)

            conforms()
        except hypothesis.errors.Unsatisfiable:
            # Nothing of a route without parameters can be wrong.
            assert mode is GenerationMode.NEGATIVE
