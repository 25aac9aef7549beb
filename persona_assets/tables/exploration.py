"""Contracts of group `exploration`: what the shop's cleaned events look like, for people.

Belongs here: tables that are looked at, not learned from. Does not belong here: features
(`features.py`), or how good the data are (`monitoring.py`).
"""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.features import CUTOFF
from persona_assets.tables.mart import EVENT_DATE


def _count(name: str, meaning: str, unit: str) -> Column:
    return Column(name, "int64", meaning, unit, minimum=0)


def _share(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, "float64", meaning, nullable=nullable, minimum=0, maximum=1)


_REVENUE = Column(
    "revenue", "float64", "amount of purchases whose price is known", "shop currency", minimum=0
)

DAILY_ACTIVITY = Table(
    "exploration",
    "daily_activity",
    grain="one row per day with events",
    key=("event_date",),
    partition="event_date",
    columns=(
        EVENT_DATE,
        _count("views", "product views", "events"),
        _count("add_to_carts", "products put into the cart", "events"),
        _count("purchases", "purchased lines", "events"),
        _count("returns", "returned lines", "events"),
        _count("users", "different users", "users"),
        _count("buyers", "different users who purchased", "users"),
        _count("products", "different products interacted with", "products"),
        _count("orders", "different orders among the purchases that name one", "orders"),
        _REVENUE,
        _count("sessions", "sessions", "sessions"),
        _count("sessions_to_cart", "sessions in which the cart or more was reached", "sessions"),
        _count("sessions_to_purchase", "sessions with a purchase", "sessions"),
    ),
)

HOURLY_ACTIVITY = Table(
    "exploration",
    "hourly_activity",
    grain="one row per day and hour (UTC) with events",
    key=("event_date", "hour"),
    partition="event_date",
    columns=(
        EVENT_DATE,
        Column("hour", "int64", "hour of the day, UTC", "h", minimum=0, maximum=23),
        _count("events", "events of any kind", "events"),
        _count("purchases", "purchased lines", "events"),
        _REVENUE,
    ),
)

BASKET_SIZE = "basket_size"
UNIT_PRICE = "unit_price"
EVENTS_PER_USER = "events_per_user"
EVENTS_PER_PRODUCT = "events_per_product"
DAYS_BETWEEN_PURCHASES = "days_between_purchases"

DISTRIBUTIONS = Table(
    "exploration",
    "distributions",
    grain="one row per cut-off, distribution and class that has a member",
    key=("cutoff", "distribution", "at_least"),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column(
            "distribution",
            "string",
            "what is distributed: different products of an order; price of a purchased piece; "
            "events of a user; events of a product; days from one purchase day of a user to the "
            "next",
            allowed=(
                BASKET_SIZE,
                UNIT_PRICE,
                EVENTS_PER_USER,
                EVENTS_PER_PRODUCT,
                DAYS_BETWEEN_PURCHASES,
            ),
        ),
        Column("at_least", "int64", "lower end of the class, included", minimum=0),
        Column("below", "int64", "upper end, excluded; null: none", nullable=True, minimum=0),
        _count("members", "orders, purchased lines, users, products or intervals in it", "rows"),
        _share("share", "of all members of the distribution"),
        Column(
            "total",
            "float64",
            "what the class adds up to: amount of its orders and lines (shop currency), events of "
            "its users and products; null: nothing adds up",
            nullable=True,
        ),
        _share("total_share", "of the distribution's total; null: none", nullable=True),
    ),
)

COHORTS = Table(
    "exploration",
    "cohorts",
    grain="one row per cut-off, month of first purchase and month in which some of them purchased",
    key=("cutoff", "cohort", "months_since"),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column("cohort", "string", "month of the first purchase of the last year, as yyyy-mm"),
        _count("months_since", "calendar months from it", "months"),
        Column("complete", "bool", "was that month over at the cut-off"),
        _count("cohort_customers", "customers of the cohort", "users"),
        _count("customers", "of them, those who purchased in that month", "users"),
        _share("retention", "their share"),
        _REVENUE,
    ),
)

TABLES = (DAILY_ACTIVITY, HOURLY_ACTIVITY, DISTRIBUTIONS, COHORTS)
