"""The oracle: the best possible lists where the true tastes are known, as in the synthetic shop.

Belongs here: lists made from a matrix of true affinities, to be evaluated beside the models'. They
show how much of a metric could be reached at all. Does not belong here: the affinities themselves
(the synthetic shop in `sources/`).
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError
from persona_assets.recommenders.exclusion import Exclusion, excluded_pairs
from persona_assets.recommenders.ranking import ranked_lists
from persona_assets.sources.planted import PlantedTruth
from persona_assets.tables.models import FALLBACK_USER, TOP_K

ORACLE = "planted_optimum"
"""Name under which the oracle's lists stand among the models in the tables."""


def with_oracle(
    top_k: pl.DataFrame,
    truth: PlantedTruth,
    interactions: pl.DataFrame,
    *,
    k: int,
    cutoff: date,
    exclude: Exclusion,
) -> pl.DataFrame:
    """`top_k` of one cut-off and, beside the models, the oracle for the same users.

    Args:
        top_k: rows of `recommendations/top_k` of the cut-off.
        truth: the shop's true tastes.
        interactions: rows of `mart/user_item_interactions` that cover the time before the cut-off.
        k: length of the lists.
        cutoff: of the lists.
        exclude: the rule that the models' lists were made with.
    """
    users = top_k.filter(pl.col("user_id") != FALLBACK_USER)["user_id"].unique().sort().to_list()
    oracle = oracle_lists(
        truth.affinity(users, cutoff),
        users,
        truth.product_ids,
        excluded_pairs(interactions, cutoff=cutoff, exclude=exclude),
        k=k,
        cutoff=cutoff,
    )
    return pl.concat([top_k, oracle.select(top_k.columns)])


def oracle_lists(
    affinity: NDArray[np.float64],
    user_ids: Sequence[str],
    product_ids: Sequence[str],
    excluded: pl.DataFrame,
    *,
    k: int,
    cutoff: date,
) -> pl.DataFrame:
    """Each user's k products of highest true affinity, equal ones in the order of `product_id`.

    The list for people without history is that of the highest mean affinity over the users.

    Args:
        affinity: users × products; −inf: cannot be had (not yet on sale), never listed.
        user_ids: of the rows, as the mart knows them (keyed hashes).
        product_ids: of the columns.
        excluded: `user_id, product_id` to leave out; pairs of other users are ignored.
        k: length of the lists; shorter where fewer products are left.
        cutoff: of the lists.

    Returns:
        rows of `recommendations/top_k` under the name `planted_optimum`, sorted by its key; none
        without users.

    Raises:
        DataError: the matrix does not fit the identifiers, or holds NaN.
    """
    if affinity.shape != (len(user_ids), len(product_ids)) or np.isnan(affinity).any():
        raise DataError(
            f"oracle, cutoff {cutoff}: affinity of shape {affinity.shape} must be "
            f"{(len(user_ids), len(product_ids))} without NaN; pass one row per user and one "
            "column per product"
        )
    if len(user_ids) == 0:
        return TOP_K.empty()
    # Sorted first: the order in which floats are added must not depend on the order of users.
    everyone = np.sort(affinity, axis=0).mean(axis=0, keepdims=True)
    order = np.argsort(np.asarray(product_ids))
    scores = np.concatenate([affinity, everyone])[:, order]
    lists = ranked_lists(
        [*user_ids, FALLBACK_USER],
        pl.Series("product_id", product_ids, dtype=pl.String()).gather(order),
        lambda block: scores[block].copy(),
        k=k,
        excluded=excluded,
    )
    return (
        lists.with_columns(cutoff=pl.lit(cutoff, dtype=pl.Date()), model=pl.lit(ORACLE))
        .select(TOP_K.polars_schema.names())
        .cast(TOP_K.polars_schema)
        .sort(TOP_K.key)
    )
