"""Contract of the events that the service accepted, as its event log is brought into the lake.

Belongs here: the columns. Does not belong here: what the service takes
(`serving/collector/contract.py`), the raw events of a day, which are what the source delivers and
these (`raw.py`).

People, visits and orders are keyed hashes already: their identifiers are hashed at the service's
door, and are nowhere. Rows are added, never changed; they are known here alone once the event log
has been cleared.
"""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.mart import PRODUCT

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
                "checkout", "purchase", "refund", "search", "wishlist", "reject",
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
        Column("consent", "bool", "did the person consent to personalization?"),
    ),
)  # fmt: skip

TABLES = (COLLECTED_EVENTS,)
