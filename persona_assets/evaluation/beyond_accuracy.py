"""`evaluation/recommendation_analysis`: what lists do to the catalogue, whoever is right.

Belongs here: measures of whole sets of lists that need no truth. Does not belong here: accuracy
(`metrics.py`).

The catalogue is the products on sale: those with an interaction that happened and arrived before
the cut-off. The list for people without history is no user's list and is left out.
"""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError
from persona_assets.evaluation.metrics import KS
from persona_assets.tables.evaluation import RECOMMENDATION_ANALYSIS
from persona_assets.tables.models import FALLBACK_USER
from persona_assets.transforms.history import known_before


def recommendation_analysis(
    top_k: pl.DataFrame, interactions: pl.DataFrame, products: pl.DataFrame, *, cutoff: date
) -> pl.DataFrame:
    """Describe the lists of every model at `cutoff`.

    Args:
        top_k: rows of `recommendations/top_k`; rows of other cut-offs are not looked at.
        interactions: rows of `mart/user_item_interactions`; rows that happened or arrived at or
            after the cut-off are not looked at.
        products: rows of `raw/products`.
        cutoff: of the lists.

    Returns:
        rows of `evaluation/recommendation_analysis`, sorted by its key.

    Raises:
        DataError: no lists, or no product on sale, at this cut-off.
    """
    lists = top_k.filter(pl.col("cutoff") == cutoff, pl.col("user_id") != FALLBACK_USER)
    known = known_before(interactions, cutoff)
    for table, frame in (
        ("recommendations/top_k", lists),
        ("mart/user_item_interactions before it", known),
    ):
        if frame.is_empty():
            raise DataError(
                f"evaluation/recommendation_analysis, cutoff {cutoff}: {table} has no rows; "
                "materialize it first, or choose another cut-off"
            )
    touched = known.group_by("product_id").agg(pl.col("user_id").n_unique().alias("users"))
    slots = (
        lists.select("model", "user_id", "rank", "product_id")
        .join(products.select("product_id", "category"), on="product_id", how="left")
        .join(touched, on="product_id", how="left")
    )
    users = known["user_id"].n_unique()
    rows = []
    for (model,), of_model in slots.partition_by("model", as_dict=True).items():
        for k in KS:
            shown = of_model.filter(pl.col("rank") <= k).sort("user_id", "rank")
            exposure = _exposure(shown, touched.height)
            rows += [
                (model, "catalog_coverage", k, catalog_coverage(exposure)),
                (model, "intra_list_diversity", k, intra_list_diversity(shown)),
                (model, "novelty", k, novelty(shown, users=users)),
                (model, "gini", k, gini(exposure)),
            ]
    return (
        pl.DataFrame(rows, schema=["model", "metric", "k", "value"], orient="row")
        .with_columns(cutoff=pl.lit(cutoff, dtype=pl.Date()))
        .select(RECOMMENDATION_ANALYSIS.polars_schema.names())
        .cast(RECOMMENDATION_ANALYSIS.polars_schema)
        .sort(RECOMMENDATION_ANALYSIS.key)
    )


def catalog_coverage(exposure: NDArray[np.int64]) -> float:
    """Share of the catalogue that is in at least one list.

    Source: Ge, Delgado-Battenfeld and Jannach 2010, "Beyond accuracy: evaluating recommender
    systems by coverage and serendipity", § 2.

    Args:
        exposure: per product on sale, the number of lists that hold it.
    """
    return float((exposure > 0).mean())


def gini(exposure: NDArray[np.int64]) -> float | None:
    """Concentration of exposure on few products: 0 all equal, towards 1 one product has it all.

    G = Σ_i (2i − n − 1) x_i / (n Σ x) with exposures x in ascending order, products that are never
    shown included. Source: Fleder and Hosanagar 2009, "Blockbuster culture's next rise or fall".

    Args:
        exposure: per product on sale, the number of lists that hold it.

    Returns:
        None when no product on sale is in any list.
    """
    total = exposure.sum()
    if total == 0:
        return None
    products = exposure.size
    weights = 2 * np.arange(1, products + 1) - products - 1
    return float((weights * np.sort(exposure)).sum() / (products * total))


def novelty(shown: pl.DataFrame, *, users: int) -> float:
    """How little known the listed products are: mean self-information −log2 p in bits.

    p is the share of known users who touched the product; a product that nobody touched counts as
    touched by one user, the least that can be told from none. Mean over each list, then over lists.
    Source: Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma of recommender
    systems"; Vargas and Castells 2011, "Rank and relevance in novelty and diversity metrics".

    Args:
        shown: one row per list and product: `user_id`, `users` (who touched it; null: none).
        users: number of known users.
    """
    information = (users / pl.col("users").fill_null(1)).log(2)
    return float(_mean_over_lists(shown.group_by("user_id").agg(value=information.mean())))


def intra_list_diversity(shown: pl.DataFrame) -> float | None:
    """Share of a list's pairs of products that are of different categories, mean over lists.

    Products without category are left aside; so are lists with fewer than two others. Source:
    Smyth and McClave 2001, "Similarity vs. diversity", with similarity 1 for the same category and
    else 0; one less the intra-list similarity of Ziegler et al. 2005.

    Args:
        shown: one row per list and product: `user_id`, `category`.

    Returns:
        None when no list has two products with a category.
    """
    pairs = pl.col("len") * (pl.col("len") - 1)
    values = (
        shown.drop_nulls("category")
        .group_by("user_id", "category")
        .len()
        .with_columns(pl.col("len").cast(pl.Int64))
        .group_by("user_id")
        .agg(same=pairs.sum(), len=pl.col("len").sum())
        .filter(pl.col("len") > 1)
        .select("user_id", value=1 - pl.col("same") / pairs)
    )
    return None if values.is_empty() else _mean_over_lists(values)


def _mean_over_lists(values: pl.DataFrame) -> float:
    # In the order of users: the order in which floats are added must not depend on a hash table.
    return float(values.sort("user_id")["value"].to_numpy().mean())


def _exposure(shown: pl.DataFrame, products: int) -> NDArray[np.int64]:
    """Lists per product on sale, in no particular order; `products` is the catalogue's size."""
    on_sale = shown.drop_nulls("users").group_by("product_id").len()["len"].to_numpy()
    exposure = np.zeros(products, dtype=np.int64)
    exposure[: on_sale.size] = on_sale
    return exposure
