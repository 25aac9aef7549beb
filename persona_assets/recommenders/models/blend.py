"""Blending: a weighted sum of several models' scores.

Belongs here: the model and its artefact, which holds those of its parts. Does not belong here:
the parts, or making their scores comparable (`rank_fusion.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import UserError
from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.als import ALS, ALSConfig
from persona_assets.recommenders.models.directional import Directional, DirectionalConfig
from persona_assets.recommenders.models.popularity import Popularity, PopularityConfig
from persona_assets.recommenders.models.user_knn import UserKNN, UserKNNConfig
from persona_assets.recommenders.protocol import (
    Config,
    Recommender,
    SideInformation,
    Space,
    Task,
    may_be_zero,
)
from persona_assets.recommenders.ranking import Scorer
from persona_assets.recommenders.sequences import sequences
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
    def models(self) -> tuple[Recommender, ...]:
        """The parts, in the order of `Blend.parts`."""
        return (
            Directional(self.directional),
            UserKNN(self.user_knn),
            ALS(self.als),
            Popularity(self.popularity),
        )

    @property
    def weights(self) -> tuple[float, ...]:
        """How much each of `models` counts."""
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
class Blend(Recommender):
    """A weighted sum of what sequences, similar people, latent factors and popularity say.

    score(u, j) = Σ_m weight_m · comparable_m(u, j) over the parts. A part that says nothing good of
    a product (a score of 0 or less) adds nothing. Time and memory are those of the parts.
    """

    config: BlendConfig = field(default_factory=BlendConfig)
    name: ClassVar[str] = "blend"
    artefact: ClassVar[Table] = BLEND_MODEL
    folds_in: ClassVar[bool] = True
    needs_history: ClassVar[bool] = True
    parts: ClassVar[tuple[str, ...]] = ("directional", "user_knn", "als", "popularity")
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
        parts = {model.name: model.for_task(task).config for model in self.config.models}
        return Blend(replace(self.config, unseen=task.unseen, **parts))

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/blend_model` without their cut-off; see `Recommender.fit`."""
        rows = [
            model.fit(known, side_information=side_information)
            .with_row_index("row")
            .with_columns(part=pl.lit(model.name))
            for model in self.config.models
        ]
        return pl.concat(rows, how="diagonal").select(
            # Readers ask every artefact whose row it is; see `artefact.by_user`.
            (pl.col(name).fill_null("") if name == "entity" else pl.col(name)).cast(kind)
            for name, kind in self.artefact.polars_schema.items()
        )

    def scorer(
        self, artefact: pl.DataFrame, users: Sequence[str], *, histories: pl.DataFrame
    ) -> Scorer:
        """See the class; products that no part speaks for share the last place."""
        rows = one_training(artefact, self.artefact)
        scorers = [
            model.scorer(_part(rows, model), users, histories=histories)
            for model in self.config.models
        ]
        products = pl.concat([scorer.products for scorer in scorers]).unique().sort()
        codes = pl.Enum(products)
        columns = [scorer.products.cast(codes).to_physical().to_numpy() for scorer in scorers]
        history = sequences(histories, users=users, products=products)

        def scores_of(block: slice) -> NDArray[np.float64]:
            first, end, _ = block.indices(len(users))
            entries = slice(history.starts[first], history.starts[end])
            total = np.zeros((end - first, len(products)))
            for scorer, column, weight in zip(scorers, columns, self.config.weights, strict=True):
                if weight == 0:
                    continue
                scores = np.zeros_like(total)
                scores[:, column] = scorer.scores_of(block)
                if self.config.unseen:
                    scores[history.owners[entries] - first, history.items[entries]] = 0.0
                total += weight * self.config.comparable(scores)
            return total

        return Scorer(products, scores_of)


def _part(rows: pl.DataFrame, model: Recommender) -> pl.DataFrame:
    """The artefact of a part, as its `fit` made it."""
    return (
        rows.filter(pl.col("part") == model.name)
        .sort("row")
        .select(model.artefact.polars_schema.names())
    )
