"""Contracts of group `mart`: cleaned interactions, what was rejected and why, and sessions."""

from persona_assets.tables.contract import Column, Table

EVENT_TYPES = ("view", "add_to_cart", "purchase", "return")

UNUSED = "unused"
"""Raw event type of events that are known and are no interaction with a product, such as
`page_view`: a mapping translates their names to it, and they are kept apart from unknown ones."""

EVENT_DATE = Column("event_date", "date", "UTC day of the event")
USER = Column("user_id", "string", "keyed hash of the shop's user identifier (32 hex digits)")
PRODUCT = Column(
    "product_id",
    "string",
    "the shop's identifier of the product",
    references="raw/product_history.product_id",
)
ARRIVED_AT = Column("arrived_at", "timestamp", "when the row reached the shop's log")
ARRIVAL_DATE = Column("arrival_date", "date", "UTC day of `arrived_at`")
SESSION = Column(
    "session_id",
    "string",
    "session within the user's day; rows that arrived on a later day form sessions of their own, "
    "so that a late row never changes a session already seen",
)

RULES = (
    "exact_duplicate",
    "no_consent",
    "unused_event_type",
    "unknown_event_type",
    "missing_event_id",
    "missing_user",
    "missing_product",
    "unreadable_timestamp",
    "implausible_timestamp",
    "outside_partition",
    "unknown_product",
    "service_line",
    "anomalous_code",
    "unreadable_quantity",
    "invalid_quantity",
    "unreadable_price",
    "negative_price",
    "zero_price",
    "duplicate_event_id",
)
"""Rejection rules in the order they are tried; a row is rejected by the first it breaks."""

USER_ITEM_INTERACTIONS = Table(
    "mart",
    "user_item_interactions",
    grain="one row per cleaned event: the single source of truth for everything downstream",
    key=("event_id",),
    partition="event_date",
    columns=(
        EVENT_DATE,
        Column("source_row", "int64", "row of raw/events it was made from", minimum=0),
        Column("event_id", "string", "the shop's identifier of the event"),
        USER,
        PRODUCT,
        Column("event_type", "string", "kind of interaction", allowed=EVENT_TYPES),
        Column("event_ts", "timestamp", "when it happened"),
        ARRIVED_AT,
        ARRIVAL_DATE,
        SESSION,
        Column(
            "quantity",
            "float64",
            "pieces, or measures such as metres; negative for returns",
            "pieces",
        ),
        Column("unit_price", "float64", "price of one piece", "shop currency", nullable=True),
        Column(
            "amount",
            "float64",
            "quantity × unit price for purchases (and, negative, for returns), else 0; null: a "
            "purchase or return whose price is not known",
            "shop currency",
            nullable=True,
        ),
        Column("weight", "float64", "implicit-feedback weight of the event type", minimum=0),
        Column(
            "order_id",
            "string",
            "keyed hash of the order of a purchase or return (32 hex digits); null: no order",
            nullable=True,
        ),
        Column(
            "related_event_id", "string", "purchase that a return was matched to", nullable=True
        ),
    ),
)

QUARANTINE = Table(
    "mart",
    "quarantine",
    grain="one row per rejected row of raw/events",
    key=("event_date", "source_row"),
    partition="event_date",
    columns=(
        Column("event_date", "date", "day under which raw/events files the row"),
        Column("source_row", "int64", "row of raw/events", minimum=0),
        Column("event_id", "string", "the shop's identifier of the event", nullable=True),
        Column("product_id", "string", "product as delivered", nullable=True),
        ARRIVED_AT,
        Column("rule", "string", "first rule the row breaks", allowed=RULES),
        Column(
            "column", "string", "column that breaks it; null: the row as a whole", nullable=True
        ),
        Column(
            "value",
            "string",
            "offending value as text; user identifiers are never repeated here",
            nullable=True,
        ),
    ),
)

SESSIONS = Table(
    "mart",
    "sessions",
    grain="one row per session: ended by 30 minutes of silence or midnight UTC",
    key=("session_id",),
    partition="event_date",
    columns=(
        EVENT_DATE,
        SESSION,
        USER,
        ARRIVAL_DATE,
        Column("started_at", "timestamp", "first event"),
        Column("ended_at", "timestamp", "last event"),
        Column("duration_s", "float64", "last less first event", "s", minimum=0, maximum=86_400),
        Column("events", "int64", "events in it", "events", minimum=1),
        Column("products", "int64", "different products interacted with", "products", minimum=1),
        Column("views", "int64", "product views", "events", minimum=0),
        Column("add_to_carts", "int64", "products put into the cart", "events", minimum=0),
        Column("purchases", "int64", "purchased lines", "events", minimum=0),
        Column(
            "revenue",
            "float64",
            "amount of purchases whose price is known",
            "shop currency",
            minimum=0,
        ),
        Column(
            "depth",
            "string",
            "deepest step of the funnel reached; `return` only when the session holds nothing else",
            allowed=EVENT_TYPES,
        ),
        Column(
            "abandoned_cart", "bool", "something was put into the cart and nothing was purchased"
        ),
    ),
)

TABLES = (USER_ITEM_INTERACTIONS, QUARANTINE, SESSIONS)
