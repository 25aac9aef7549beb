"""`evaluation/recommendation_analysis`: coverage, diversity, novelty and serendipity of lists.

Belongs here: measures of whole sets of lists. Does not belong here: accuracy (`metrics.py`), though
serendipity reads its hits.

The catalogue is the products on sale: those with an interaction that happened and arrived before
the cut-off. The list for people without history is no user's list and is left out.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.evaluation.evaluated_week import EvaluatedWeek
from persona_assets.evaluation.expected import gains_of
from persona_assets.evaluation.lists import numbers
from persona_assets.evaluation.metrics import KS
from persona_assets.tables.evaluation import RECOMMENDATION_ANALYSIS

Products = NDArray[np.int32]
"""Lists × length: numbers of products, −1 where a rank is not filled."""


def recommendation_analysis(
    evaluated: EvaluatedWeek, products: pl.DataFrame, *, embeddings: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Describe the lists of every model at a cut-off.

    Args:
        evaluated: the week from the cut-off.
        products: rows of `raw/product_history` as known at the cut-off.
        embeddings: rows of `features/item_embeddings`; those of other cut-offs are not looked at;
            None: there are none.

    Returns:
        rows of `evaluation/recommendation_analysis`, sorted by its key.
    """
    user_counts = evaluated.user_counts
    vectors = _vectors(evaluated, embeddings)
    category = _categories(evaluated, products)
    # What is not on sale is as little known as can be told: like one user's interaction.
    information = np.log2(evaluated.known_users / np.maximum(1, user_counts))
    rows: list[tuple[str, str, int, float | None]] = []
    for model in evaluated.rivals:
        every = evaluated.shown[model]
        surprise = _surprise(evaluated, model)
        for k in KS:
            shown = every[:, :k]
            exposure = np.bincount(shown[shown >= 0], minlength=len(user_counts))[user_counts > 0]
            values = {
                "catalog_coverage": catalog_coverage(exposure),
                "intra_list_diversity": category_diversity(shown, category),
                "embedding_diversity": embedding_diversity(shown, vectors),
                "novelty": mean_over_lists(shown, information),
                "average_popularity": mean_over_lists(shown, user_counts.astype(np.float64)),
                "serendipity": serendipity(surprise, k),
                "gini": gini(exposure),
            }
            rows += [(model, metric, k, value) for metric, value in values.items()]
    return (
        pl.DataFrame(rows, schema=["model", "metric", "k", "value"], orient="row")
        .with_columns(cutoff=pl.lit(evaluated.cutoff, dtype=pl.Date()))
        .select(RECOMMENDATION_ANALYSIS.polars_schema.names())
        .cast(RECOMMENDATION_ANALYSIS.polars_schema)
        .sort(RECOMMENDATION_ANALYSIS.key)
    )


def catalog_coverage(exposure: NDArray[np.int64]) -> float:
    """Share of the catalogue that is in at least one list.

    Source: Ge, Delgado-Battenfeld and Jannach 2010, "Beyond accuracy: evaluating recommender
    systems by coverage and serendipity", § 2. Same as RecTools' `CatalogCoverage(normalize=True)`.

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


def mean_over_lists(shown: Products, of_product: NDArray[np.float64]) -> float | None:
    """A property of products, its mean over each list and then over lists.

    Of −log2 p, with p the share of known users who interacted with the product, it is novelty in
    bits (Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma of recommender
    systems"; same as RecTools' `MeanInvUserFreq`). Of the number of users who interacted with it,
    it is the average recommendation popularity (Yin et al. 2012, "Challenging the long tail
    recommendation"; same as RecTools' `AvgRecPopularity`).

    Args:
        shown: lists; empty ones are left aside.
        of_product: the property by number of the product.

    Returns:
        None when no list holds anything.
    """
    filled = shown >= 0
    lengths = filled.sum(axis=1)
    sums = np.where(filled, of_product[shown], 0.0).sum(axis=1)
    return _mean(sums[lengths > 0] / lengths[lengths > 0])


def category_diversity(shown: Products, category: NDArray[np.int64]) -> float | None:
    """Share of a list's pairs of products that are of different categories, mean over lists.

    Products without category are left aside; so are lists with fewer than two others. Source:
    Smyth and McClave 2001, "Similarity vs. diversity", with similarity 1 for the same category and
    else 0; one less the intra-list similarity of Ziegler et al. 2005.

    Args:
        shown: lists.
        category: number of the category by number of the product, −1: none.

    Returns:
        None when no list has two products with a category.
    """
    of = np.where(shown >= 0, category[shown], -1)
    lengths: NDArray[np.int64] = (of >= 0).sum(axis=1)
    same = np.zeros(len(shown), dtype=np.int64)
    # A distance between ranks at a time: no array beyond lists × length is held.
    for gap in range(1, of.shape[1]):
        same += ((of[:, gap:] == of[:, :-gap]) & (of[:, gap:] >= 0)).sum(axis=1)
    some = lengths > 1
    pairs = lengths[some] * (lengths[some] - 1) / 2
    return _mean(1 - same[some] / pairs)


def embedding_diversity(shown: Products, vectors: NDArray[np.float64]) -> float | None:
    """Mean distance 1 − cosine over a list's pairs of products, mean over lists.

    For n unit vectors e it is 1 − (|Σ e|² − n) / (n (n − 1)). Products without a vector are left
    aside; so are lists with fewer than two others. Source: Smyth and McClave 2001, with the cosine
    as similarity.

    Args:
        shown: lists.
        vectors: unit vectors by number of the product; zeros: none.

    Returns:
        None when no list has two products with a vector.
    """
    has: NDArray[np.bool_] = np.asarray(vectors.any(axis=1))
    lengths = ((shown >= 0) & has[shown]).sum(axis=1)
    total = np.zeros((len(shown), vectors.shape[1]))
    for rank in range(shown.shape[1]):
        total += np.where(shown[:, rank, None] >= 0, vectors[shown[:, rank]], 0.0)
    pairs = lengths * (lengths - 1.0)
    some = pairs > 0
    return _mean(1 - ((total[some] ** 2).sum(axis=1) - lengths[some]) / pairs[some])


def serendipity(surprise: NDArray[np.float64], k: int) -> float | None:
    """How much of a list is relevant and yet was to be met nowhere: Σ_{r≤k} h_r (1 − p) / k.

    p is the share of known users who interacted with the product, the chance that it had been seen
    anyway; mean over the users with something relevant. Source: Vargas and Castells 2011, "Rank and
    relevance in novelty and diversity metrics", eq. 8 without discount (expected popularity
    complement with relevance); the unexpected and useful of Ge et al. 2010, graded. RecTools'
    `Serendipity` compares ranks instead: the list's with that by popularity.

    Args:
        surprise: users × depth, E[h_r (1 − p)].
        k: length of the lists.

    Returns:
        None without users.
    """
    return _mean(surprise[:, :k].sum(axis=1) / k)


def _surprise(evaluated: EvaluatedWeek, model: str) -> NDArray[np.float64]:
    rows, products = evaluated.warm.relevant
    unseen = 1 - evaluated.user_counts / evaluated.known_users
    return gains_of(evaluated.warm.hits[model], rows, unseen[products]).matrix


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _categories(evaluated: EvaluatedWeek, products: pl.DataFrame) -> NDArray[np.int64]:
    """Number of the category by number of the product, −1: none."""
    named = products.drop_nulls("category").select("product_id", "category")
    place = numbers(named["product_id"], evaluated.products)
    category = np.full(len(evaluated.products), -1, dtype=np.int64)
    category[place[place >= 0]] = numbers(named["category"], named["category"].unique().sort())[
        place >= 0
    ]
    return category


def _vectors(evaluated: EvaluatedWeek, embeddings: pl.DataFrame | None) -> NDArray[np.float64]:
    """Unit vectors by number of the product, zeros: none."""
    if embeddings is None:
        return np.zeros((len(evaluated.products), 1))
    mine = embeddings.filter(
        pl.col("cutoff") == evaluated.cutoff,
        pl.col("product_id").is_in(evaluated.products.implode()),
    )
    if mine.is_empty():
        return np.zeros((len(evaluated.products), 1))
    matrix = np.stack(mine["vector"].to_list()).astype(np.float64)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    vectors = np.zeros((len(evaluated.products), matrix.shape[1]))
    vectors[numbers(mine["product_id"], evaluated.products)] = matrix / np.where(
        lengths > 0, lengths, 1.0
    )
    return vectors
