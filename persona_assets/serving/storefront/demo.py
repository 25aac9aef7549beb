"""The demo shop's routes: its page, and what it asks beyond the service's own API.

Belongs here: paths, parameters, keys. Does not belong here: what is on the shelves
(`catalogue.py`), or the page (`static/`).

Whoever may see the page may see nothing else without an `admin` key, or without keys at all, which
the service allows on this machine alone.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from persona_assets.serving.api import authorization
from persona_assets.serving.api.errors import ApiError, answer
from persona_assets.serving.api.service import Service
from persona_assets.serving.storefront.catalogue import Catalogue, people_to_try
from persona_assets.serving.storefront.files import POLICY, static_file
from persona_assets.serving.storefront.picture import picture

_PAGE = "demo.html"
_FILES = ("demo.css", "demo.js", "drawer.js", "icon.svg", "pages.js")
_HEADERS = {"content-security-policy": POLICY, "referrer-policy": "no-referrer"}
MOST_PRODUCTS = 60
"""On one page of the shop."""


def router(service: Service) -> APIRouter:
    """The routes over a service."""
    found = APIRouter(prefix="/demo", include_in_schema=False)
    _add_page(found)
    _add_shop(found, service)
    return found


def _add_page(found: APIRouter) -> None:
    """The page, its parts and pictures: the same for everybody."""
    page, files = static_file(_PAGE), {name: static_file(name) for name in _FILES}

    @found.get("")
    async def shop(request: Request) -> Response:
        """The page."""
        return page.answer(request, _HEADERS)

    @found.get("/{name}")
    async def part(request: Request, name: str) -> Response:
        """Its scripts and styles."""
        if name not in files:
            raise ApiError(404, "not_found", "the demo shop has no such file")
        return files[name].answer(request, _HEADERS)

    @found.get("/picture/{identifier:path}")
    async def drawn(identifier: str) -> Response:
        """A pattern in place of a product's picture; it says nothing of whether there is one."""
        return Response(
            picture(identifier),
            media_type="image/svg+xml",
            headers={"cache-control": "max-age=86400", **_HEADERS},
        )


def _add_shop(found: APIRouter, service: Service) -> None:
    """What is on the shelves, and who and what the shop can be seen by."""
    catalogue = Catalogue(service.recommender.store)

    def asked(request: Request) -> None:
        authorization.authorize(request, "admin", service.keys, service.limit)

    @found.get("/shop/categories")
    async def categories(request: Request) -> Response:
        """Categories of the catalogue, the largest first."""
        asked(request)
        return answer({"categories": await run_in_threadpool(catalogue.categories)})

    @found.get("/shop/products")
    async def products(
        request: Request,
        category: Annotated[str | None, Query(max_length=256)] = None,
        most: Annotated[int, Query(ge=1, le=MOST_PRODUCTS)] = 24,
    ) -> Response:
        """Products of a category, or of all."""
        asked(request)
        shown = await run_in_threadpool(catalogue.products, category, most)
        return answer({"products": shown})

    @found.get("/shop/product")
    async def product(
        request: Request, item_id: Annotated[str, Query(min_length=1, max_length=256)]
    ) -> Response:
        """One product."""
        asked(request)
        shown = await run_in_threadpool(catalogue.product, item_id)
        if shown is None:
            raise ApiError(404, "not_found", "the catalogue has no such product", "item_id")
        return answer(shown)

    @found.get("/shop/switches")
    async def switches(request: Request) -> Response:
        """Whom the shop can be seen as, and by which models."""
        asked(request)
        return answer(await run_in_threadpool(_switches, service))


def _switches(service: Service) -> dict[str, Any]:
    served = service.recommender.served
    people = people_to_try(service.recommender.store, served.people, service.hash_key)
    return {
        "champion": served.name,
        "cutoff": f"{served.cutoff}",
        "models": service.other_models.names(),
        "people": people,
    }
