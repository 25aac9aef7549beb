"""Vendors' names of events, as the types of the contract.

Belongs here: what of a vendor's names is more than the mart's types. Does not belong here: which
names are views, carts and purchases, and which are known: the presets of file imports say so
(`sources/presets/`), so that an event means the same whichever way it comes.
"""

import tomllib
from collections.abc import Mapping
from functools import cache

from persona_assets.serving.collector.contract import EventType
from persona_assets.sources.presets import preset_text
from persona_assets.tables.mart import UNUSED

_FINER: Mapping[str, Mapping[str, EventType]] = {
    "ga4": {
        "view_item_list": "list_view",
        "select_item": "list_click",
        "remove_from_cart": "remove_from_cart",
        "view_cart": "cart_view",
        "begin_checkout": "checkout",
        "refund": "refund",
        "search": "search",
        "view_search_results": "search",
        "add_to_wishlist": "wishlist",
    },
    "segment": {
        "Product List Viewed": "list_view",
        "Viewed Product Category": "list_view",
        "Product List Filtered": "list_view",
        "Product Clicked": "list_click",
        "Product Removed": "remove_from_cart",
        "Removed Product": "remove_from_cart",
        "Cart Viewed": "cart_view",
        "Checkout Started": "checkout",
        "Order Refunded": "refund",
        "Order Cancelled": "refund",
        "Products Searched": "search",
        "Product Added to Wishlist": "wishlist",
    },
}
"""Names that are `unused` to the mart, and that the service makes something of."""


@cache
def event_types(vendor: str) -> Mapping[str, EventType | None]:
    """Name → type, of all names that the vendor's preset knows; None: no event that is kept."""
    said: Mapping[str, EventType] = tomllib.loads(preset_text(vendor))["events"]["values"][
        "event_type"
    ]
    finer = _FINER[vendor]
    return {
        name: finer.get(name) if raw_type == UNUSED else raw_type for name, raw_type in said.items()
    }
