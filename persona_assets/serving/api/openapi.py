"""The OpenAPI document: FastAPI's, with the bodies that the routes read themselves.

Belongs here: schemas of the formats of events, and how keys are sent. Does not belong here: the
formats (`serving/collector/`).
"""

from typing import Any

import msgspec
from fastapi import FastAPI

from persona_assets.serving.collector import ga4, own_format, segment

_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic", "description": "the key is the user name"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "parameter": {"type": "apiKey", "in": "query", "name": "key"},
}
_OPEN = ("/healthz", "/readyz")


def install(app: FastAPI) -> None:
    """Let the application answer with the whole document."""
    made = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(made())
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(_bodies())
    components["securitySchemes"] = _KEYS
    for path, methods in document["paths"].items():
        for operation in methods.values():
            if path not in _OPEN:
                operation["security"] = [{name: []} for name in _KEYS]
    return document


def _bodies() -> dict[str, Any]:
    """The schemas of request bodies by the names that the routes give them."""
    events = (own_format.OwnEvent, ga4.Body, ga4.Event, ga4.Params, segment.Call, segment.Batch)
    _, schemas = msgspec.json.schema_components(
        [*events, segment.Properties], ref_template="#/components/schemas/{name}"
    )
    own = {"$ref": "#/components/schemas/OwnEvent"}
    several = {"type": "array", "items": own}
    in_object = {"type": "object", "properties": {"events": several}, "required": ["events"]}
    named = {
        "OwnEvents": {"anyOf": [own, several, {**in_object, "additionalProperties": False}]},
        "GoogleAnalyticsBody": schemas.pop("Body"),
        "SegmentCall": schemas.pop("Call"),
        "SegmentBatch": schemas.pop("Batch"),
    }
    _nest(named["GoogleAnalyticsBody"], "events", "Event")
    _nest(named["SegmentBatch"], "batch", "SegmentCall")
    schemas["Event"]["properties"]["params"] = {"$ref": "#/components/schemas/Params"}
    named["SegmentCall"]["properties"]["properties"] = {"$ref": "#/components/schemas/Properties"}
    return schemas | named


def _nest(schema: dict[str, Any], field: str, name: str) -> None:
    """Say of what the array `field` is, which is decoded one by one."""
    schema["properties"][field] = {
        "type": "array",
        "items": {"$ref": f"#/components/schemas/{name}"},
    }
