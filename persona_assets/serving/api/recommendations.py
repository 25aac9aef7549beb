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
from persona_assets.service_settings import ALL
from persona_assets.serving.api import answered_lists, authorization
from persona_assets.serving.api.answered_lists import Asked
from persona_assets.serving.api.errors import ApiError, answer, documented
from persona_assets.serving.api.service import Service
from persona_assets.serving.collector.referrers import site_of
from persona_assets.serving.profiles import Profile, profile
from persona_assets.serving.recommending.context_popularity import Wanted
from persona_assets.serving.recommending.ranking import ListPath, Recommendation
from persona_assets.serving.recommending.recommender import Beholder
from persona_assets.serving.recommending.served_model import Product, ServedModel
from persona_assets.serving.served.record import Route
from persona_assets.sources.null_words import BLANKS
from persona_assets.transforms.pseudonyms import pseudonym

ITEM_KNN, DIRECTIONAL, CONTENT = "item_knn", "directional", "content"
"""What products beside another come from: models of pairs, or the catalogue."""
MOST = 100
"""Products in one answer."""
_TAGS: list[str | Enum] = ["recommendations"]
_ERRORS = documented(*authorization.STATUSES, 422, 503)
Context = Literal["home", "product", "cart"]
Identifier = Annotated[str, Query(min_length=1, max_length=256)]
Consent = bool | None
"""Did the customer consent to personalization? Not said: as `PERSONA_EVENT_CONSENT` has it."""
K = Annotated[int, Query(ge=1, le=MOST)]
ContextValue = Annotated[str | None, Query(min_length=1, max_length=64)]
UserId = Annotated[str | None, Query(max_length=256)]
"""The shop's identifier of the customer; without one, a list for anybody."""
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
        user_id: UserId = None,
        k: K = 10,
        context: Context = "home",
        item_id: Annotated[str | None, Query(min_length=1, max_length=256)] = None,
        consent: Consent = None,
        placement: Placement = None,
        model: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
        country: ContextValue = None,
        device: ContextValue = None,
        referrer: Annotated[str | None, Query(max_length=2048)] = None,
    ) -> Response:
        """The best products for a customer; for anybody without `user_id` or without consent.

        `consent=true` says that the customer consented to personalization. Not said, it counts as
        no, unless the shop states by `PERSONA_EVENT_CONSENT=all` that everybody did.

        `country`, `device` and `referrer` say whose popular products a customer gets of whom
        nothing is known.

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
        consents = _consents(service, consent, name)
        # Who asks for a model by its name compares, and is no customer.
        live = None if model is not None else service.live_arm(name, consent=consents)
        served, made = service.recommender.recommend(
            name,
            k,
            consent=consents,
            looked_at=looked_at,
            context=context,
            placement=placement,
            within=Wanted(country, device, site_of(referrer)),
            model=other if live is None else live.model,
        )
        asked = Asked(
            "recommendations", k, began, context, placement, item_id, name, consents, live
        )
        return answer(
            {
                "user_id": name if consents else None,
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
        request: Request,
        item_id: Identifier,
        k: K = 10,
        placement: Placement = None,
        user_id: UserId = None,
        consent: Consent = None,
    ) -> Response:
        """Products that the same people interacted with; of a new product, those described alike.

        With `user_id` and consent, without what that customer bought or rejected.
        """
        began = time.perf_counter()
        authorization.authorize(request, "read", service.keys, service.limit)
        beholder = _beholder(service, user_id, consent, placement)
        served, items = service.recommender.similar(item_id, k, beholder)
        model = ITEM_KNN if item_id in served.interacted else CONTENT
        asked = _asked_beside("similar", item_id, k, began, beholder)
        return _beside(service, asked, served, items, model)

    @found.get(
        "/api/complementary",
        tags=_TAGS,
        response_model=None,
        responses={200: {"model": ProductsAnswer}, **_ERRORS},
    )
    async def complementary(
        request: Request,
        item_id: Identifier,
        k: K = 10,
        placement: Placement = None,
        user_id: UserId = None,
        consent: Consent = None,
    ) -> Response:
        """Products that people went on to; none for one that nobody knows.

        With `user_id` and consent, without what that customer bought or rejected.
        """
        began = time.perf_counter()
        authorization.authorize(request, "read", service.keys, service.limit)
        beholder = _beholder(service, user_id, consent, placement)
        served, items = service.recommender.complementary(item_id, k, beholder)
        asked = _asked_beside("complementary", item_id, k, began, beholder)
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


def _consents(service: Service, said: bool | None, user_id: str | None) -> bool:
    """May anything about the customer be used? What is not said counts as no, as with events.

    Where no customer is named there is nobody to consent: nothing of anybody is used.
    """
    if said is not None:
        return said
    return user_id is None or service.settings.service.event_consent == ALL


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


def _beholder(
    service: Service, user_id: str | None, consent: bool | None, placement: str | None
) -> Beholder:
    name = (user_id or "").strip(BLANKS) or None
    return Beholder(name, _consents(service, consent, name), placement)


def _asked_beside(route: Route, item_id: str, k: int, began: float, beholder: Beholder) -> Asked:
    return Asked(
        route, k, began, None, beholder.placement, item_id, beholder.user_id, beholder.consent
    )


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
