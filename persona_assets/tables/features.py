"""Contracts of group `features`: temporal features, daily aggregates and embeddings."""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.mart import ARRIVAL_DATE, EVENT_DATE, PRODUCT, USER

CUTOFF = Column(
    "cutoff", "date", "Monday 00:00 UTC; only rows that happened and arrived before it were used"
)


def _count(name: str, meaning: str, unit: str = "events") -> Column:
    return Column(name, "int64", meaning, unit, minimum=0)


def _since(name: str, of: str) -> Column:
    return Column(
        name,
        "float64",
        f"time since the user's last known event {of}; null: none in the look-back window",
        "s",
        nullable=True,
        minimum=0,
    )


TEMPORAL_FEATURES = Table(
    "features",
    "temporal_features",
    grain="one row per cleaned event",
    key=("event_id",),
    partition="event_date",
    columns=(
        EVENT_DATE,
        Column("event_id", "string", "event of the mart"),
        USER,
        PRODUCT,
        Column("event_ts", "timestamp", "when it happened"),
        ARRIVAL_DATE,
        _since("seconds_since_last_event", "of any kind"),
        _since("seconds_since_last_product", "with the same product"),
        _since("seconds_since_last_category", "with the same category"),
        Column("hour", "int64", "hour of the day, UTC", "h", minimum=0, maximum=23),
        Column("weekday", "int64", "ISO weekday, Monday = 1", minimum=1, maximum=7),
        Column("is_weekend", "bool", "Saturday or Sunday, UTC"),
        Column("session_position", "int64", "1 for the first event of its session", minimum=1),
        Column("session_elapsed_s", "float64", "time since its session began", "s", minimum=0),
    ),
)

_COUNTS = (
    _count("events", "events of any kind"),
    _count("views", "product views"),
    _count("add_to_carts", "products put into the cart"),
    _count("purchases", "purchased lines"),
    _count("returns", "returned lines"),
)
_REVENUE = Column("revenue", "float64", "amount of purchases less returns", "shop currency")
_WEIGHT = Column("weight", "float64", "sum of implicit-feedback weights", minimum=0)

USER_DAILY = Table(
    "features",
    "user_daily",
    grain="one row per user, event day and arrival day, so that any past state can be rebuilt",
    key=("event_date", "user_id", "arrival_date"),
    partition="event_date",
    columns=(
        EVENT_DATE,
        USER,
        ARRIVAL_DATE,
        *_COUNTS,
        _count("searches", "searches", "searches"),
        _count("sessions", "sessions of which no row had arrived before", "sessions"),
        _count("products", "different products of which no row had arrived before", "products"),
        _REVENUE,
        _WEIGHT,
    ),
)

ITEM_DAILY = Table(
    "features",
    "item_daily",
    grain="one row per product, event day and arrival day",
    key=("event_date", "product_id", "arrival_date"),
    partition="event_date",
    columns=(
        EVENT_DATE,
        PRODUCT,
        ARRIVAL_DATE,
        *_COUNTS,
        _count("users", "different users of whom no row had arrived before", "users"),
        _REVENUE,
        _WEIGHT,
    ),
)

ITEM_EMBEDDINGS = Table(
    "features",
    "item_embeddings",
    grain="one row per product seen often enough before the cut-off",
    key=("cutoff", "product_id"),
    partition="cutoff",
    columns=(
        CUTOFF,
        PRODUCT,
        Column("vector", "vector", "Word2Vec vector over users' interaction sequences"),
        _count("events", "events the vector was learned from"),
    ),
)

USER_EMBEDDINGS = Table(
    "features",
    "user_embeddings",
    grain="one row per user with at least one embedded product before the cut-off",
    key=("cutoff", "user_id"),
    partition="cutoff",
    columns=(
        CUTOFF,
        USER,
        Column("vector", "vector", "mean of the item vectors weighted by implicit feedback"),
        _count("events", "events behind the mean"),
    ),
)

TABLES = (TEMPORAL_FEATURES, USER_DAILY, ITEM_DAILY, ITEM_EMBEDDINGS, USER_EMBEDDINGS)
