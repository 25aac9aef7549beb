"""Cohorts: of those who first bought in a month, who buys again in the months after.

Belongs here: counting them. Does not belong here: groups of customers by behaviour
(`segmentation/`).
"""

from datetime import date

import narwhals as nw

from persona_assets.tables.exploration import COHORTS
from persona_assets.transforms.exact import exact_sum
from persona_assets.transforms.history import known_before


def cohorts(interactions: nw.LazyFrame, *, cutoff: date) -> nw.LazyFrame:
    """One row per month of first purchase and later month with purchases of that cohort.

    Months are those of UTC. A customer whose first purchase lies before the rows given counts with
    their first one among them.

    Args:
        interactions: rows of `mart/user_item_interactions`; what happened or arrived from the
            cut-off on is left out.
        cutoff: first day that must stay unseen.

    Returns:
        Rows of `exploration/cohorts`.
    """
    purchases = (
        known_before(interactions, cutoff)
        .filter(nw.col("event_type") == "purchase")
        .with_columns(month=nw.col("event_date").cast(nw.String).str.slice(0, 7))
    )
    first = purchases.group_by("user_id").agg(cohort=nw.col("month").min())
    sizes = first.group_by("cohort").agg(cohort_customers=nw.len().cast(nw.Int64))
    active = purchases.group_by("user_id", "month").agg(revenue=exact_sum(nw.col("amount")))
    counted = (
        active.join(first, on="user_id", how="inner")
        .group_by("cohort", "month")
        .agg(customers=nw.len().cast(nw.Int64), revenue=exact_sum(nw.col("revenue")))
        .join(sizes, on="cohort", how="inner")
    )
    return counted.with_columns(
        cutoff=nw.lit(cutoff),
        months_since=_number("month") - _number("cohort"),
        # Text in this form is in the order of time.
        complete=nw.col("month") < str(cutoff)[:7],
        retention=nw.col("customers") / nw.col("cohort_customers"),
    ).select(c.name for c in COHORTS.columns)


def _number(month: str) -> nw.Expr:
    """`yyyy-mm` as a count of months."""
    text = nw.col(month).str
    return text.slice(0, 4).cast(nw.Int64) * 12 + text.slice(5, 2).cast(nw.Int64)
