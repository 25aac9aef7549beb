"""The unit price of each product.

Belongs here: the price at which simulated orders are counted and fitted responses compare
products. Does not belong here: cleaning of prices (the mart does that).
"""

import polars as pl


def price_list(products: pl.DataFrame, interactions: pl.DataFrame) -> pl.DataFrame:
    """Price of every product: the list price, else the median price seen in the mart.

    Args:
        products: rows of raw/product_history as known at the time of interest.
        interactions: rows of mart/user_item_interactions, restricted by the caller to those known
            at the time of interest.

    Returns:
        `product_id` and `price` [shop currency] of all products of either, sorted by product; price
        is null for products with neither.
    """
    seen = interactions.group_by("product_id").agg(seen=pl.col("unit_price").median())
    return (
        products.select("product_id", "price")
        .join(seen, on="product_id", how="full", coalesce=True)
        .select("product_id", price=pl.coalesce("price", "seen"))
        .sort("product_id")
    )
