"""The lists of a model at a cut-off: everyone known by then, and people without history.

Belongs here: who gets a list and which pairs are left out of it. Does not belong here: scores and
ranks (the models, `ranking.py`).
"""

from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.recommenders.exclusion import Exclusion, excluded_pairs
from persona_assets.recommenders.protocol import NO_HISTORY, Recommender
from persona_assets.tables.models import FALLBACK_USER, TOP_K
from persona_assets.transforms.history import known_before


def top_k(
    model: Recommender,
    artefact: pl.DataFrame,
    interactions: pl.DataFrame,
    *,
    cutoff: date,
    k: int,
    exclude: Exclusion,
) -> pl.DataFrame:
    """The `k` best products of every user known at the cut-off, and of `FALLBACK_USER`.

    Args:
        model: the recommender that trained the artefact.
        artefact: what it learned at this cut-off.
        interactions: rows of `mart/user_item_interactions`. Rows that happened or arrived on or
            after the cut-off are ignored.
        cutoff: the cut-off of the training.
        k: length of the lists; a list is shorter where fewer products are left.
        exclude: which of a user's products stay out of the user's list.

    Returns:
        Rows of `recommendations/top_k`, sorted by user and rank.

    Raises:
        UserError: `k` is below 1 or `exclude` is no known rule.
        DataError: the artefact is empty or holds several cut-offs.
    """
    known = known_before(interactions, cutoff)
    users = known["user_id"].unique().sort().to_list()
    lists = model.recommend(
        artefact,
        [FALLBACK_USER, *users],
        k=k,
        excluded=excluded_pairs(interactions, cutoff=cutoff, exclude=exclude),
        histories=known if model.needs_history else NO_HISTORY,
    )
    return of_model(lists, model, cutoff)


def batch_top_k(
    model: Recommender,
    artefact: nw.LazyFrame,
    interactions: nw.LazyFrame,
    *,
    cutoff: date,
    k: int,
    exclude: Exclusion,
) -> nw.LazyFrame:
    """`top_k` where the frames live: of PySpark frames the lists are made by the workers.

    Args:
        model: see `top_k`, as all others.
        artefact: a lazy frame, of the engine of `interactions`.
        interactions: a lazy frame.
        cutoff: the cut-off of the training.
        k: length of the lists.
        exclude: which of a user's products stay out of the user's list.

    Returns:
        Rows of `recommendations/top_k` on the same engine, in no order on PySpark.

    Raises:
        UserError: `k` is below 1 or `exclude` is no known rule.
        DataError: the artefact is empty or holds several cut-offs.
    """
    if interactions.implementation.is_pyspark():
        from persona_assets.distributed.top_k import lists

        return lists(model, artefact, interactions, cutoff=cutoff, k=k, exclude=exclude)
    learned: pl.DataFrame = artefact.collect("polars").to_native()
    known: pl.DataFrame = known_before(interactions, cutoff).collect("polars").to_native()
    made = top_k(model, learned, known, cutoff=cutoff, k=k, exclude=exclude)
    return nw.from_native(made.lazy())


def of_model(lists: pl.DataFrame, model: Recommender, cutoff: date) -> pl.DataFrame:
    """What `Recommender.recommend` returned, as rows of `recommendations/top_k`."""
    return lists.with_columns(
        pl.lit(cutoff, dtype=pl.Date()).alias("cutoff"), pl.lit(model.name).alias("model")
    ).select(TOP_K.polars_schema.names())
