"""Training a recommender on a lazy frame, where the frame lives.

Belongs here: choosing between the embedded training and the distributed one. Does not belong here:
either of them (the models, `distributed/`).
"""

from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.recommenders.protocol import (
    NOTHING_ELSE,
    DistributedTraining,
    Recommender,
    SideInformation,
)
from persona_assets.transforms.history import known_before


def train(
    model: Recommender,
    interactions: nw.LazyFrame,
    *,
    cutoff: date,
    side: SideInformation = NOTHING_ELSE,
) -> nw.LazyFrame:
    """What `model` learns from what is known at `cutoff` 00:00 UTC.

    A PySpark frame is learned from by the cluster, if the model can be trained there; otherwise,
    like a Polars frame, in this process.

    Args:
        model: the recommender.
        interactions: rows of `mart/user_item_interactions`, of either engine.
        cutoff: first day that must stay unseen.
        side: what else is known, for models that learn in this process.

    Returns:
        Rows of `model.artefact`, on the engine that did the training.

    Raises:
        DataError: nothing to learn from is known at the cut-off.
    """
    if interactions.implementation.is_pyspark() and isinstance(model, DistributedTraining):
        return model.fit_distributed(interactions, cutoff=cutoff)
    known: pl.DataFrame = known_before(interactions, cutoff).collect("polars").to_native()
    return nw.from_native(model.fit(known, cutoff=cutoff, side=side).lazy())
