"""Contracts of group `feature_store`: daily snapshots over trailing windows, and training sets."""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.features import CUTOFF
from persona_assets.tables.mart import PRODUCT, USER

WINDOWS = (1, 7, 30)
"""Trailing windows in days. The longest one is the look-back of the daily snapshots."""

AS_OF = Column(
    "as_of",
    "date",
    "state at the end of this UTC day: only rows that happened and arrived by then were used",
)


def _windowed(name: str, type_: str, meaning: str, unit: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"{name}_{days}d", type_, f"{meaning} in the trailing {days} day(s)", unit)  # type: ignore[arg-type]
        for days in WINDOWS
    )


def _counts(*names: str) -> tuple[Column, ...]:
    return tuple(
        column
        for name in names
        for column in _windowed(name, "int64", name.replace("_", " "), name)
    )


_RECENCY = Column(
    "days_since_last_event", "int64", "whole days since the last event", "d", minimum=0, maximum=29
)
_REVENUE = _windowed("revenue", "float64", "purchases less returns", "shop currency")
_ACTIVE = Column(
    "active_days_30d", "int64", "days with at least one event", "d", minimum=1, maximum=30
)
_CONVERSION = Column(
    "conversion_30d",
    "float64",
    "purchases divided by views in the trailing 30 days; null without views",
    nullable=True,
    minimum=0,
)

USER_FEATURES = Table(
    "feature_store",
    "user_features",
    grain="one row per day and user with an event in the trailing 30 days",
    key=("as_of", "user_id"),
    partition="as_of",
    columns=(
        AS_OF,
        USER,
        *_counts("events", "views", "add_to_carts", "purchases", "returns", "sessions", "searches"),
        *_REVENUE,
        _ACTIVE,
        _RECENCY,
        _CONVERSION,
    ),
)

ITEM_FEATURES = Table(
    "feature_store",
    "item_features",
    grain="one row per day and product with an event in the trailing 30 days",
    key=("as_of", "product_id"),
    partition="as_of",
    columns=(
        AS_OF,
        PRODUCT,
        *_counts("events", "views", "add_to_carts", "purchases", "returns"),
        *_windowed("user_days", "int64", "sum of daily different users", "user-days"),
        *_REVENUE,
        _ACTIVE,
        _RECENCY,
        _CONVERSION,
    ),
)

USER_FEATURE_NAMES = tuple(
    c.name for c in USER_FEATURES.columns if c.name not in ("as_of", "user_id")
)
ITEM_FEATURE_NAMES = tuple(
    c.name for c in ITEM_FEATURES.columns if c.name not in ("as_of", "product_id")
)


def _joined(prefix: str, table: Table, names: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(
        Column(
            f"{prefix}_{name}",
            table.column(name).type,
            f"`{name}` of {table.path} on the eve of the label; null: no event in 30 days",
            table.column(name).unit,
            nullable=True,
        )
        for name in names
    )


TRAINING_SET = Table(
    "feature_store",
    "training_set",
    grain="one row per user, product and day of the week before the cut-off: interacted with "
    "(label 1), or sampled from the products on sale without an interaction (label 0)",
    key=("cutoff", "label_date", "user_id", "product_id"),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column("label_date", "date", "day of the label; features are those of the day before"),
        USER,
        PRODUCT,
        Column("label", "int64", "1: the user interacted with the product", minimum=0, maximum=1),
        Column("weight", "float64", "largest implicit-feedback weight; 0 for label 0", minimum=0),
        *_joined("user", USER_FEATURES, USER_FEATURE_NAMES),
        *_joined("item", ITEM_FEATURES, ITEM_FEATURE_NAMES),
    ),
)

TABLES = (USER_FEATURES, ITEM_FEATURES, TRAINING_SET)
