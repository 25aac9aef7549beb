"""The inputs of a ranker at one instant: candidates, statistics and features from known rows.

Belongs here: putting candidates and features together for some users, in training and in scoring
alike. Does not belong here: which instants there are (`snapshots.py`) or how a ranker learns
(`lambdarank.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.candidates import Candidates, FirstStage
from persona_assets.recommenders.directions import directions
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.lambdarank import Examples
from persona_assets.recommenders.models.als import ALS, ALSConfig
from persona_assets.recommenders.models.directional import Directional, DirectionalConfig
from persona_assets.recommenders.models.user_knn import UserKNN, UserKNNConfig, sequence_rows
from persona_assets.recommenders.ranking_features import (
    FEATURES,
    PairStatistics,
    features,
    pair_statistics,
)
from persona_assets.recommenders.score_blocks import of_each_block
from persona_assets.recommenders.sequences import Sequences, sequences
from persona_assets.recommenders.snapshots import Snapshot


@dataclass(frozen=True)
class View:
    """Configuration of a ranker's candidates and features.

    Attributes:
        directional: configuration of one first model.
        user_knn: configuration of another.
        als: configuration of the third.
        candidates: per user.
        target_weight: weight from which an event counts; 0: every interaction.
        unseen: whether products of the history are no candidates.
        barred_weight: weight from which an event of the history alone bars its product; 0: none.
        timely: whether the task has a horizon, so that features of time are meaningful.
    """

    directional: DirectionalConfig
    user_knn: UserKNNConfig
    als: ALSConfig
    candidates: int
    target_weight: float
    unseen: bool
    barred_weight: float
    timely: bool

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of features that this task uses."""
        without = {"own"} if self.unseen else set()
        if not self.timely:
            without.add("recency")
        return tuple(group for group in FEATURES if group not in without)

    @property
    def feature_names(self) -> list[str]:
        """Names of the columns of `Instant.values`."""
        return [name for group in self.groups for name in FEATURES[group]]


@dataclass(frozen=True)
class Instant:
    """What is known at one instant, for the users to rank for.

    Attributes:
        view: how it is looked at.
        products: `product_id` of each product code.
        popularity: (products,) users who interacted with each.
        history: of the users to rank for.
        first_stage: proposes their candidates.
        statistics: of products and their pairs.
    """

    view: View
    products: pl.Series
    popularity: NDArray[np.int64]
    history: Sequences
    first_stage: FirstStage
    statistics: PairStatistics

    @classmethod
    def of(
        cls, view: View, known: pl.DataFrame, users: Sequence[str], histories: pl.DataFrame
    ) -> "Instant":
        """The instant at which `known` was known.

        Args:
            view: how to look at it.
            known: rows of `HISTORY_SCHEMA`, at least one of positive weight.
            users: whom to rank for.
            histories: rows of the same kind, known of these users.
        """
        log = sequences(known)
        history = sequences(histories, users=users, products=log.products)
        config = view.directional
        popularity = log.popularity
        # First interactions, as the artefact remembers them: in training and in scoring alike.
        directional, als = Directional(config), ALS(view.als)
        learned = directional.learned_from(log)
        factors = als.fit(Interactions.whole(sequence_rows(log)))
        scorers = (
            directional.scorer_of(learned, history),
            UserKNN(view.user_knn).scorer_of(log, history),
            als.scorer(factors, users, histories=sequence_rows(history)),
        )
        barred = (
            np.ones(len(history.items), dtype=bool)
            if view.unseen
            else history.strengths >= view.barred_weight
            if view.barred_weight > 0
            else np.zeros(len(history.items), dtype=bool)
        )
        return cls(
            view,
            log.products,
            popularity,
            history,
            FirstStage(history, scorers, view.candidates, barred),
            pair_statistics(
                log,
                directional=learned.scores,
                window=config.window,
                damping=(
                    np.power(popularity + float(config.source_shrinkage), -config.source_damping),
                    np.power(popularity + 1.0, -config.target_damping),
                ),
                neighbours=config.neighbours,
                embeddings=directions(factors),
            ),
        )

    def values(self, candidates: Candidates, block: slice) -> NDArray[np.float32]:
        """(candidates × features): see `ranking_features.features`."""
        return features(
            candidates,
            self.history,
            block,
            self.statistics,
            self.view.groups,
            self.view.directional.history_decay,
        )


def examples(view: View, snapshot: Snapshot) -> Examples:
    """What a ranker can learn from a snapshot: the users with a label among their candidates.

    Nothing but `snapshot.known` enters candidates and features.
    """
    users = snapshot.labels["user_id"].unique().sort()
    instant = Instant.of(view, snapshot.known, users.to_list(), snapshot.known)
    numbers = pl.DataFrame({"user_id": users}).with_row_index("user")
    codes = pl.DataFrame({"product_id": instant.products}).with_row_index("item")
    labels = snapshot.labels.join(numbers, on="user_id").join(codes, on="product_id")
    products = len(instant.products)
    answers = np.sort(
        labels["user"].cast(pl.Int64).to_numpy() * products
        + labels["item"].cast(pl.Int64).to_numpy()
    )

    def part(block: slice) -> tuple[NDArray[Any], ...]:
        found = instant.first_stage.candidates(block)
        sizes = np.diff(found.starts)
        lists = np.repeat(np.arange(len(sizes)), sizes)
        right = np.isin((lists + block.start) * products + found.items, answers)
        answered = np.bincount(lists[right], minlength=len(sizes)) > 0
        found, right = found.of(answered), right[answered[lists]]
        return instant.values(found, block), right, sizes[answered], found.ranks

    parts = of_each_block(part, len(users), products)
    values, right, sizes, ranks = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Examples(values, right, sizes).in_canonical_order(ranks)
