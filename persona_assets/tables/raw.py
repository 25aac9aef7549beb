"""Contracts of group `raw`: what a shop delivers, as it delivers it.

Belongs here: the columns every source must yield. Dirt is legal in them (nulls, negative prices,
strange timestamps): cleaning is the mart's work. Only the columns that this platform itself adds
(`event_date`, `source_row`, `arrived_at`, `valid_from`, `valid_to`) are promised to be right.

`users` and `products` are the shop's newest state and nothing more. What was known of people and
products at an earlier time is in `user_history` and `product_history`, which everything reads that
is made for a day or a cut-off.
"""

from dataclasses import replace
from datetime import UTC, datetime

from persona_assets.tables.contract import Column, Table

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""`valid_from` of a state of which no earlier one is known: it holds from the beginning."""

EVENT_DATE = Column(
    "event_date",
    "date",
    "UTC day under which the source files the row: the day of its timestamp where that can be read "
    "and lies inside the source's range, else the nearest day of that range",
)
SOURCE_ROW = Column(
    "source_row", "int64", "position of the row among the source's rows of that day", minimum=0
)
ARRIVED_AT = Column("arrived_at", "timestamp", "when the row reached the shop's log")
RAW_USER = Column(
    "user_id", "string", "the shop's own identifier of the person", nullable=True, pii=True
)
RAW_PRODUCT = Column("product_id", "string", "the shop's identifier of the product", nullable=True)
RAW_TIMESTAMP = Column(
    "timestamp", "string", "event time as delivered, in whatever format and zone", nullable=True
)
QUANTITY = Column(
    "quantity",
    "float64",
    "pieces, or measures such as metres; negative for returns",
    "pieces",
    nullable=True,
)
UNIT_PRICE = Column("unit_price", "float64", "price of one piece", "shop currency", nullable=True)

USERS = Table(
    "raw",
    "users",
    grain="one row per person known to the shop",
    key=("user_id",),
    columns=(
        Column("user_id", "string", "the shop's own identifier of the person", pii=True),
        Column("country", "string", "country of residence", nullable=True),
        Column("signup_date", "date", "first day of the account", nullable=True),
    ),
)

PRODUCTS = Table(
    "raw",
    "products",
    grain="one row per product code, service lines included",
    key=("product_id",),
    columns=(
        Column("product_id", "string", "the shop's identifier of the product"),
        Column("name", "string", "text shown to customers", nullable=True),
        Column("category", "string", "category of the shop's catalogue", nullable=True),
        Column("brand", "string", "brand or maker", nullable=True),
        Column("price", "float64", "list price", "shop currency", nullable=True),
        Column("launch_date", "date", "first day on sale", nullable=True),
        Column(
            "kind",
            "string",
            "`product`: can be recommended; `service`: postage, fees, discounts, manual entries; "
            "`anomalous`: a code that is no article number",
            allowed=("product", "service", "anomalous"),
        ),
    ),
)

VALID_FROM = Column(
    "valid_from",
    "timestamp",
    "when the row became known, as the source dates it or as the first delivery that had it arrived"
    "; 1970-01-01: from the beginning",
)
VALID_TO = Column(
    "valid_to",
    "timestamp",
    "when it was replaced, or was no longer delivered; null: it still holds",
    nullable=True,
)


def _history(states: Table, name: str, what: str) -> Table:
    """Contract of the history of a table without dates: its columns, and from when until when."""
    key = states.key[0]
    return replace(
        states,
        name=name,
        grain=f"one row per {what} and period in which nothing about it changed",
        key=(key, VALID_FROM.name),
        columns=(states.column(key), VALID_FROM, VALID_TO, *states.columns[1:]),
    )


USER_HISTORY = _history(USERS, "user_history", "person")
PRODUCT_HISTORY = _history(PRODUCTS, "product_history", "product code")

EVENTS = Table(
    "raw",
    "events",
    grain="one row per delivered behavioural event, duplicates and dirt included",
    key=("event_date", "source_row"),
    partition="event_date",
    columns=(
        EVENT_DATE,
        SOURCE_ROW,
        Column("event_id", "string", "the shop's identifier of the event", nullable=True),
        RAW_USER,
        RAW_PRODUCT,
        Column(
            "event_type",
            "string",
            "view, add_to_cart, purchase or return, if clean; unused: known and no interaction",
            nullable=True,
        ),
        RAW_TIMESTAMP,
        ARRIVED_AT,
        QUANTITY,
        UNIT_PRICE,
        Column(
            "quantity_text",
            "string",
            "quantity as delivered, where it cannot be read as a number",
            nullable=True,
        ),
        Column(
            "unit_price_text",
            "string",
            "price as delivered, where it cannot be read as a number",
            nullable=True,
        ),
        Column("order_id", "string", "order of a purchase or return", nullable=True),
        Column(
            "related_event_id", "string", "purchase that a return was matched to", nullable=True
        ),
        Column(
            "consent", "bool", "did the person consent to this use; null: not stated", nullable=True
        ),
    ),
)

ORDERS = Table(
    "raw",
    "orders",
    grain="one row per delivered order line",
    key=("event_date", "source_row"),
    partition="event_date",
    columns=(
        EVENT_DATE,
        SOURCE_ROW,
        Column("order_id", "string", "the shop's order number", nullable=True),
        RAW_USER,
        RAW_PRODUCT,
        RAW_TIMESTAMP,
        QUANTITY,
        UNIT_PRICE,
        Column(
            "status",
            "string",
            "`cancelled` for lines of a cancellation document",
            allowed=("completed", "cancelled"),
        ),
    ),
)

SEARCH_LOGS = Table(
    "raw",
    "search_logs",
    grain="one row per delivered search",
    key=("event_date", "source_row"),
    partition="event_date",
    columns=(
        EVENT_DATE,
        SOURCE_ROW,
        RAW_USER,
        RAW_TIMESTAMP,
        ARRIVED_AT,
        Column("query", "string", "text typed by the person", nullable=True, pii=True),
        Column("results", "int64", "products found", "products", nullable=True, minimum=0),
        Column(
            "consent", "bool", "did the person consent to this use; null: not stated", nullable=True
        ),
    ),
)

MERCHANDISING_RULES = Table(
    "raw",
    "merchandising_rules",
    grain="one row per rule of the shop about its lists; none where it has none",
    key=("rule_id",),
    columns=(
        Column("rule_id", "string", "the shop's name of the rule, or where it stands in its file"),
        Column(
            "action",
            "string",
            "`pin`: stands at `position`; `exclude`: not in the lists of the page and placement; "
            "`block`: in no list; `unavailable`: in no list, since it cannot be had",
            allowed=("pin", "exclude", "block", "unavailable"),
        ),
        Column("product_id", "string", "the product that it is about", nullable=True),
        Column("category", "string", "the category that it is about", nullable=True),
        Column("position", "int64", "of a pin, from 1", nullable=True, minimum=1),
        Column(
            "context",
            "string",
            "only in lists for this page; null: all",
            nullable=True,
            allowed=("home", "product", "cart"),
        ),
        Column("placement", "string", "only in this placement; null: all", nullable=True),
        Column("valid_from", "timestamp", "when it begins; null: always was", nullable=True),
        Column("valid_to", "timestamp", "when it is over; null: never", nullable=True),
        Column("note", "string", "the shop's own words", nullable=True),
    ),
)

TABLES = (
    USERS,
    PRODUCTS,
    USER_HISTORY,
    PRODUCT_HISTORY,
    EVENTS,
    ORDERS,
    SEARCH_LOGS,
    MERCHANDISING_RULES,
)
