"""What is noted of each request: its route, status and time, and nothing of who or what.

Belongs here: the middleware around everything. Does not belong here: metrics' names (`metrics.py`).

A path may hold a user's identifier and a query a key, so that routes are noted by their pattern.
"""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from persona_assets.serving.api.errors import ApiError
from persona_assets.serving.api.metrics import Metrics

_ACCESS = logging.getLogger("persona_assets.access")
_LOG = logging.getLogger(__name__)
_UNKNOWN = "unknown"


class Observation:
    """ASGI middleware: counts and times requests, and answers what nobody caught with 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:  # noqa: BLE001 - the last resort of a service that goes on
            # Not its text: it may repeat what was sent.
            _LOG.error("%s in %s", type(error).__name__, _route(scope), exc_info=_place(error))
            if not status:
                failed = ApiError(500, "failed", "the service failed; its log says where")
                await failed.answer()(scope, receive, noting)
        finally:
            route, seconds = _route(scope), time.perf_counter() - began
            method = scope["method"] if route != _UNKNOWN else _UNKNOWN
            self._metrics.requests.labels(route, method, str(status)).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            _ACCESS.info("%s %s %d %.1f ms", method, route, status, 1000 * seconds)


def _route(scope: Scope) -> str:
    """The pattern of the route that took the request."""
    return str(getattr(scope.get("route"), "path", _UNKNOWN))


def _place(error: Exception) -> BaseException | None:
    """The error without its text, so that a log shows where it was raised."""
    return type("Unforeseen", (Exception,), {})().with_traceback(error.__traceback__)
