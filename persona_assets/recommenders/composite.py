"""Models that are made of other models: they learn from the artefacts of their parts.

Belongs here: what every such model has in common, and the rows of its parts in its artefact. Does
not belong here: any particular one (`models/blend.py`, `models/two_stage.py`).
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.protocol import Recommender, SideInformation
from persona_assets.recommenders.ranking import Scorer


class CompositeRecommender(Recommender):
    """A model made of others, whose artefact holds theirs: nothing is trained when it scores.

    In the graph the artefacts of the parts come from upstream assets of the same cut-off. Where
    none are given (a benchmark, a test), `fit` trains the parts.
    """

    part_types: ClassVar[tuple[type[Recommender], ...]]
    """Classes of `parts`, in the same order. Named here, and not looked up among all models, so
    that the code behind this model is its own and its parts'."""

    @property
    def part_models(self) -> dict[str, Recommender]:
        """Name → part, with its configuration in this model's, in the order of `parts`."""
        return {each.name: each(getattr(self.config, each.name)) for each in self.part_types}  # type: ignore[call-arg]

    def with_parts(self, models: Mapping[str, Recommender]) -> Self:
        """The same model, made of parts with the configurations of `models`."""
        return type(self)(  # type: ignore[call-arg]
            replace(self.config, **{name: models[name].config for name in self.parts})
        )

    def _learn_with(
        self,
        known: Interactions,
        side_information: SideInformation,
        parts: Mapping[str, pl.DataFrame],
    ) -> pl.DataFrame:
        artefacts = {
            # Rows from a table come in the order of its files; `fit` sorts by the key.
            name: parts[name].sort(model.artefact.key)
            if name in parts
            else model.fit(known, side_information=side_information)
            for name, model in self.part_models.items()
        }
        own = self._learn_from_parts(known, artefacts)
        rows = [
            artefact.with_row_index("row").with_columns(part=pl.lit(name))
            for name, artefact in (artefacts | own).items()
        ]
        return pl.concat([*rows, self.artefact.empty()], how="diagonal_relaxed").select(
            # Readers ask every artefact whose row it is; see `artefact.by_user`.
            (pl.col(name).fill_null("") if name == "entity" else pl.col(name)).cast(kind)
            for name, kind in self.artefact.polars_schema.items()
        )

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        return self._learn_with(known, side_information, {})

    @abstractmethod
    def _learn_from_parts(
        self, known: Interactions, parts: Mapping[str, pl.DataFrame]
    ) -> dict[str, pl.DataFrame]:
        """What the model learns besides its parts: name → rows with columns of `artefact`.

        Args:
            known: what is known at the cut-off.
            parts: name → artefact, of every part.
        """

    def part_rows(self, artefact: pl.DataFrame, name: str) -> pl.DataFrame:
        """The rows of one part, as its `fit` made them.

        Args:
            artefact: of this model, of one cut-off.
            name: of a part.
        """
        table = self.part_models[name].artefact
        return own_rows(artefact, name).select(table.polars_schema.names())


def own_rows(artefact: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of an artefact under one name of `part`, in their order."""
    return artefact.filter(pl.col("part") == name).sort("row")


def aligned(scorer: Scorer, products: pl.Series, absent: float = 0.0) -> Scorer:
    """The same scores with a column for each of `products`.

    Args:
        scorer: of a model that may know fewer or more products.
        products: `product_id` of each column, sorted.
        absent: score of a product that the model does not know.
    """
    if scorer.products.equals(products):
        return scorer
    columns = products.to_frame("id").join(
        scorer.products.to_frame("id").with_row_index("column"),
        on="id",
        how="left",
        maintain_order="left",
    )["column"]
    known = columns.is_not_null().to_numpy()
    chosen = columns.drop_nulls().to_numpy()

    def scores_of(block: slice) -> NDArray[np.float64]:
        found = scorer.scores_of(block)
        scores = np.full((len(found), len(products)), absent)
        scores[:, known] = found[:, chosen]
        return scores

    return Scorer(products, scores_of)
