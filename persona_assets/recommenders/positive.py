"""Interactions of positive weight; rows whose weight is not a number are refused.

Belongs here: the one filter on `weight` that every model starts with. Does not belong here: what is
known at a cut-off (`transforms/history.py`) or what a model makes of a weight.
"""

import polars as pl

from persona_assets.errors import DataError


def positive_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of positive weight: returns (weight 0) say nothing of taste.

    Args:
        rows: of `mart/user_item_interactions`, or a history.

    Raises:
        DataError: a weight is missing, NaN or infinite. NaN compares as larger than every number,
            so it would pass the filter and make every score that it enters NaN.
    """
    weight = pl.col("weight")
    strange = rows.filter(weight.is_null() | ~weight.cast(pl.Float64).is_finite())
    if not strange.is_empty():
        product, value = strange.select("product_id", "weight").sort("product_id").row(0)
        raise DataError(
            f"mart/user_item_interactions, column weight: {value} of product {product!r} is not a "
            f"finite number ({strange.height} such row(s)); give every event the weight of its "
            "type (0 for what says nothing of taste) and materialize these days again"
        )
    return rows.filter(weight > 0)
