"""The platform's own format of events: the fields of the contract by their names.

Belongs here: what `POST /api/events` takes. Does not belong here: other tools' formats.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from persona_assets.serving.collector.contract import (
    OF_A_PRODUCT,
    Currency,
    Delivered,
    EventType,
    Identifier,
    Identifying,
    Kind,
    Number,
    Pieces,
    Position,
    Query,
    Reading,
    Rejected,
    UnreadableError,
)
from persona_assets.serving.collector.decoding import decoded
from persona_assets.serving.collector.instants import microseconds
from persona_assets.serving.collector.items import as_text, item_id
from persona_assets.serving.collector.referrers import site_of

NAME = "events"
MOST_SHOWN = 200
"""Products of one `impression` event: twice as many as an answer has."""


class OwnEvent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One event; see `contract.Delivered` for the meaning of the fields.

    `product_ids`: the products of one list that came onto the screen together; of an `impression`
    alone, in place of `product_id`.
    """

    event_id: Identifier
    event_type: EventType
    user_id: Identifying | None = None
    anonymous_id: Identifying | None = None
    session_id: Identifying | None = None
    product_id: Identifying | None = None
    product_ids: Annotated[list[Identifying], Meta(min_length=1, max_length=MOST_SHOWN)] | None = (
        None
    )
    quantity: Pieces | None = None
    price: Number | None = None
    currency: Currency | None = None
    order_id: Identifying | None = None
    query: Query | None = None
    list_id: Identifier | None = None
    position: Position | None = None
    recommendation_id: Identifier | None = None
    device: Kind | None = None
    referrer: Annotated[str, Meta(max_length=2048)] | None = None
    event_time: Annotated[datetime, Meta(tz=True)] | None = None
    consent: bool = False


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    events: list[msgspec.Raw]


def read(body: bytes) -> Reading:
    """One event, an array of events, or `{"events": […]}`.

    Raises:
        UnreadableError: the body is none of them.
    """
    each = _events(body)
    found = Reading()
    for index, raw in enumerate(each):
        try:
            found.events += _events_of(decoded(raw, OwnEvent), index)
        except UnreadableError as error:
            found.rejected.append(Rejected(index, error.field, str(error)))
    return found


def _events(body: bytes) -> list[msgspec.Raw]:
    """The events of the body, not looked into."""
    first = body.lstrip()[:1]
    if first == b"[":
        return decoded(body, list[msgspec.Raw])
    if first != b"{":
        raise UnreadableError('the body is not an event, an array of events or {"events": […]}')
    # Whether it is valid as a whole must be known before any of it is taken.
    names = decoded(body, dict[str, msgspec.Raw])
    return decoded(body, _Batch).events if "events" in names else [msgspec.Raw(body)]


def _events_of(own: OwnEvent, index: int) -> list[Delivered]:
    """One event for each product."""
    if own.event_type == "impression" and own.recommendation_id is None:
        raise UnreadableError("an impression needs the answer that it is of", "recommendation_id")
    if own.product_ids is None:
        return [_event(own, index)]
    if own.event_type != "impression" or own.product_id is not None:
        raise UnreadableError(
            "only an impression has several products, in place of product_id", "product_ids"
        )
    each = dict.fromkeys(as_text(product) for product in own.product_ids)
    return [
        _event(
            msgspec.structs.replace(
                own, product_id=product, event_id=item_id(NAME, own.event_id, product, item=0)
            ),
            index,
        )
        for product in each
    ]


def _event(own: OwnEvent, index: int) -> Delivered:
    if own.event_type in OF_A_PRODUCT and own.product_id is None:
        raise UnreadableError(f"a {own.event_type} needs a product", "product_id")
    one = None if own.product_id is None else 1.0
    return Delivered(
        event_id=own.event_id,
        event_type=own.event_type,
        user_id=as_text(own.user_id),
        anonymous_id=as_text(own.anonymous_id),
        session_id=as_text(own.session_id),
        product_id=as_text(own.product_id),
        quantity=one if own.quantity is None else own.quantity,
        price=own.price,
        currency=own.currency,
        order_id=as_text(own.order_id),
        query=own.query,
        list_id=own.list_id,
        position=own.position,
        recommendation_id=own.recommendation_id,
        device=own.device,
        referrer=site_of(own.referrer),
        event_time=None if own.event_time is None else microseconds(own.event_time),
        consent=own.consent,
        source=NAME,
        index=index,
    )
