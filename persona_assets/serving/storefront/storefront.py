"""The route of the element that stands in a shop's pages.

Belongs here: serving it to pages of other hosts. Does not belong here: the element
(`static/persona-recs.js`), or the demo shop (`demo.py`).
"""

from fastapi import APIRouter, Request, Response

from persona_assets.serving.storefront.files import static_file

ELEMENT = "persona-recs.js"


def router() -> APIRouter:
    """The route; it needs no key, since the file is the same for everybody."""
    found = APIRouter()
    element = static_file(ELEMENT)

    @found.get(f"/storefront/{ELEMENT}", include_in_schema=False)
    async def persona_recs(request: Request) -> Response:
        """The ES module; browsers load one from another host only where it says that they may."""
        return element.answer(
            request,
            {
                "access-control-allow-origin": "*",
                "cross-origin-resource-policy": "cross-origin",
            },
        )

    return found
