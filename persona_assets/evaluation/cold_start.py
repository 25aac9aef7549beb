"""`evaluation/cold_start`: how much of the evaluated week is by cold users or of cold products.

Belongs here: counts of cold-start users and new products in the week. Does not belong here: how
well cold users are served (`segments.py`).
"""

from datetime import date

import polars as pl

from persona_assets.evaluation.relevance import rows_of_week
from persona_assets.tables.evaluation import COLD_START
from persona_assets.transforms.history import known_before


def cold_start(interactions: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """Count the evaluated week's interactions (weight > 0) by who and what was known before.

    Args:
        interactions: rows of `mart/user_item_interactions`, before the cut-off and of the week.
        cutoff: first evaluated day.

    Returns:
        the row of `evaluation/cold_start`; shares of a week without interactions are null.
    """
    known = known_before(interactions, cutoff)
    week = rows_of_week(interactions, cutoff).filter(pl.col("weight") > 0)
    cold_user = ~pl.col("user_id").is_in(known["user_id"].unique().implode())
    cold_product = ~pl.col("product_id").is_in(known["product_id"].unique().implode())
    interactions_of_week = pl.len()
    by_cold_users, of_new = cold_user.sum(), cold_product.sum()
    return (
        week.select(
            cutoff=pl.lit(cutoff, dtype=pl.Date()),
            touches=interactions_of_week,
            touches_by_cold_users=by_cold_users,
            touches_of_cold_products=of_new,
            users=pl.col("user_id").n_unique(),
            cold_users=pl.col("user_id").filter(cold_user).n_unique(),
            products=pl.col("product_id").n_unique(),
            cold_products=pl.col("product_id").filter(cold_product).n_unique(),
            cold_user_share=pl.when(interactions_of_week > 0).then(
                by_cold_users / interactions_of_week
            ),
            cold_product_share=pl.when(interactions_of_week > 0).then(
                of_new / interactions_of_week
            ),
        )
        .select(COLD_START.polars_schema.names())
        .cast(COLD_START.polars_schema)
    )
