"""Trainings and lists where the frame lives: on Spark's workers, or in this process.

Belongs here: the choice between a module of `spark/` and the embedded computation; the only place
that imports `spark/`. Does not belong here: either computation, or transforms, which have one
definition for both engines.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.recommenders import top_k, training
from persona_assets.recommenders.exclusion import Exclusion
from persona_assets.recommenders.models.als import ALS
from persona_assets.recommenders.protocol import (
    NO_SIDE_INFORMATION,
    Recommender,
    SideInformation,
)
from persona_assets.skipped import Skipped
from persona_assets.transforms import embeddings

_Training = Callable[[Recommender, nw.LazyFrame, date], nw.LazyFrame]


def _als(model: Recommender, interactions: nw.LazyFrame, cutoff: date) -> nw.LazyFrame:
    from persona_assets.spark.als import factors

    assert isinstance(model, ALS)  # noqa: S101 - the key of the table below
    return factors(model.config, interactions, cutoff=cutoff)


TRAINED_BY_WORKERS: dict[type[Recommender], _Training] = {ALS: _als}
"""Models that the cluster trains: (model, PySpark frame of the mart, cut-off) → its artefact.

Lists made from such an artefact are as good as those from `Recommender.fit`, but not the same.
"""


def train(
    model: Recommender,
    interactions: nw.LazyFrame,
    *,
    cutoff: date,
    side_information: SideInformation = NO_SIDE_INFORMATION,
    parts: Mapping[str, pl.DataFrame] | None = None,
    untrained: Mapping[str, Skipped] | None = None,
) -> nw.LazyFrame:
    """`recommenders.training.train`, by the cluster where frame and model allow it."""
    by_workers = TRAINED_BY_WORKERS.get(type(model))
    if by_workers and interactions.implementation.is_pyspark():
        return by_workers(model, interactions, cutoff)
    return training.train(
        model,
        interactions,
        cutoff=cutoff,
        side_information=side_information,
        parts=parts,
        untrained=untrained,
    )


def batch_top_k(
    learned: Sequence[tuple[Recommender, nw.LazyFrame]],
    interactions: nw.LazyFrame,
    *,
    cutoff: date,
    k: int,
    exclude: Exclusion,
) -> nw.LazyFrame:
    """`recommenders.top_k.batch_top_k`; of PySpark frames made by the workers, in no order."""
    if not learned or not interactions.implementation.is_pyspark():
        return top_k.batch_top_k(learned, interactions, cutoff=cutoff, k=k, exclude=exclude)
    from persona_assets.spark.top_k import lists

    return nw.concat(
        [
            lists(model, artefact, interactions, cutoff=cutoff, k=k, exclude=exclude)
            for model, artefact in learned
        ]
    )


def train_item_embeddings(
    interactions: nw.LazyFrame,
    *,
    cutoff: date,
    seed: int,
    min_count: int = embeddings.MIN_COUNT,
) -> nw.LazyFrame:
    """`transforms.embeddings.train_item_embeddings`; from a PySpark frame by MLlib."""
    if not interactions.implementation.is_pyspark():
        return embeddings.train_item_embeddings(
            interactions, cutoff=cutoff, seed=seed, min_count=min_count
        )
    from persona_assets.spark.word2vec import item_vectors

    return item_vectors(interactions, cutoff=cutoff, seed=seed, min_count=min_count)
