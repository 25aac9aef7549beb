"""Blending: a weighted sum of several models' scores.

Belongs here: the model. Does not belong here: what it has in common with other models that are made
of models (`composite.py`), the parts, or making their scores comparable (`rank_fusion.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import UserError
from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.composite import CompositeRecommender, aligned
from persona_assets.recommenders.histories import Histories, Products
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.als import ALS, ALSConfig
from persona_assets.recommenders.models.directional import Directional, DirectionalConfig
from persona_assets.recommenders.models.popularity import Popularity, PopularityConfig
from persona_assets.recommenders.models.user_knn import UserKNN, UserKNNConfig
from persona_assets.recommenders.protocol import (
    Config,
    Loaded,
    Recommender,
    Space,
    Task,
    may_be_zero,
)
from persona_assets.recommenders.ranking import Scorer
from persona_assets.tables import Table
from persona_assets.tables.models import BLEND_MODEL

FUSIONS = ("relative_score", "reciprocal_rank")


@dataclass(frozen=True)
class BlendConfig(Config):
    """Configuration of `Blend`.

    Attributes:
        directional: configuration of a part, as the next three.
        user_knn: the same.
        als: the same.
        popularity: the same.
        directional_weight: how much that part counts, as the next three; 0: not at all.
        user_knn_weight: the same.
        als_weight: the same.
        popularity_weight: the same.
        fusion: `relative_score`: each score as a share of the user's best; `reciprocal_rank`:
            1 / (rank_constant + rank).
        rank_constant: see `rank_fusion.reciprocal_ranks`, as the next.
        depth: products of each part that have a rank.
        unseen: whether products of the history are left out before scores are compared; they come
            last.

    Raises:
        UserError: a number is out of its range, `fusion` is unknown, or no part counts.
    """

    directional: DirectionalConfig = field(default_factory=DirectionalConfig)
    user_knn: UserKNNConfig = field(default_factory=UserKNNConfig)
    als: ALSConfig = field(default_factory=ALSConfig)
    popularity: PopularityConfig = field(default_factory=PopularityConfig)
    directional_weight: float = may_be_zero(1.0)
    user_knn_weight: float = may_be_zero(1.0)
    als_weight: float = may_be_zero(0.3)
    popularity_weight: float = may_be_zero(0.01)
    fusion: str = "relative_score"
    rank_constant: float = 60.0
    depth: int = 1_000
    unseen: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fusion not in FUSIONS:
            raise UserError(
                f"BlendConfig.fusion must be one of {', '.join(FUSIONS)}; got {self.fusion!r}; "
                "pass one of these"
            )
        if not any(self.weights):
            raise UserError(
                "BlendConfig: the weights of all parts are 0; give at least one part a weight"
            )

    @property
    def weights(self) -> tuple[float, ...]:
        """How much each of `Blend.parts` counts."""
        return (
            self.directional_weight,
            self.user_knn_weight,
            self.als_weight,
            self.popularity_weight,
        )

    def comparable(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """(users × products) scores of one part on the scale of all."""
        from persona_assets.recommenders.rank_fusion import reciprocal_ranks, relative_scores

        if self.fusion == "reciprocal_rank":
            return reciprocal_ranks(scores, constant=self.rank_constant, depth=self.depth)
        return relative_scores(scores)


@dataclass(frozen=True)
class Blend(CompositeRecommender):
    """A weighted sum of what sequences, similar people, latent factors and popularity say.

    score(u, j) = Σ_m weight_m · comparable_m(u, j) over the parts. A part that says nothing good of
    a product (a score of 0 or less) adds nothing. Time and memory are those of the parts.
    """

    config: BlendConfig = field(default_factory=BlendConfig)
    name: ClassVar[str] = "blend"
    artefact: ClassVar[Table] = BLEND_MODEL
    folds_in: ClassVar[bool] = True
    needs_history: ClassVar[bool] = True
    part_types: ClassVar[tuple[type[Recommender], ...]] = (Directional, UserKNN, ALS, Popularity)
    parts: ClassVar[tuple[str, ...]] = tuple(part.name for part in part_types)
    searched_parts: ClassVar[tuple[str, ...]] = parts
    space: ClassVar[Space] = {
        "fusion": FUSIONS,
        "als_weight": (0.3, 0.0, 0.1, 1.0),
        "user_knn_weight": (1.0, 0.0, 0.3, 3.0),
        "popularity_weight": (0.01, 0.0, 0.1),
    }
    scoring_only: ClassVar[frozenset[str]] = frozenset(
        {
            "directional_weight",
            "user_knn_weight",
            "als_weight",
            "popularity_weight",
            "fusion",
            "rank_constant",
            "depth",
            "unseen",
        }
    )

    def for_task(self, task: Task) -> "Blend":
        """The same model, whose parts are told too, and compared on what lists may hold."""
        parts = {name: model.for_task(task).config for name, model in self.part_models.items()}
        return Blend(replace(self.config, unseen=task.unseen, **parts))

    def _learn_from_parts(
        self, known: Interactions, parts: Mapping[str, pl.DataFrame]
    ) -> dict[str, pl.DataFrame]:
        """Nothing: what the parts learned is all there is."""
        return {}

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """See the class; products that no part speaks for share the last place."""
        rows = one_training(artefact, self.artefact)
        counting = [
            (model.load(self.part_rows(rows, name)), weight)
            for (name, model), weight in zip(
                self.part_models.items(), self.config.weights, strict=True
            )
            if weight > 0
        ]
        known = rows.filter(pl.col("part") == Popularity.name)["product_id"]
        products = Products(known.unique().sort())

        def scorer(users: Sequence[str], histories: Histories) -> Scorer:
            scorers = [
                (aligned(loaded(users, histories), products.ids), weight)
                for loaded, weight in counting
            ]
            history = histories.sequences(users, products)

            def scores_of(block: slice) -> NDArray[np.float64]:
                first, end, _ = block.indices(len(users))
                entries = slice(history.starts[first], history.starts[end])
                total = np.zeros((end - first, len(products)))
                for part, weight in scorers:
                    scores = part.scores_of(block).astype(np.float64)
                    if self.config.unseen:
                        scores[history.owners[entries] - first, history.items[entries]] = 0.0
                    total += weight * self.config.comparable(scores)
                return total

            return Scorer(products.ids, scores_of)

        return scorer
