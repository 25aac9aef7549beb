"""The lists of a model at a cut-off: everyone known by then, and people without history.

Belongs here: who gets a list and which pairs are left out of it. Does not belong here: scores and
ranks (the models, `ranking.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.errors import InsufficientDataError
from persona_assets.recommenders.exclusion import Exclusion, excluded_pairs
from persona_assets.recommenders.protocol import NO_HISTORY, Recommender
from persona_assets.tables.models import FALLBACK_USER, TOP_K
from persona_assets.transforms.history import known_before


@dataclass(frozen=True)
class ListRequest:
    """Users who get lists at a cut-off, and excluded pairs; the same for every model.

    Attributes:
        known: rows of `mart/user_item_interactions` known at the cut-off.
        users: everyone in them, and `FALLBACK_USER`.
        excluded: pairs that lists leave out.
    """

    known: pl.DataFrame
    users: list[str]
    excluded: pl.DataFrame

    @classmethod
    def at(cls, cutoff: date, interactions: pl.DataFrame, exclude: Exclusion) -> "ListRequest":
        """Rows of `interactions` that happened or arrived from the cut-off on are ignored.

        Raises:
            UserError: `exclude` is not a known rule.
        """
        known = known_before(interactions, cutoff)
        return cls(
            known,
            [FALLBACK_USER, *known["user_id"].unique().sort()],
            excluded_pairs(known, cutoff=cutoff, exclude=exclude),
        )

    def lists(
        self, model: Recommender, artefact: pl.DataFrame, *, cutoff: date, k: int
    ) -> pl.DataFrame:
        """Rows of `recommendations/top_k` of one model, sorted by user and rank."""
        made = model.recommend(
            artefact,
            self.users,
            k=k,
            excluded=self.excluded,
            histories=self.known if model.needs_history else NO_HISTORY,
        )
        return of_model(made, model, cutoff)


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
        UserError: `k` is below 1 or `exclude` is not a known rule.
        DataError: the artefact is empty or holds several cut-offs.
    """
    return ListRequest.at(cutoff, interactions, exclude).lists(model, artefact, cutoff=cutoff, k=k)


def batch_top_k(
    learned: Sequence[tuple[Recommender, nw.LazyFrame]],
    interactions: nw.LazyFrame,
    *,
    cutoff: date,
    k: int,
    exclude: Exclusion,
) -> nw.LazyFrame:
    """`top_k` of several models, made in this process.

    Args:
        learned: models, each with its artefact, a lazy frame of either engine.
        interactions: a lazy frame of either engine.
        cutoff: the cut-off of the trainings.
        k: length of the lists.
        exclude: which of a user's products stay out of the user's list.

    Returns:
        Rows of `recommendations/top_k`.

    Raises:
        UserError: `k` is below 1 or `exclude` is not a known rule.
        InsufficientDataError: there are no models.
        DataError: an artefact is empty or holds several cut-offs.
    """
    if not learned:
        raise InsufficientDataError("no model could be trained for the cut-off")
    known: pl.DataFrame = known_before(interactions, cutoff).collect("polars").to_native()
    request = ListRequest.at(cutoff, known, exclude)
    made = [
        request.lists(model, artefact.collect("polars").to_native(), cutoff=cutoff, k=k)
        for model, artefact in learned
    ]
    return nw.from_native(pl.concat(made).lazy())


def of_model(lists: pl.DataFrame, model: Recommender, cutoff: date) -> pl.DataFrame:
    """What `Recommender.recommend` returned, as rows of `recommendations/top_k`."""
    return lists.with_columns(
        pl.lit(cutoff, dtype=pl.Date()).alias("cutoff"), pl.lit(model.name).alias("model")
    ).select(TOP_K.polars_schema.names())
