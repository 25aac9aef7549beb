"""Google Analytics 4: the body of the Measurement Protocol, `POST /mp/collect`.

Belongs here: the fields of Google's reference that products, lists and orders are read from.
Does not belong here: names of events (`event_names.py`), the export to BigQuery (`sources/`).

https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference and
https://developers.google.com/analytics/devguides/collection/ga4/reference/events

A person is a device (`client_id`), as in the preset of the export: `user_id` is known only after a
login, and would make two people of one. Google has no identifier of an event: an order is known by
its number, and everything else by device, time, name and place in the batch, where the shop sends
`timestamp_micros`; without it, an event that is sent again counts again.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from persona_assets.serving.collector.contract import (
    Currency,
    Delivered,
    EventType,
    Identifying,
    Number,
    Pieces,
    Position,
    Query,
    Reading,
    Rejected,
    UnreadableError,
)
from persona_assets.serving.collector.decoding import decoded
from persona_assets.serving.collector.event_names import event_types
from persona_assets.serving.collector.items import as_text, item_id, refuse_without_product

NAME = "ga4"
_GRANTED = "GRANTED"
_Micros = Annotated[int, Meta(ge=0, le=2**62)]


class Consent(msgspec.Struct):
    """What the person granted Google; only both count as consent to personalization."""

    ad_user_data: str | None = None
    ad_personalization: str | None = None


class Item(msgspec.Struct):
    """One of `items`."""

    item_id: Identifying | None = None
    item_name: Identifying | None = None
    price: Number | None = None
    quantity: Pieces | None = None
    index: Position | None = None
    item_list_id: Identifying | None = None
    recommendation_id: Identifying | None = None


class Params(msgspec.Struct):
    """`params` of an event."""

    items: Annotated[list[Item], Meta(max_length=200)] = []
    session_id: Identifying | None = None
    currency: Currency | None = None
    transaction_id: Identifying | None = None
    search_term: Query | None = None
    item_list_id: Identifying | None = None
    recommendation_id: Identifying | None = None


class Event(msgspec.Struct):
    """One of `events`; its `params` are looked into where its name is of a kept event."""

    name: Annotated[str, Meta(max_length=100)]
    params: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"{}"))
    timestamp_micros: _Micros | None = None


class Body(msgspec.Struct):
    """The whole body."""

    client_id: Identifying
    events: list[msgspec.Raw]
    timestamp_micros: _Micros | None = None
    consent: Consent | None = None


def read(body: bytes) -> Reading:
    """The events of a request.

    Raises:
        UnreadableError: it is not a body of the Measurement Protocol.
    """
    whole = decoded(body, Body)
    found = Reading()
    for index, raw in enumerate(whole.events):
        try:
            event = decoded(raw, Event)
            event_type = event_types(NAME).get(event.name)
            if event_type is None:
                found.ignored += 1
                continue
            found.events += _events(whole, event, event_type, index)
        except UnreadableError as error:
            field = ".".join(filter(None, [f"events[{index}]", error.field]))
            found.rejected.append(Rejected(index, field, str(error)))
    return found


def _events(whole: Body, event: Event, event_type: EventType, index: int) -> list[Delivered]:
    try:
        params = decoded(event.params, Params)
    except UnreadableError as error:
        raise UnreadableError(str(error), f"params.{error.field}".rstrip(".")) from None
    if not params.items:
        refuse_without_product(event_type, "params.items")
    at = whole.timestamp_micros if event.timestamp_micros is None else event.timestamp_micros
    parts: list[object] = [event.name]
    if event_type in ("purchase", "refund") and params.transaction_id is not None:
        parts += ["order", params.transaction_id]
    elif at is not None:
        parts += [whole.client_id, at, index]
    else:
        parts = []
    found = []
    for place, item in enumerate(params.items or [Item()]):
        product = item.item_name if item.item_id is None else item.item_id
        if product is None and params.items:
            raise UnreadableError("an item needs an item_id", f"params.items[{place}].item_id")
        list_id = params.item_list_id if item.item_list_id is None else item.item_list_id
        answer = item.recommendation_id or params.recommendation_id
        found.append(
            Delivered(
                event_id=item_id(NAME, *parts, item=place) if parts else "",
                event_type=event_type,
                anonymous_id=str(whole.client_id),
                session_id=as_text(params.session_id),
                product_id=as_text(product),
                quantity=(item.quantity or 1.0) if params.items else None,
                price=item.price,
                currency=params.currency,
                order_id=as_text(params.transaction_id),
                query=params.search_term,
                list_id=as_text(list_id),
                position=item.index,
                recommendation_id=as_text(answer),
                event_time=at,
                consent=_consents(whole.consent),
                source=NAME,
                index=index,
            )
        )
    return found


def _consents(consent: Consent | None) -> bool:
    return (
        consent is not None
        and consent.ad_user_data == _GRANTED
        and consent.ad_personalization == _GRANTED
    )
