"""One accepted event, and the bytes it is kept as in the live tail.

Belongs here: its fields, packing them and back. Does not belong here: validating what a shop sends
(`serving/collector/`), storing (`live_tail.py`).
"""

import struct
from dataclasses import dataclass

from persona_assets.errors import DataError

_HEAD = struct.Struct("<qqddB")
_LENGTH = struct.Struct("<I")
_NO_QUANTITY, _NO_PRICE, _NO_SESSION, _NO_RECOMMENDATION = 1, 2, 4, 8


@dataclass(frozen=True)
class LiveEvent:
    """One accepted event of a person with a product.

    Attributes:
        event_id: by which it is known when it is sent again.
        user_id: keyed hash of the shop's identifier (`transforms/pseudonyms.py`).
        product_id: the shop's identifier of the product.
        event_type: as in `mart/user_item_interactions`, or `reject`: "do not show me this".
        event_ts: when it happened, µs since 1970 UTC.
        arrived_at: when it was accepted, µs since 1970 UTC.
        quantity: pieces.
        price: of one piece, in the shop's currency.
        session_id: visit, as the shop names it.
        recommendation_id: the answer that it follows from.
    """

    event_id: str
    user_id: str
    product_id: str
    event_type: str
    event_ts: int
    arrived_at: int
    quantity: float | None = None
    price: float | None = None
    session_id: str | None = None
    recommendation_id: str | None = None


def packed(event: LiveEvent) -> bytes:
    """The event's fields as bytes.

    Raises:
        DataError: a field is not of its type, or a time lies outside of 64 bits.
    """
    texts = (
        event.event_id,
        event.user_id,
        event.product_id,
        event.event_type,
        event.session_id or "",
        event.recommendation_id or "",
    )
    missing = (
        _NO_QUANTITY * (event.quantity is None)
        | _NO_PRICE * (event.price is None)
        | _NO_SESSION * (event.session_id is None)
        | _NO_RECOMMENDATION * (event.recommendation_id is None)
    )
    try:
        head = _HEAD.pack(
            event.event_ts, event.arrived_at, event.quantity or 0.0, event.price or 0.0, missing
        )
        encoded = [text.encode() for text in texts]
    except (struct.error, AttributeError, UnicodeEncodeError) as error:
        # The error itself may repeat a value.
        raise DataError(
            f"a live event cannot be stored: a field is not of its type "
            f"({type(error).__name__}); validate it against the contract before it is appended"
        ) from None
    return head + b"".join(_LENGTH.pack(len(text)) + text for text in encoded)


def unpacked(record: bytes) -> LiveEvent:
    """The event that was packed."""
    event_ts, arrived_at, quantity, price, missing = _HEAD.unpack_from(record)
    texts = []
    position = _HEAD.size
    for _ in range(6):
        (length,) = _LENGTH.unpack_from(record, position)
        position += _LENGTH.size
        texts.append(record[position : position + length].decode())
        position += length
    event_id, user_id, product_id, event_type, session_id, recommendation_id = texts
    return LiveEvent(
        event_id,
        user_id,
        product_id,
        event_type,
        event_ts,
        arrived_at,
        None if missing & _NO_QUANTITY else quantity,
        None if missing & _NO_PRICE else price,
        None if missing & _NO_SESSION else session_id,
        None if missing & _NO_RECOMMENDATION else recommendation_id,
    )
