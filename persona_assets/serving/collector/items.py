"""One event of a vendor with several products in it, as one event per product.

Belongs here: identifiers of such events and of products, and types that need a product. Does not
belong here: where a vendor writes what.
"""

import hashlib

from persona_assets.serving.collector.contract import OF_A_PRODUCT, EventType, UnreadableError

_SEPARATOR = "\x1f"


def item_id(source: str, *parts: object, item: int) -> str:
    """The identifier of one product's event: equal whenever the same is sent again.

    SHA-256 as 64 hexadecimal digits, so that nothing of the parts is shown.

    Args:
        source: format that the event came in.
        parts: what identifies the event in its source.
        item: place of the product in the event, from 0.
    """
    text = _SEPARATOR.join([source, *map(str, parts), str(item)])
    return hashlib.sha256(text.encode()).hexdigest()


def refuse_without_product(event_type: EventType, field: str) -> None:
    """Raise UnreadableError for an event without products whose type needs one."""
    if event_type in OF_A_PRODUCT:
        raise UnreadableError(f"a {event_type} needs a product", field)


def as_text(value: str | int | None) -> str | None:
    """An identifier as text; some shops write theirs as numbers."""
    return None if value is None else str(value)
