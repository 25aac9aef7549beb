"""What goes wrong, as answers: always `{"error": {"code", "message", "field"}}`.

Belongs here: the shape, and the handlers of exceptions. Does not belong here: when they are raised.
"""

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from persona_assets.errors import InfrastructureError
from persona_assets.serving.recommending.recommender import NotReadyError

_LOG = logging.getLogger(__name__)
_CODES = {404: "not_found", 405: "method_not_allowed"}


class Problem(BaseModel):
    """What is wrong: a code for programs, a sentence for people, the field if there is one."""

    code: str
    message: str
    field: str | None


class ErrorAnswer(BaseModel):
    """The body of every answer from 400 on."""

    error: Problem


class ApiError(Exception):
    """An answer other than success; `headers` go with it, `more` into its body."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        field: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.field = field
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def answer(self) -> Response:
        """The error as an answer."""
        error = {"code": self.code, "message": str(self), "field": self.field or None}
        return answer({"error": error, **self.more}, self.status, self.headers)


def answer(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer of JSON, made without checking it against its model at each request."""
    return Response(
        orjson.dumps(body),
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/json",
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these errors."""
    return {status: {"model": ErrorAnswer} for status in statuses}


def unavailable() -> ApiError:
    """That the same request may succeed later."""
    return ApiError(
        503,
        "unavailable",
        "the service cannot store or read at the moment; send the request again later",
        headers={"Retry-After": "5"},
    )


def install(app: FastAPI) -> None:
    """Make every exception an answer of one shape; no text of an exception is shown to callers."""

    @app.exception_handler(ApiError)
    async def deliberate(request: Request, error: ApiError) -> Response:
        return error.answer()

    @app.exception_handler(HTTPException)
    async def of_starlette(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "refused")
        found = ApiError(error.status_code, code, str(error.detail), headers=error.headers)
        return found.answer()

    @app.exception_handler(RequestValidationError)
    async def of_parameters(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        return ApiError(422, "invalid", str(first["msg"]), field).answer()

    @app.exception_handler(InfrastructureError)
    async def of_the_machine(request: Request, error: InfrastructureError) -> Response:
        _LOG.error("%s", error)
        return unavailable().answer()

    @app.exception_handler(NotReadyError)
    async def not_ready(request: Request, error: NotReadyError) -> Response:
        return ApiError(503, "not_ready", str(error), headers={"Retry-After": "5"}).answer()

    @app.exception_handler(ClientDisconnect)
    async def nobody_there(request: Request, error: ClientDisconnect) -> Response:
        return ApiError(400, "disconnected", "the caller went away").answer()
