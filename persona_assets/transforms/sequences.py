"""Interaction sequences: what each user interacted with, in order.

Belongs here: turning interactions into sequences of products. Does not belong here: what is
learned from them (`embeddings.py`).
"""

from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.transforms.history import known_before

ORDER = ("event_ts", "event_id", "product_id")
"""Columns by which a user's steps follow each other."""


def interaction_steps(interactions: nw.LazyFrame, *, cutoff: date) -> nw.LazyFrame:
    """What users interacted with before the cut-off, one row a step, in no order.

    Returned goods are no step of a sequence, and a product interacted with several times in a row
    is one step. Events at the same instant follow each other by `event_id`.

    Args:
        interactions: rows of `mart/user_item_interactions`.
        cutoff: day before which events must have happened and arrived.

    Returns:
        `user_id` and the columns of `ORDER`.
    """
    before = nw.col("product_id").shift(1).over("user_id", order_by=ORDER)
    return (
        known_before(interactions, cutoff)
        .filter(nw.col("event_type") != "return")
        .select("user_id", *ORDER)
        .with_columns(before=before)
        .filter(nw.col("before").is_null() | (nw.col("before") != nw.col("product_id")))
        .drop("before")
    )


def interaction_sequences(interactions: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """The steps of each user in their order; see `interaction_steps`.

    Returns:
        `user_id` and `products` (list of product_id), one row per user, sorted by user.
    """
    steps: pl.LazyFrame = interaction_steps(
        nw.from_native(interactions.lazy()), cutoff=cutoff
    ).to_native()
    return (
        steps.group_by("user_id")
        .agg(products=pl.col("product_id").sort_by(ORDER))
        .sort("user_id")
        .collect()
    )
