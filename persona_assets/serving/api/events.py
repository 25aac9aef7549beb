"""Routes that take events: the platform's own, and those of tools that shops have.

Belongs here: paths, and what each answers. Does not belong here: formats (`serving/collector/`).

A shop that has Google Analytics 4 or Segment changes a host name and nothing else.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from persona_assets.serving.api import authorization, body
from persona_assets.serving.api.errors import ApiError, answer, documented, unavailable
from persona_assets.serving.api.service import Accepted, Service
from persona_assets.serving.collector import ga4, own_format, segment
from persona_assets.serving.collector.contract import Reading, UnreadableError
from persona_assets.serving.event_log.writer import LogUnavailableError

_ERRORS = documented(400, *authorization.STATUSES, *body.STATUSES, 422, 503)
_TAGS: list[str | Enum] = ["events"]


class RejectedEvent(BaseModel):
    """An event that was not accepted: its place in what was sent, the field, and why."""

    index: int
    field: str
    message: str


class EventsAnswer(BaseModel):
    """What became of a request's events; accepted ones are durable."""

    accepted: int
    ignored: int
    rejected: list[RejectedEvent]


class SegmentAnswer(BaseModel):
    """What Segment's clients expect, and what was rejected, if anything."""

    success: bool
    rejected: list[RejectedEvent] = []


def router(service: Service) -> APIRouter:
    """The routes over a service."""
    found = APIRouter()

    @found.post(
        "/api/events",
        status_code=202,
        tags=_TAGS,
        response_model=None,
        responses={202: {"model": EventsAnswer}, **_ERRORS},
        openapi_extra=_of("OwnEvents"),
    )
    async def events(request: Request) -> Response:
        """Accept one event or several; what is answered with 202 is durable."""
        accepted = await _taken(request, service, own_format.NAME, own_format.read)
        return answer(_told(accepted), 202)

    @found.post(
        "/mp/collect",
        status_code=204,
        tags=_TAGS,
        response_model=None,
        responses={200: {"model": EventsAnswer}, **_ERRORS},
        openapi_extra=_of("GoogleAnalyticsBody"),
    )
    async def measurement_protocol(request: Request) -> Response:
        """Google Analytics 4, Measurement Protocol; an API key is the `api_secret`."""
        accepted = await _taken(request, service, ga4.NAME, ga4.read)
        return answer(_told(accepted)) if accepted.rejected else Response(status_code=204)

    @found.post(
        "/v1/track",
        tags=_TAGS,
        response_model=None,
        responses={200: {"model": SegmentAnswer}, **_ERRORS},
        openapi_extra=_of("SegmentCall"),
    )
    async def track(request: Request) -> Response:
        """Segment's `track`; an API key is the write key."""
        accepted = await _taken(request, service, segment.NAME, segment.read_track)
        return answer({"success": True, "rejected": _rejected(accepted)})

    @found.post(
        "/v1/batch",
        tags=_TAGS,
        response_model=None,
        responses={200: {"model": SegmentAnswer}, **_ERRORS},
        openapi_extra=_of("SegmentBatch"),
    )
    async def batch(request: Request) -> Response:
        """Segment's `batch`; an API key is the write key."""
        accepted = await _taken(request, service, segment.NAME, segment.read_batch)
        return answer({"success": True, "rejected": _rejected(accepted)})

    return found


async def _taken(
    request: Request, service: Service, source: str, read: Callable[[bytes], Reading]
) -> Accepted:
    """Read, check and store the events of a request.

    Raises:
        ApiError: nothing was stored; it says why.
    """
    if source == segment.NAME and authorization.key_of(request) is None:
        # In browsers the key is in the body, which is therefore read before it is known.
        text = await body.body_of(request, service.settings.service.body_limit)
        given = segment.write_key(text)
        authorization.authorize(request, "write", service.keys, service.limit, given=given)
    else:
        authorization.authorize(request, "write", service.keys, service.limit)
        text = await body.body_of(request, service.settings.service.body_limit)
    try:
        reading = read(text)
    except UnreadableError as error:
        raise ApiError(400, "unreadable", str(error), error.field) from None
    try:
        accepted = await service.accept(source, reading)
    except LogUnavailableError:
        raise unavailable() from None
    if accepted.rejected and not accepted.events:
        first = accepted.rejected[0]
        raise ApiError(422, "invalid", first.message, first.field, more=_told(accepted))
    return accepted


def _told(accepted: Accepted) -> dict[str, object]:
    return {
        "accepted": accepted.events,
        "ignored": accepted.ignored,
        "rejected": _rejected(accepted),
    }


def _rejected(accepted: Accepted) -> list[dict[str, object]]:
    return [
        {"index": each.index, "field": each.field, "message": each.message}
        for each in accepted.rejected
    ]


def _of(name: str) -> dict[str, Any]:
    """The documentation of a body that the route reads itself; see `openapi.py`."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
