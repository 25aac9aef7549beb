"""Product descriptions as weighted terms: category, brand, price tier and words of the name.

Belongs here: making terms of category, brand, price and name, and TF-IDF. Does not belong here:
what a model recommends by them (`content.py`).
"""

from collections.abc import Mapping
from datetime import date

import polars as pl

FIELDS = ("category", "brand", "price", "name")
"""Columns of `raw/products` that terms are made of; those that a catalogue lacks are left out."""
_WORD = r"[\p{L}\p{N}]{2,}"


def catalogue(products: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """The products that may be recommended at the cut-off, each once.

    Args:
        products: rows with `product_id` and perhaps other columns of `raw/products`. Those of a
            `kind` other than `product`, and those launched on or after the cut-off, are left out.
        cutoff: first day that must stay unseen.
    """
    known = products
    if "kind" in known.columns:
        known = known.filter(pl.col("kind") == "product")
    if "launch_date" in known.columns:
        known = known.filter(pl.col("launch_date").is_null() | (pl.col("launch_date") < cutoff))
    columns = ["product_id", *(field for field in FIELDS if field in known.columns)]
    # Of several rows of a product the first in an order that does not depend on that of the rows.
    return known.select(columns).sort(columns).unique("product_id", keep="first").sort("product_id")


def terms(products: pl.DataFrame, *, price_tiers: int) -> pl.DataFrame:
    """Which terms a product has: `product_id, field, term`, each once.

    `category=…` and `brand=…` are the values in lower case; `price=n` says in which of
    `price_tiers` parts of equal size of the catalogue the price lies; `name=…` are the words of at
    least two letters or digits, in lower case. Missing values, and prices that are not positive
    numbers, make no term.

    Args:
        products: what `catalogue` returned.
        price_tiers: parts.
    """
    parts = [_NO_TERMS]
    for field in ("category", "brand"):
        if field in products.columns:
            value = pl.col(field).cast(pl.String()).str.strip_chars().str.to_lowercase()
            parts.append(_terms(products.with_columns(value=value.replace("", None)), field))
    if "price" in products.columns:
        price = pl.col("price").cast(pl.Float64)
        priced = products.filter(price.is_finite() & (price > 0))
        share = (price.rank("average") - 0.5) / pl.len()
        tier = (share * price_tiers).floor().cast(pl.Int64).cast(pl.String())
        parts.append(_terms(priced.with_columns(value=tier), "price"))
    if "name" in products.columns:
        words = pl.col("name").cast(pl.String()).str.to_lowercase().str.extract_all(_WORD)
        parts.append(_terms(products.with_columns(value=words).explode("value"), "name"))
    return pl.concat(parts).unique().sort("product_id", "term")


_NO_TERMS = pl.DataFrame(
    schema={"product_id": pl.String(), "field": pl.String(), "term": pl.String()}
)


def _terms(valued: pl.DataFrame, field: str) -> pl.DataFrame:
    return valued.drop_nulls("value").select(
        "product_id",
        pl.lit(field).alias("field"),
        pl.concat_str(pl.lit(field), "value", separator="=").alias("term"),
    )


def tf_idf(found: pl.DataFrame, *, products: int, shares: Mapping[str, float]) -> pl.DataFrame:
    """TF-IDF weights of the terms: `product_id, term, weight`, of length 1 for each product.

    The weight of a term is log((1 + N) / (1 + n)) + 1 with N products of which n have it (scikit-
    learn's smooth idf; every term is in a product once). Each field of a product is brought to
    length √share, so that ten words do not outweigh a category; then the product to length 1.

    Args:
        found: what `terms` returned.
        products: N.
        shares: of the fields in the square of the length; those of share 0 are left out.
    """
    weight = ((1 + products) / (1 + pl.len().over("term"))).log() + 1
    of_field = pl.col("weight").pow(2).sum().over("product_id", "field").sqrt()
    share = pl.col("field").replace_strict(dict(shares), return_dtype=pl.Float64)
    length = pl.col("weight").pow(2).sum().over("product_id").sqrt()
    return (
        found.filter(share > 0)
        .with_columns(weight=weight)
        .with_columns(weight=pl.col("weight") / of_field * share.sqrt())
        .with_columns(weight=pl.col("weight") / length)
        .select("product_id", "term", "weight")
        .sort("product_id", "term")
    )
