"""Training a recommender on a lazy frame, in this process.

Belongs here: what it learns from, and which models could not be trained. Does not belong here: the
training itself (the models), or the choice of the cluster (`orchestration/dispatch.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.errors import InsufficientDataError
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.protocol import (
    NO_SIDE_INFORMATION,
    Recommender,
    SideInformation,
)
from persona_assets.skipped import Skipped
from persona_assets.transforms.history import known_before


def train(
    model: Recommender,
    interactions: nw.LazyFrame,
    *,
    cutoff: date,
    side_information: SideInformation = NO_SIDE_INFORMATION,
    parts: Mapping[str, pl.DataFrame] | None = None,
    untrained: Mapping[str, Skipped] | None = None,
) -> nw.LazyFrame:
    """What `model` learns from what is known at `cutoff` 00:00 UTC.

    A PySpark frame, too, comes into this process.

    Args:
        model: the recommender.
        interactions: rows of `mart/user_item_interactions`, of either engine.
        cutoff: first day that must stay unseen.
        side_information: user and item features known at the cut-off.
        parts: name → artefact at the cut-off of the models that this one is made of.
        untrained: of these parts, those without an artefact, and why.

    Returns:
        Rows of `model.artefact`.

    Raises:
        InsufficientDataError: nothing to learn from is known at the cut-off, or a part of the model
            could not be trained.
    """
    for name, skipped in (untrained or {}).items():
        raise InsufficientDataError(f"its part {name} was not trained: {skipped.reason}")
    rows: pl.DataFrame = known_before(interactions, cutoff).collect("polars").to_native()
    learned = model.fit(
        Interactions(cutoff, rows),
        side_information=side_information,
        parts=parts,
    )
    return nw.from_native(learned.lazy())


def not_trained(skipped: Mapping[str, Sequence[Skipped]], cutoff: date) -> dict[str, Skipped]:
    """The models without an artefact at `cutoff`, as parts of what is made of all models.

    Args:
        skipped: by model, what its artefact lacks at any cut-off.
        cutoff: the one that is asked for.
    """
    return {
        name: Skipped(each.reason, part=name)
        for name, found in skipped.items()
        for each in found
        if each.partition == cutoff and not each.part
    }
