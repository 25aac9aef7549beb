"""Who is calling: the key of a request, and whether it may do what it asks.

Belongs here: headers and parameters that carry keys, origins, limits. Does not belong here: keys
themselves (`keys.py`).
"""

import base64
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request

from persona_assets.serving.api.errors import ApiError
from persona_assets.serving.api.keys import ApiKey, Keys
from persona_assets.serving.api.rate_limit import RateLimit

ANYBODY = "anybody"
"""Name of the bucket of callers without keys."""
STATUSES = (401, 403, 429)
"""What `authorize` may answer."""


def authorize(
    request: Request, scope: str, keys: Keys, limit: RateLimit, *, given: str | None = None
) -> None:
    """Let the request pass if its key has the scope.

    Args:
        request: whose key is looked for.
        scope: `read`, `write` or `admin`.
        keys: of the service.
        limit: of each key.
        given: the key, where the body carries it and no header does.

    Raises:
        ApiError: 401 without a key that is known, 403 for another scope or page, 429 too often.
    """
    if keys.off:
        _refuse_other_machines(request)
        name = ANYBODY
    else:
        text = key_of(request) or given
        key = keys.of(text) if text else None
        if key is None:
            raise ApiError(
                401,
                "unauthorized",
                "the request has no API key that is known; send it as `Authorization: Bearer KEY`",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if not key.may(scope):
            raise ApiError(403, "forbidden", f"this API key may not {scope}; use another")
        _refuse_other_pages(request, key)
        name = key.digest
    if wait := limit.seconds_to_wait(name):
        raise ApiError(
            429,
            "too_many_requests",
            f"more than {limit.per_second} requests per second; wait and send it again",
            headers={"Retry-After": str(wait)},
        )


def key_of(request: Request) -> str | None:
    """The key that the request carries.

    `Authorization: Bearer KEY`, `Authorization: Basic` with the key as user name (Segment's
    clients), `X-Api-Key`, or a parameter: `key` (beacons cannot set headers) or `api_secret` (the
    Measurement Protocol).
    """
    header = request.headers.get("authorization", "")
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return value.strip() or None
    if kind.lower() == "basic":
        try:
            user, _, _ = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:  # no base64, or no UTF-8 in it
            return None
        return user or None
    parameters = request.query_params
    return request.headers.get("x-api-key") or parameters.get("key") or parameters.get("api_secret")


def _refuse_other_pages(request: Request, key: ApiKey) -> None:
    """A key that stands in pages is used by those pages alone."""
    if not key.origins:
        return
    origin = request.headers.get("origin")
    # Browsers name no origin where a page reads from its own host.
    own = origin is None and request.headers.get("sec-fetch-site") == "same-origin"
    if not own and (origin or "").lower() not in key.origins:
        raise ApiError(403, "forbidden", "this API key is not for this page; use another")


def _refuse_other_machines(request: Request) -> None:
    """Without keys, no page on the web may reach the service through somebody's browser."""
    origin = request.headers.get("origin")
    hosts = [request.headers.get("host", "")]
    hosts += [] if origin is None else [urlsplit(origin).netloc]
    if not all(is_loopback(_name(host)) for host in hosts):
        raise ApiError(
            403, "forbidden", "without API keys the service answers to this machine alone"
        )


def _name(host: str) -> str | None:
    """A `Host` without its port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def is_loopback(host: str | None) -> bool:
    """Does the name or address mean this machine?"""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
