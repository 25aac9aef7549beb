"""Segment's tracking API: `POST /v1/track` and `POST /v1/batch`; RudderStack sends the same.

Belongs here: the fields of Segment's E-Commerce Spec V2 that products, lists and orders are read
from. Does not belong here: names of events (`event_names.py`), exported files (`sources/`).

https://segment.com/docs/connections/spec/ecommerce/v2/, .../spec/track/ and
https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

from datetime import datetime
from typing import Annotated, Any

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
    Reading,
    Rejected,
    UnreadableError,
)
from persona_assets.serving.collector.decoding import decoded
from persona_assets.serving.collector.event_names import event_types
from persona_assets.serving.collector.instants import microseconds
from persona_assets.serving.collector.items import as_text, item_id, refuse_without_product

NAME = "segment"
_Name = Annotated[str, Meta(max_length=256)]


class Product(msgspec.Struct):
    """A product: one of `products`, or the properties themselves."""

    product_id: Identifying | None = None
    sku: Identifying | None = None
    price: Number | None = None
    quantity: Pieces | None = None
    position: Position | None = None
    recommendation_id: Identifying | None = None


class Properties(Product):
    """`properties` of a track call."""

    products: Annotated[list[Product], Meta(max_length=1000)] = []
    currency: Currency | None = None
    order_id: Identifying | None = None
    query: Any = None
    list_id: Identifying | None = None


class Consent(msgspec.Struct, rename="camel"):
    """Whether the person consented, by categories that the shop defines."""

    category_preferences: dict[str, bool] = {}


class Context(msgspec.Struct):
    """The part of `context` that is read."""

    consent: Consent | None = None
    sessionId: Identifying | None = None  # noqa: N815 - RudderStack's name


class Call(msgspec.Struct, rename="camel"):
    """One call; its `properties` are looked into where its event is one that is kept."""

    type: _Name = "track"
    event: _Name = ""
    message_id: Identifying | None = None
    user_id: Identifying | None = None
    anonymous_id: Identifying | None = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    properties: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"{}"))
    context: Context | None = None


class Batch(msgspec.Struct):
    """The body of `/v1/batch`; its `context` is that of calls without one."""

    batch: list[msgspec.Raw]
    context: Context | None = None


class _Key(msgspec.Struct, rename="camel"):
    write_key: str | None = None


def write_key(body: bytes) -> str | None:
    """The key in the body, where browsers put it; None: there is none."""
    try:
        return decoded(body, _Key).write_key
    except UnreadableError:
        return None


def read_track(body: bytes) -> Reading:
    """The events of one call.

    Raises:
        UnreadableError: it is not a call.
    """
    found = Reading()
    _take(found, 0, "", msgspec.Raw(body), None)
    return found


def read_batch(body: bytes) -> Reading:
    """The events of a batch of calls.

    Raises:
        UnreadableError: it is not a batch.
    """
    whole = decoded(body, Batch)
    found = Reading()
    for index, raw in enumerate(whole.batch):
        _take(found, index, f"batch[{index}]", raw, whole.context)
    return found


def _take(
    found: Reading, index: int, place: str, raw: msgspec.Raw, context: Context | None
) -> None:
    """Add what a call holds to `found`."""
    try:
        call = decoded(raw, Call)
        event_type = event_types(NAME).get(call.event) if call.type == "track" else None
        if event_type is None:
            found.ignored += 1
        else:
            found.events += _events(call, event_type, call.context or context, index)
    except UnreadableError as error:
        field = ".".join(filter(None, [place, error.field]))
        found.rejected.append(Rejected(index, field, str(error)))


def _events(
    call: Call, event_type: EventType, context: Context | None, index: int
) -> list[Delivered]:
    try:
        properties = decoded(call.properties, Properties)
    except UnreadableError as error:
        raise UnreadableError(str(error), f"properties.{error.field}".rstrip(".")) from None
    at = call.timestamp or call.original_timestamp
    products: list[Product] = list(properties.products)
    if not products and (properties.product_id is not None or properties.sku is not None):
        products = [properties]
    if not products:
        refuse_without_product(event_type, "properties.product_id")
    found = []
    for place, product in enumerate(products or [Product()]):
        code = product.sku if product.product_id is None else product.product_id
        if code is None and products:
            field = f"properties.products[{place}].product_id"
            raise UnreadableError("a product needs a product_id or sku", field)
        known = call.message_id is not None
        found.append(
            Delivered(
                event_id=item_id(NAME, call.message_id, item=place) if known else "",
                event_type=event_type,
                user_id=as_text(call.user_id),
                anonymous_id=as_text(call.anonymous_id),
                session_id=as_text(context.sessionId) if context else None,
                product_id=as_text(code),
                quantity=(product.quantity or 1.0) if products else None,
                price=product.price,
                currency=properties.currency,
                order_id=as_text(properties.order_id),
                query=_query(properties.query),
                list_id=as_text(properties.list_id),
                position=product.position,
                recommendation_id=as_text(
                    product.recommendation_id or properties.recommendation_id
                ),
                event_time=None if at is None else microseconds(at),
                consent=_consents(context),
                source=NAME,
                index=index,
            )
        )
    return found


def _query(value: Any) -> str | None:  # noqa: ANN401 - a text or an object, by the spec
    """What was searched for; an object as JSON."""
    if value is None:
        return None
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(text) > _MOST_QUERY:
        raise UnreadableError(f"Expected `str` of length <= {_MOST_QUERY}", "properties.query")
    return text


_MOST_QUERY = 1024


def _consents(context: Context | None) -> bool:
    """Every category that the person was asked about was consented to."""
    preferences = context.consent.category_preferences if context and context.consent else {}
    return bool(preferences) and all(preferences.values())
