"""Contracts of what the service logged: events that it accepted, and lists that it answered with.

Belongs here: the columns. Does not belong here: what the service takes
(`serving/collector/contract.py`), the raw events of a day, which are what the source delivers and
these (`raw.py`).

People, visits and orders are keyed hashes already: their identifiers are hashed at the service's
door, and are nowhere. Rows of events and lists are added, never changed; they are known here alone
once the service's logs have been cleared. `serving/impressions` is made of both.
"""

from collections.abc import Mapping

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.mart import PRODUCT

RAW_TYPES: Mapping[str, str] = {
    "view": "view",
    "add_to_cart": "add_to_cart",
    "purchase": "purchase",
    "refund": "return",
}
"""Types in `raw/events`; all others are known there, and no interaction that counts."""

COLLECTED_EVENTS = Table(
    "raw",
    "collected_events",
    grain="one row per event that the service accepted, each event once",
    key=("event_date", "event_id"),
    partition="event_date",
    columns=(
        Column("event_date", "date", "UTC day of the event"),
        Column("event_id", "string", "by which the event is known when it is sent again"),
        Column(
            "event_type",
            "string",
            "what happened",
            allowed=(
                "view", "list_view", "list_click", "add_to_cart", "remove_from_cart", "cart_view",
                "checkout", "purchase", "refund", "search", "wishlist", "reject", "impression",
            ),
        ),
        Column("event_ts", "timestamp", "when it happened; its hour, without consent"),
        Column("arrived_at", "timestamp", "when it was accepted; its hour, without consent"),
        Column("source", "string", "format in which it came: events, ga4 or segment"),
        Column(
            "user_id",
            "string",
            "keyed hash of the person or, where nobody is known, of the device (32 hex digits); "
            "null without consent",
            nullable=True,
            pii=True,
        ),
        Column(
            "session_id",
            "string",
            "`s` and the keyed hash of the shop's identifier of the visit",
            nullable=True,
        ),
        Column("product_id", "string", PRODUCT.meaning, nullable=True),
        Column("quantity", "float64", "pieces", "pieces", nullable=True, minimum=0),
        Column(
            "price", "float64", "price of one piece", "shop currency", nullable=True, minimum=0
        ),
        Column("currency", "string", "of the price, ISO 4217, as delivered", nullable=True),
        Column("order_id", "string", "keyed hash of the order (32 hex digits)", nullable=True),
        Column("query", "string", "text that was searched for", nullable=True, pii=True),
        Column("list_id", "string", "list in which the product was shown", nullable=True),
        Column(
            "position", "int64", "place in that list, as the shop counts", nullable=True, minimum=0
        ),
        Column(
            "recommendation_id", "string", "answer that the event follows from", nullable=True
        ),
        Column("device", "string", "kind of device, as the shop names kinds", nullable=True),
        Column("referrer", "string", "site that the visit came from, without path", nullable=True),
        Column("consent", "bool", "did the person consent to personalization?"),
    ),
)  # fmt: skip

_LISTED = (
    Column("event_date", "date", "UTC day on which the list was served"),
    Column("recommendation_id", "string", "the answer; events that follow from it repeat it"),
    Column("position", "int64", "place of the product in the list, from 1", minimum=1),
    Column("product_id", "string", "the shop's identifier of the product"),
    Column("served_at", "timestamp", "when the list was made; its hour, without consent"),
    Column(
        "user_id",
        "string",
        "keyed hash of the person whom it was made for (32 hex digits); null: nobody is known, or "
        "without consent",
        nullable=True,
    ),
    Column(
        "route",
        "string",
        "what was asked for",
        allowed=("recommendations", "similar", "complementary"),
    ),
    Column("context", "string", "page that it was asked for: home, product or cart", nullable=True),
    Column("placement", "string", "place in that page, as the shop names it", nullable=True),
    Column("item_id", "string", "product that was looked at", nullable=True),
    Column("model", "string", "model whose scores these are"),
    Column("version", "string", "content hash of the champion's artefact"),
    Column("path", "string", "how the list came about, as in the answer"),
    Column("score", "float64", "of the model; larger is better, within one list"),
    Column(
        "propensity",
        "float64",
        "probability with which the serving policy puts this product at this place for this "
        "person; 1: it always does",
        minimum=0,
        maximum=1,
    ),
    Column(
        "experiment",
        "string",
        "experiment that the person takes part in; null: none, or without consent",
        nullable=True,
    ),
    Column("arm", "string", "arm of that experiment", nullable=True),
)

SERVED_LISTS = Table(
    "serving",
    "served_lists",
    grain="one row per product of a list that the service answered with, each list once",
    key=("event_date", "recommendation_id", "position"),
    partition="event_date",
    columns=(
        *_LISTED,
        Column(
            "latency_us",
            "int64",
            "from the request's arrival to the finished list",
            "microseconds",
            minimum=0,
        ),
    ),
)

IMPRESSIONS = Table(
    "serving",
    "impressions",
    grain="one row per product of a served list, and what followed from it within seven days",
    key=("event_date", "recommendation_id", "position"),
    partition="event_date",
    columns=(
        *_LISTED,
        Column(
            "viewed",
            "bool",
            "was it on the screen? An impression event says so, or anything that is done from it",
        ),
        Column("clicked", "bool", "was it clicked, or its page looked at from the list?"),
        Column("carted", "bool", "was it put into the cart from the list?"),
        Column("purchased", "bool", "was it bought from the list?"),
        Column("rejected", "bool", "was it rejected from the list?"),
        Column(
            "revenue",
            "float64",
            "price times pieces of what was bought from the list; 0: nothing, or without a price",
            "shop currency",
            minimum=0,
        ),
    ),
)

TABLES = (COLLECTED_EVENTS, SERVED_LISTS, IMPRESSIONS)
