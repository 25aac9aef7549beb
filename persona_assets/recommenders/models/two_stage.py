"""Two stages: candidates from sequence models, ranked by gradient-boosted trees.

Belongs here: the model. Does not belong here: what it has in common with other models that are made
of models (`composite.py`), candidates (`candidates.py`), features (`ranking_features.py`), training
examples (`snapshots.py`) or LightGBM (`lambdarank.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError, UserError
from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.composite import CompositeRecommender, own_rows
from persona_assets.recommenders.histories import Histories
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.als import ALS, ALSConfig
from persona_assets.recommenders.models.directional import Directional, DirectionalConfig
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
from persona_assets.recommenders.snapshots import Goal, snapshots
from persona_assets.recommenders.trees import Trees
from persona_assets.tables import Table
from persona_assets.tables.models import COUNTED, RANKER, TWO_STAGE_MODEL

if TYPE_CHECKING:
    from persona_assets.recommenders.lambdarank import Boosting, Examples
    from persona_assets.recommenders.ranking_task import View

ORDERS = (RANKER, "directional", "user_knn")
MOST_SNAPSHOTS = 5
"""Older instants tell of other habits, and statistics before them of less."""


@dataclass(frozen=True)
class TwoStageConfig(Config):
    """Configuration of `TwoStage`.

    Attributes:
        directional: configuration of one model of the first stage.
        user_knn: configuration of another.
        als: configuration of the third.
        candidates: products per user that are ranked.
        snapshots: instants of the past that the ranker learns from at least; more, up to
            `MOST_SNAPSHOTS`, while it has fewer than `lists`.
        lists: with an answer among the candidates. With about 30 features, more than 4,000 move no
            metric by what users can tell apart.
        rounds: trees.
        learning_rate: by how much each tree corrects the ones before.
        leaves: of a tree.
        truncation: rank down to which the ranker learns order.
        horizon_days: how long after an instant an interaction is the right answer [d]; 0: the
            user's next interaction is, whenever.
        target_weight: weight from which an event counts as an answer; 0: every interaction.
        unseen: whether what the user interacted with before is no answer.
        heaviest_barred: whether what the user reached by an event of the heaviest weight there is
            is no answer.
        order: whose order lists have: `ranker`, or that of a part alone, for data on which the
            trees do not pay for themselves.

    Raises:
        UserError: a number is out of its range, or `order` is unknown.
    """

    directional: DirectionalConfig = field(default_factory=DirectionalConfig)
    user_knn: UserKNNConfig = field(default_factory=UserKNNConfig)
    als: ALSConfig = field(default_factory=ALSConfig)
    candidates: int = 100
    snapshots: int = 2
    lists: int = 4_000
    rounds: int = 150
    learning_rate: float = 0.05
    leaves: int = 31
    truncation: int = 30
    horizon_days: float = may_be_zero(0.0)
    target_weight: float = may_be_zero(0.0)
    unseen: bool = True
    heaviest_barred: bool = False
    order: str = RANKER

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order not in ORDERS:
            raise UserError(
                f"TwoStageConfig.order must be one of {', '.join(ORDERS)}; got {self.order!r}; "
                "pass one of these"
            )

    def barred_weight(self, known: pl.DataFrame) -> float:
        """Weight from which an event bars its product; 0: none does."""
        return known.select(pl.col("weight").max()).item() if self.heaviest_barred else 0.0

    def view(self, barred_weight: float = 0.0) -> "View":
        """How the ranker looks at an instant."""
        from persona_assets.recommenders.ranking_task import View

        return View(
            self.directional,
            self.user_knn,
            self.als,
            self.candidates,
            self.target_weight,
            self.unseen,
            barred_weight,
            self.horizon_days > 0,
        )

    def goal(self, barred_weight: float = 0.0) -> Goal:
        """What makes a product the right answer."""
        horizon = timedelta(days=self.horizon_days) if self.horizon_days > 0 else None
        return Goal(horizon, self.target_weight, self.unseen, barred_weight)

    @property
    def boosting(self) -> "Boosting":
        """How the trees are grown."""
        from persona_assets.recommenders.lambdarank import Boosting

        return Boosting(self.rounds, self.learning_rate, self.leaves, self.truncation, self.seed)


@dataclass(frozen=True)
class TwoStage(CompositeRecommender):
    """Candidates of `directional`, `user_knn` and `als`, ranked by LightGBM on features of pairs.

    The candidates are the best by the sum of the models' scores, each divided by the user's best.
    The ranker is trained at earlier instants, each with first stage, statistics and histories from
    nothing but what was known then (`snapshots.py`). Without a single label among the candidates
    there is no ranker, and the order is that of the first stage. Validation decides (`space`)
    whether the ranker orders lists or the better part alone.

    Its features are point in time like those of `feature_store`, but counted anew from the rows
    known at each instant: an instant lies where a user's next interaction is (or a horizon back
    from the newest row), not at midnight, where the snapshots of the feature store lie; and pairs
    of products, which the gain is in, have no columns there.

    At the cut-off the parts are the artefacts of those models. Training learns the parts of each
    snapshot, scores (users × products) of its users, and grows trees over (users × candidates ×
    features). Scoring trains and counts nothing. A block of users is held in memory at a time, and
    the features of all examples.
    """

    config: TwoStageConfig = field(default_factory=TwoStageConfig)
    name: ClassVar[str] = "two_stage"
    artefact: ClassVar[Table] = TWO_STAGE_MODEL
    folds_in: ClassVar[bool] = True
    needs_history: ClassVar[bool] = True
    part_types: ClassVar[tuple[type[Recommender], ...]] = (Directional, UserKNN, ALS)
    parts: ClassVar[tuple[str, ...]] = tuple(part.name for part in part_types)
    # ALS is one score among three; searching its parameters takes longer than it brings.
    searched_parts: ClassVar[tuple[str, ...]] = ("directional", "user_knn")
    space: ClassVar[Space] = {"order": ORDERS}

    def for_task(self, task: Task) -> "TwoStage":
        """The same model, whose ranker learns from labels like those it will be evaluated on."""
        days = task.horizon / timedelta(days=1) if task.horizon is not None else 0.0
        return TwoStage(
            replace(
                self.config,
                horizon_days=days,
                target_weight=task.target_weight,
                unseen=task.unseen,
                heaviest_barred=task.heaviest_barred,
            )
        )

    def _learn_from_parts(
        self, known: Interactions, parts: Mapping[str, pl.DataFrame]
    ) -> dict[str, pl.DataFrame]:
        """The ranker's text, and the counts of pairs that its features are made of."""
        lines = self._ranker(known).splitlines()
        if not lines:
            return {}
        from persona_assets.recommenders.ranking_task import FirstModels

        counts = FirstModels.of_artefacts(self.config.view(), parts).pairs_as_rows()
        return {RANKER: pl.DataFrame({"text": lines}), **counts}

    def _ranker(self, known: Interactions) -> str:
        """LightGBM's text, or none at all if there is nothing to learn from, or no use for it.

        Past instants are part of this training: no asset keeps their parts.
        """
        if self.config.order != RANKER:
            return ""
        from persona_assets.recommenders.lambdarank import joined, train
        from persona_assets.recommenders.ranking_task import examples

        barred = self.config.barred_weight(known.positive)
        view = self.config.view(barred)
        parts: list[Examples] = []
        for snapshot in snapshots(known.rows, self.config.goal(barred), MOST_SNAPSHOTS):
            parts.append(examples(view, snapshot))
            lists = sum(len(part.sizes) for part in parts)
            if len(parts) >= self.config.snapshots and lists >= self.config.lists:
                break
        if not any(len(part.sizes) for part in parts):
            return ""
        return train(joined(parts), view.feature_names, self.config.boosting)

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """See the class; below the candidates, all others in the order of the first stage."""
        from persona_assets.recommenders.ranking_task import FirstModels, Instant

        rows = one_training(artefact, self.artefact)
        if self.config.order != RANKER:
            part = self.part_models[self.config.order]
            return part.load(self.part_rows(rows, part.name))
        view = self.config.view(self.config.barred_weight(own_rows(rows, UserKNN.name)))
        ranker = self._trained(rows, view)
        models = FirstModels.of_artefacts(
            view,
            {name: self.part_rows(rows, name) for name in self.parts},
            pairs={name: own_rows(rows, name) for name in COUNTED},
        )

        def scorer(users: Sequence[str], histories: Histories) -> Scorer:
            instant = Instant.of(models, users, histories)
            # Fused scores are at most the number of models: those below the candidates lie in
            # (−lowest, −1], those that no model speaks for below.
            lowest = 1.0 + instant.first_stage.models
            unscored = -lowest - 1.0 / (1.0 + models.log.popularity)

            def scores_of(block: slice) -> NDArray[np.float64]:
                found = instant.first_stage.candidates(block)
                scores = np.where(
                    found.fused > 0, found.fused.astype(np.float64) - lowest, unscored
                )
                if ranker is not None:
                    values = ranker.scores(instant.values(found, block))
                    lists = np.repeat(np.arange(len(found.starts) - 1), np.diff(found.starts))
                    # Monotone, and within (-1, 1): above all that is not ranked.
                    scores[lists, found.items] = values / (1.0 + np.abs(values))
                return scores

            return Scorer(models.log.products, scores_of)

        return scorer

    def _trained(self, rows: pl.DataFrame, view: "View") -> Trees | None:
        """The ranker in an artefact, if it has one.

        Raises:
            DataError: it looks at other features than `view`.
        """
        lines = own_rows(rows, RANKER)["text"].to_list()
        if not lines:
            return None
        ranker = Trees.read("\n".join(lines))
        if ranker.features != view.feature_names:
            raise DataError(
                f"{self.artefact.path} was trained for another task: its ranker looks at "
                f"{len(ranker.features)} features, this configuration at "
                f"{len(view.feature_names)}; materialize it again, or ask with the configuration "
                "that it was trained with"
            )
        return ranker
