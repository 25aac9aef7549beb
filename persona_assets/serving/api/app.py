"""The application: all routes over one service.

Belongs here: putting it together. Does not belong here: any route but those about the service
itself.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware

from persona_assets.serving.api import authorization, errors, events, openapi, recommendations
from persona_assets.serving.api.errors import answer, documented
from persona_assets.serving.api.observation import Observation
from persona_assets.serving.api.service import Service
from persona_assets.serving.storefront import demo, storefront

_PREFLIGHT_SECONDS = 86_400
_TAGS: list[str | Enum] = ["service"]


class Health(BaseModel):
    """Whether the service can do its work, and why not."""

    status: str
    reasons: list[str] = []


def create_app(service: Service) -> FastAPI:
    """The application over an opened service, which is closed when the application ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="persona_assets",
        version="1",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    errors.install(app)
    app.include_router(events.router(service))
    app.include_router(recommendations.router(service))
    app.include_router(storefront.router())
    if service.settings.service.shows_demo:
        app.include_router(demo.router(service))

    @app.get("/healthz", tags=_TAGS, response_model=None, responses={200: {"model": Health}})
    async def healthz() -> Response:
        """The process answers."""
        return answer({"status": "alive", "reasons": []})

    @app.get(
        "/readyz",
        tags=_TAGS,
        response_model=None,
        responses={200: {"model": Health}, 503: {"model": Health}},
    )
    async def readyz() -> Response:
        """The service can do its work."""
        reasons = [reason for each in service.unready if (reason := each())]
        status = "unready" if reasons else "ready"
        return answer({"status": status, "reasons": reasons}, 503 if reasons else 200)

    @app.get(
        "/metrics",
        tags=_TAGS,
        response_class=Response,
        response_model=None,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            **documented(*authorization.STATUSES),
        },
    )
    async def metrics(request: Request) -> Response:
        """What the service measures of itself, for Prometheus; an `admin` key."""
        authorization.authorize(request, "admin", service.keys, service.limit)
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    openapi.install(app)
    if origins := service.keys.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Api-Key"],
            max_age=_PREFLIGHT_SECONDS,
        )
    app.add_middleware(Observation, metrics=service.metrics)
    return app
