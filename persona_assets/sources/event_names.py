"""Names that shops and public data sets give to events, as the event types of the mart.

Belongs here: which name means which type. Does not belong here: applying it. `persona run` never
translates a name by itself, since a wrong guess would train models on it; it suggests the lines
of a mapping. `persona benchmark` does, and says what it took for what.
"""

from collections.abc import Iterable, Mapping

from persona_assets.tables.mart import EVENT_TYPES, UNUSED

_MEANINGS: Mapping[str, tuple[str, ...]] = {
    "view": (
        "view", "viewed", "click", "clicked", "clk", "pv", "pageview", "page_viewed", "detail",
        "product_view", "product_viewed", "view_item", "item_view", "view_product",
        "viewed_product", "product_detail", "product_click", "product_clicked", "view_content",
        "visit", "seen", "read",
    ),
    "add_to_cart": (
        "add_to_cart", "added_to_cart", "add_cart", "cart", "cart_add", "basket", "add_to_basket",
        "add_to_bag", "product_added", "product_added_to_cart", "atc",
    ),
    "purchase": (
        "purchase", "purchased", "buy", "bought", "order", "ordered", "transaction", "sale", "sold",
        "checkout_completed", "order_completed", "order_placed", "placed_order", "conversion",
        "completed_order",
    ),
    "return": (
        "return", "returned", "refund", "refunded", "order_refunded", "product_returned",
        "chargeback",
    ),
    UNUSED: (
        "session_start", "first_visit", "scroll", "user_engagement",
        "search", "view_search_results", "view_item_list", "view_cart", "begin_checkout",
        "checkout_started", "add_payment_info", "add_shipping_info", "remove_from_cart",
        "removed_from_cart", "product_removed", "cart_viewed", "product_list_viewed",
        "products_searched", "login", "sign_up", "impression", "exposure",
    ),
}  # fmt: skip
KNOWN: Mapping[str, str] = {
    "".join(filter(str.isalnum, name)): event_type
    for event_type, names in _MEANINGS.items()
    for name in names
}
"""Name without case and separators → event type of the mart, or `unused`."""


def event_type_of(name: str) -> str | None:
    """The event type that a name commonly has; null: it has no common meaning."""
    if name in (*EVENT_TYPES, UNUSED):
        return name
    return KNOWN.get("".join(filter(str.isalnum, name.lower())))


def translation(names: Iterable[str]) -> dict[str, str]:
    """Of names that are not event types yet, those that have a common meaning → it."""
    found = {name: event_type_of(name) for name in names}
    return {name: kind for name, kind in found.items() if kind is not None and kind != name}


def as_mapping_lines(names: Iterable[str]) -> str:
    """Lines of `[events.values.event_type]` for names; those without a meaning are left open."""
    return "; ".join(
        f'"{name}" = "{event_type_of(name) or "view | add_to_cart | purchase | return | unused"}"'
        for name in names
    )
