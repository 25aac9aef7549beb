"""Interaction sequences: what each user touched, in order.

Belongs here: turning interactions into sequences of products. Does not belong here: what is
learned from them (`embeddings.py`).
"""

from datetime import date

import polars as pl

from persona_assets.transforms.history import known_before


def interaction_sequences(interactions: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """The products each user touched before the cut-off, in order of time.

    Returned goods are no step of a sequence, and a product touched several times in a row is one
    step. Events at the same instant follow each other by `event_id`.

    Args:
        interactions: rows of `mart/user_item_interactions`.
        cutoff: day before which events must have happened and arrived.

    Returns:
        `user_id` and `products` (list of product_id), one row per user, sorted by user.
    """
    steps = known_before(interactions, cutoff).filter(pl.col("event_type") != "return")
    ordered = steps.select("user_id", "event_ts", "event_id", "product_id").sort(
        "user_id", "event_ts", "event_id"
    )
    repeated = (pl.col("product_id") == pl.col("product_id").shift()) & (
        pl.col("user_id") == pl.col("user_id").shift()
    )
    return (
        ordered.filter(~repeated.fill_null(False))
        .group_by("user_id", maintain_order=True)
        .agg(products="product_id")
    )
