"""Contract of `segmentation/customer_features`: customers as numbers.

Belongs here: what is known of a customer, each with its unit and its edge cases. Does not belong
here: the segments made from it (`segmentation.py`).
"""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.features import CUTOFF
from persona_assets.tables.mart import USER

MONEY = "shop currency"
PERIOD_DAYS = 28
"""Length of a "month" [d]: four weeks back from the cut-off and so on, so that all are equally long
and none is cut off, as calendar months would be by a Monday."""


def count(name: str, meaning: str, unit: str) -> Column:
    """A column of a number of things."""
    return Column(name, "int64", meaning, unit, minimum=0)


def share(name: str, meaning: str, *, nullable: bool = False) -> Column:
    """A column of a share, from 0 to 1."""
    return Column(name, "float64", meaning, nullable=nullable, minimum=0, maximum=1)


CUSTOMER_FEATURES = Table(
    "segmentation",
    "customer_features",
    grain="one row per cut-off and customer: a user with a purchase or a return in the 52 weeks "
    "before it; what a customer without purchases cannot have is null",
    key=("cutoff", "user_id"),
    partition="cutoff",
    columns=(
        CUTOFF,
        USER,
        Column("country", "string", "country of residence; null: not known", nullable=True),
        Column("first_purchase_at", "timestamp", "first purchase; null: none", nullable=True),
        Column("last_purchase_at", "timestamp", "last purchase; null: none", nullable=True),
        Column(
            "recency_days",
            "float64",
            "from the last purchase to the cut-off; null: no purchase",
            "d",
            nullable=True,
            minimum=0,
        ),
        Column(
            "tenure_days",
            "float64",
            "from the first purchase to the cut-off; null: no purchase",
            "d",
            nullable=True,
            minimum=0,
        ),
        count(
            "orders",
            "frequency: different purchase invoices, never lines or returns; each counts at the "
            "time of its first line, and lines without an order number form one per instant",
            "orders",
        ),
        count("return_orders", "different cancellation documents", "orders"),
        share(
            "return_rate",
            "return_orders / (orders + return_orders): 0 of one who returns nothing, 1 of one who "
            "only returns",
        ),
        count("lines", "purchased lines", "lines"),
        count("products", "different products purchased", "products"),
        Column("gross_spend", "float64", "amount of purchases", MONEY, minimum=0),
        Column(
            "returned_spend", "float64", "amount of returns, as a positive number", MONEY, minimum=0
        ),
        Column(
            "net_spend",
            "float64",
            "monetary: gross_spend − returned_spend; below 0 where purchases lie before the window",
            MONEY,
        ),
        Column(
            "average_order_value",
            "float64",
            "gross_spend / orders; null: no purchase",
            MONEY,
            nullable=True,
            minimum=0,
        ),
        Column(
            "days_between_orders",
            "float64",
            "mean time between one purchase invoice and the next, over invoices: (last − first) / "
            "(orders − 1); null: fewer than two",
            "d",
            nullable=True,
            minimum=0,
        ),
        Column(
            "favourite_weekday",
            "int64",
            "ISO weekday (Monday = 1, UTC) of most purchase invoices; of equals the first in the "
            "week; null: no purchase",
            nullable=True,
            minimum=1,
            maximum=7,
        ),
        Column(
            "favourite_hour",
            "int64",
            "hour of the day (UTC) of most purchase invoices; of equals the earliest; null: no "
            "purchase",
            "h",
            nullable=True,
            minimum=0,
            maximum=23,
        ),
        Column(
            "monthly_spend_mean",
            "float64",
            f"mean gross spend per {PERIOD_DAYS} days, from the period of the first purchase to "
            "the cut-off, empty periods counted as 0; null: no purchase",
            MONEY,
            nullable=True,
            minimum=0,
        ),
        Column(
            "monthly_spend_std",
            "float64",
            "sample standard deviation of the same periods (divisor n − 1); null: fewer than two",
            MONEY,
            nullable=True,
            minimum=0,
        ),
        Column(
            "spend_trend",
            "float64",
            "slope of the same periods by least squares; null: fewer than two",
            f"{MONEY} per {PERIOD_DAYS} days",
            nullable=True,
        ),
        Column(
            "spend_trend_se",
            "float64",
            "standard error of that slope, √(Σ residual² / (n − 2) / Σ (t − mean t)²); null: fewer "
            "than three periods",
            f"{MONEY} per {PERIOD_DAYS} days",
            nullable=True,
            minimum=0,
        ),
        count("categories", "different categories purchased from; 0: none is known", "categories"),
        Column(
            "top_category",
            "string",
            "category of most gross spend; of equals the first by name; null: none is known",
            nullable=True,
        ),
        share(
            "top_category_share",
            "its share of the gross spend on products of known category; null: none is known",
            nullable=True,
        ),
        share(
            "category_evenness",
            "category mix: entropy of the shares of gross spend / ln(categories), 0 for a single "
            "category, 1 where all have the same share; null: none is known",
            nullable=True,
        ),
    ),
)
