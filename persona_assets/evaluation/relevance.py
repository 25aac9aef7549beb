"""The truth that lists are evaluated against: each known user's products of the evaluated week.

Belongs here: which rows count as truth, and for whom. Does not belong here: lists and hits
(`hits.py`), or what lists must leave out (`recommenders/exclusion.py`, which is applied here to the
truth as well).
"""

from datetime import date, timedelta

import polars as pl

from persona_assets.calendar import EVALUATED_DAYS
from persona_assets.recommenders.exclusion import Exclusion, excluded_pairs
from persona_assets.transforms.history import known_before, midnight


def relevant_items(interactions: pl.DataFrame, *, cutoff: date, exclude: Exclusion) -> pl.DataFrame:
    """Products that lists made at `cutoff` should have held, per user.

    A product is relevant to a user who interacted with it (weight > 0, so returns do not count) in
    the evaluated week, unless the `exclude` rule keeps it out of the user's lists: no model is
    asked for what it may not show. Only users known before the cut-off are evaluated; for the
    others see `cold_relevant_items`.

    Rows of the evaluated week count when they *arrived* within it too. What comes later is left out
    for good, so that the metrics of a cut-off are the same whenever they are computed.

    Args:
        interactions: rows of `mart/user_item_interactions`, before the cut-off and of the week.
        cutoff: first evaluated day.
        exclude: the rule that the evaluated lists were made with.

    Returns:
        `user_id, product_id`, each pair once, sorted.
    """
    known = known_before(interactions, cutoff).select("user_id").unique()
    return (
        rows_of_week(interactions, cutoff)
        .filter(pl.col("weight") > 0)
        .select("user_id", "product_id")
        .unique()
        .join(known, on="user_id", how="semi")
        .join(
            excluded_pairs(interactions, cutoff=cutoff, exclude=exclude),
            on=["user_id", "product_id"],
            how="anti",
        )
        .sort("user_id", "product_id")
    )


def cold_relevant_items(interactions: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """Products of the evaluated week (weight > 0) of `cold_users`, for whom nothing is excluded.

    Returns:
        `user_id, product_id`, each pair once, sorted.
    """
    cold = cold_users(interactions, cutoff=cutoff)
    return (
        rows_of_week(interactions, cutoff)
        .filter(pl.col("weight") > 0)
        .select("user_id", "product_id")
        .unique()
        .join(cold, on="user_id", how="semi")
        .sort("user_id", "product_id")
    )


def cold_users(interactions: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """Users of the evaluated week who were not known before it, and are therefore not evaluated.

    Returns:
        `user_id`, each once, sorted.
    """
    known = known_before(interactions, cutoff).select("user_id").unique()
    return (
        rows_of_week(interactions, cutoff)
        .filter(pl.col("weight") > 0)
        .select("user_id")
        .unique()
        .join(known, on="user_id", how="anti")
        .sort("user_id")
    )


def rows_of_week(interactions: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """Rows that happened in the seven days from the cut-off and arrived within them."""
    end = cutoff + timedelta(days=EVALUATED_DAYS)
    return interactions.filter(
        pl.col("event_date").is_between(cutoff, end, closed="left"),
        pl.col("arrived_at") < pl.lit(midnight(end), dtype=pl.Datetime("us", "UTC")),
    )
