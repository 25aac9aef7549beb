"""Routes that answer with products, and with what is known of a customer.

Belongs here: paths, parameters and the shape of answers. Does not belong here: which products
(`serving/recommending/`), what is noted of each list (`answered_lists.py`).
"""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from persona_assets.errors import DataError, UserError
from persona_assets.serving.api import answered_lists, authorization
from persona_assets.serving.api.answered_lists import Asked
from persona_assets.serving.api.errors import ApiError, answer, documented
from persona_assets.serving.api.service import Service
from persona_assets.serving.profiles import Profile, profile
from persona_assets.serving.recommending.ranking import ListPath, Recommendation
from persona_assets.serving.recommending.served_model import Product, ServedModel
from persona_assets.sources.null_words import BLANKS
from persona_assets.transforms.pseudonyms import pseudonym

ITEM_KNN, DIRECTIONAL = "item_knn", "directional"
"""Models of pairs that products beside another come from."""
MOST = 100
"""Products in one answer."""
_TAGS: list[str | Enum] = ["recommendations"]
_ERRORS = documented(*authorization.STATUSES, 422, 503)
Context = Literal["home", "product", "cart"]
Identifier = Annotated[str, Query(min_length=1, max_length=256)]
K = Annotated[int, Query(ge=1, le=MOST)]
Placement = Annotated[str | None, Query(min_length=1, max_length=64)]
"""Where in the page the list stands, as the shop names it; kept with the served list."""


class RecommendedProduct(BaseModel):
    """A product of a list: name and price as in the catalogue today, and why it is here."""

    product_id: str
    score: float
    name: str | None
    price: float | None
    reason: str


class RecommendationsAnswer(BaseModel):
    """A customer's list. `as_of`: the model knows what happened before; newer events count, too."""

    user_id: str | None
    recommendation_id: str
    model: str
    version: str
    path: ListPath
    as_of: str
    recommendations: list[RecommendedProduct]


class ProductsAnswer(BaseModel):
    """Products beside another."""

    product_id: str
    recommendation_id: str
    as_of: str
    recommendations: list[RecommendedProduct]


class ProfileAnswer(BaseModel):
    """What is known of a customer: features by view, what happened today, the newest events."""

    user_id: str
    known: bool
    features: dict[str, dict[str, Any] | None]
    today: dict[str, int]
    recent: list[dict[str, Any]]


def router(service: Service) -> APIRouter:
    """The routes over a service."""
    found = APIRouter()

    @found.get(
        "/api/recommendations",
        tags=_TAGS,
        response_model=None,
        responses={200: {"model": RecommendationsAnswer}, **_ERRORS},
    )
    async def recommendations(
        request: Request,
        user_id: Annotated[str | None, Query(max_length=256)] = None,
        k: K = 10,
        context: Context = "home",
        item_id: Annotated[str | None, Query(min_length=1, max_length=256)] = None,
        consent: bool = True,
        placement: Placement = None,
        model: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    ) -> Response:
        """The best products for a customer; for anybody without `user_id` or with `consent=false`.

        `item_id` is the product that is looked at (`context=product`) or was just put into the cart
        (`context=cart`): it counts as the latest view and is not in the list. `model` is another
        trained model than the champion, to compare; an `admin` key.
        """
        began = time.perf_counter()
        scope = "read" if model is None else "admin"
        authorization.authorize(request, scope, service.keys, service.limit)
        if context != "home" and item_id is None:
            raise ApiError(422, "invalid", f"context={context} needs item_id", "item_id")
        name = (user_id or "").strip(BLANKS) or None
        looked_at = (item_id, int(service.clock() * 1_000_000)) if item_id is not None else None
        other = None if model is None else service.other_models.loaded(model)
        if model is not None and other is None:
            other = await run_in_threadpool(_named, service, model)
        served, made = service.recommender.recommend(
            name, k, consent=consent, looked_at=looked_at, model=other
        )
        asked = Asked("recommendations", k, began, context, placement, item_id, name, consent)
        return answer(
            {
                "user_id": name if consent else None,
                "recommendation_id": answered_lists.noted(
                    service, asked, served, made.items, model=made.model, path=made.path
                ),
                "model": made.model,
                "version": served.version,
                "path": made.path,
                "as_of": f"{served.cutoff}T00:00:00Z",
                "recommendations": _products(served, made.items),
            }
        )

    @found.get(
        "/api/similar",
        tags=_TAGS,
        response_model=None,
        responses={200: {"model": ProductsAnswer}, **_ERRORS},
    )
    async def similar(
        request: Request, item_id: Identifier, k: K = 10, placement: Placement = None
    ) -> Response:
        """Products that the same people interacted with; none for one that nobody knows."""
        began = time.perf_counter()
        authorization.authorize(request, "read", service.keys, service.limit)
        served, items = service.recommender.similar(item_id, k)
        asked = Asked("similar", k, began, placement=placement, item_id=item_id)
        return _beside(service, asked, served, items, ITEM_KNN)

    @found.get(
        "/api/complementary",
        tags=_TAGS,
        response_model=None,
        responses={200: {"model": ProductsAnswer}, **_ERRORS},
    )
    async def complementary(
        request: Request, item_id: Identifier, k: K = 10, placement: Placement = None
    ) -> Response:
        """Products that people went on to; none for one that nobody knows."""
        began = time.perf_counter()
        authorization.authorize(request, "read", service.keys, service.limit)
        served, items = service.recommender.complementary(item_id, k)
        asked = Asked("complementary", k, began, placement=placement, item_id=item_id)
        return _beside(service, asked, served, items, DIRECTIONAL)

    @found.get(
        "/api/users/{user_id}/profile",
        tags=_TAGS,
        response_model=None,
        responses={200: {"model": ProfileAnswer}, **_ERRORS},
    )
    async def user_profile(request: Request, user_id: str) -> Response:
        """What is known of a customer; an `admin` key."""
        authorization.authorize(request, "admin", service.keys, service.limit)
        person = pseudonym(user_id.strip(BLANKS), service.hash_key)
        try:
            known = await run_in_threadpool(profile, service.online, service.tail, "user", person)
        except DataError as error:
            raise ApiError(
                503, "not_ready", "no features are published yet; `persona run` publishes them"
            ) from error
        return answer(_profile(user_id, known, service, person))

    return found


def _named(service: Service, model: str) -> ServedModel:
    """Another model than the champion.

    Raises:
        ApiError: 422 where there is none of this name, 503 where it cannot be read.
    """
    try:
        return service.other_models.named(model)
    except UserError as error:
        raise ApiError(422, "invalid", str(error), "model") from error
    except DataError as error:
        raise ApiError(503, "not_ready", "the model's artefact cannot be read") from error


def _products(served: ServedModel, items: Iterable[Recommendation]) -> list[dict[str, Any]]:
    nothing = Product()
    return [
        {
            "product_id": each.product_id,
            "score": each.score,
            "name": (known := served.catalogue.get(each.product_id, nothing)).name,
            "price": known.price,
            "reason": each.reason,
        }
        for each in items
    ]


def _beside(
    service: Service,
    asked: Asked,
    served: ServedModel,
    items: Sequence[Recommendation],
    model: str,
) -> Response:
    return answer(
        {
            "product_id": asked.item_id,
            "recommendation_id": answered_lists.noted(
                service, asked, served, items, model=model, path=asked.route
            ),
            "as_of": f"{served.cutoff}T00:00:00Z",
            "recommendations": _products(served, items),
        }
    )


def _profile(user_id: str, known: Profile, service: Service, person: str) -> dict[str, Any]:
    features = {
        view: None
        if each is None
        else {
            "values": {name: _as_json(value) for name, value in each.values.items()},
            "as_of": each.as_of.isoformat(),
            "age_s": each.age_s,
            "stale": each.stale,
            "version": each.version,
        }
        for view, each in known.features.items()
    }
    recent = [
        {
            "product_id": each.product_id,
            "event_type": each.event_type,
            "event_time": datetime.fromtimestamp(each.event_ts / 1e6, UTC).isoformat(),
        }
        for each in service.tail.events_of(person, most=20)
    ]
    return {
        "user_id": user_id,
        "known": any(features.values()) or bool(recent),
        "features": features,
        "today": {
            "events": known.today.events,
            "views": known.today.views,
            "purchases": known.today.purchases,
        },
        "recent": recent,
    }


def _as_json(value: object) -> object:
    """Vectors as lists; everything else is understood as it is."""
    return value.tolist() if isinstance(value, np.ndarray) else value
