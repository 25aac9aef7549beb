"""The inputs of a ranker at one instant: candidates, statistics and features from known rows.

Belongs here: the models of the first stage, and putting candidates and features together for some
users, in training and in scoring alike. Does not belong here: which instants there are
(`snapshots.py`) or how a ranker learns (`lambdarank.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.candidates import Candidates, FirstStage
from persona_assets.recommenders.composite import aligned
from persona_assets.recommenders.directions import directions
from persona_assets.recommenders.histories import Histories, HistoryRows, Products
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.lambdarank import Examples
from persona_assets.recommenders.models.als import ALS, ALSConfig
from persona_assets.recommenders.models.directional import Directional, DirectionalConfig
from persona_assets.recommenders.models.user_knn import UserKNN, UserKNNConfig
from persona_assets.recommenders.neighbours import Neighbours
from persona_assets.recommenders.protocol import Loaded
from persona_assets.recommenders.ranking import Scorer
from persona_assets.recommenders.ranking_features import (
    FEATURES,
    PairCounts,
    PairStatistics,
    features,
    pair_statistics,
)
from persona_assets.recommenders.score_blocks import of_each_block
from persona_assets.recommenders.sequences import Sequences, sequences
from persona_assets.recommenders.snapshots import Snapshot
from persona_assets.tables.models import COUNTED

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


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
class FirstModels:
    """The models of the first stage as learned at one instant, and statistics of the same rows.

    Attributes:
        view: how an instant is looked at.
        log: the sequences that `user_knn` remembers.
        directional_scorer: scores of `directional` of the users of some histories.
        user_knn_scorer: the same of `user_knn`.
        als: the loaded model.
        counts: of the pairs in the sequences.
        statistics: of products and their pairs.
    """

    view: View
    log: Sequences
    directional_scorer: Callable[[Sequences], Scorer]
    user_knn_scorer: Callable[[Sequences], Scorer]
    als: Loaded
    counts: PairCounts
    statistics: PairStatistics

    @cached_property
    def products(self) -> Products:
        """The products of the sequences, in whose codes everything is."""
        return Products(self.log.products)

    @classmethod
    def of_rows(cls, view: View, known: pl.DataFrame) -> "FirstModels":
        """Learned here from rows known at a past instant, at least one of positive weight."""
        interactions = Interactions.whole(known)
        models = (Directional(view.directional), UserKNN(view.user_knn), ALS(view.als))
        return cls.of_artefacts(view, {each.name: each.fit(interactions) for each in models})

    @classmethod
    def of_artefacts(
        cls,
        view: View,
        parts: Mapping[str, pl.DataFrame],
        *,
        pairs: Mapping[str, pl.DataFrame] | None = None,
    ) -> "FirstModels":
        """Read from artefacts.

        Args:
            view: how the instant is looked at.
            parts: name → artefact of the models of the first stage, of one cut-off.
            pairs: rows of `pairs_as_rows`; None: counted here.
        """
        config = view.directional
        directional, user_knn, als = Directional(config), UserKNN(view.user_knn), ALS(view.als)
        log = sequences(parts[user_knn.name])
        learned = Neighbours.from_artefact(parts[directional.name], directional.artefact)
        learned = learned.among(log.products)
        popularity = log.popularity
        counts = (
            PairCounts(*(_matrix(pairs[name], log.products) for name in COUNTED))
            if pairs is not None
            else PairCounts.of(log, window=config.window, neighbours=config.neighbours)
        )
        factors = parts[als.name]
        return cls(
            view,
            log,
            lambda history: directional.scorer_of(learned, history),
            user_knn.remembering(log),
            als.load(factors),
            counts,
            pair_statistics(
                log,
                counts,
                directional=learned.scores,
                damping=(
                    np.power(popularity + float(config.source_shrinkage), -config.source_damping),
                    np.power(popularity + 1.0, -config.target_damping),
                ),
                embeddings=directions(factors, log.products),
            ),
        )

    def pairs_as_rows(self) -> dict[str, pl.DataFrame]:
        """The counts of pairs as rows of the artefact, by names of `COUNTED`."""
        return {
            name: _rows(matrix, self.log.products)
            for name, matrix in zip(
                COUNTED, (self.counts.together, self.counts.forward), strict=True
            )
        }


@dataclass(frozen=True)
class Instant:
    """What is known at one instant, for the users to rank for.

    Attributes:
        models: learned from what is known then.
        history: of the users to rank for.
        first_stage: proposes their candidates.
    """

    models: FirstModels
    history: Sequences
    first_stage: FirstStage

    @classmethod
    def of(cls, models: FirstModels, users: Sequence[str], histories: Histories) -> "Instant":
        """The instant at which `models` were learned.

        Args:
            models: of the first stage.
            users: whom to rank for.
            histories: known of these users.
        """
        view, log = models.view, models.log
        history = histories.sequences(users, models.products)
        scorers = (
            models.directional_scorer(history),
            models.user_knn_scorer(history),
            aligned(models.als(users, histories), log.products),
        )
        barred = (
            np.ones(len(history.items), dtype=bool)
            if view.unseen
            else history.strengths >= view.barred_weight
            if view.barred_weight > 0
            else np.zeros(len(history.items), dtype=bool)
        )
        return cls(models, history, FirstStage(history, scorers, view.candidates, barred))

    def values(self, candidates: Candidates, block: slice) -> NDArray[np.float32]:
        """(candidates × features): see `ranking_features.features`."""
        return features(
            candidates,
            self.history,
            block,
            self.models.statistics,
            self.models.view.groups,
            self.models.view.directional.history_decay,
        )


def examples(view: View, snapshot: Snapshot) -> Examples:
    """What a ranker can learn from a snapshot: the users with a label among their candidates.

    Nothing but `snapshot.known` enters candidates and features.
    """
    users = snapshot.labels["user_id"].unique().sort()
    models = FirstModels.of_rows(view, snapshot.known)
    instant = Instant.of(models, users.to_list(), HistoryRows(snapshot.known))
    numbers = pl.DataFrame({"user_id": users}).with_row_index("user")
    codes = pl.DataFrame({"product_id": models.log.products}).with_row_index("item")
    labels = snapshot.labels.join(numbers, on="user_id").join(codes, on="product_id")
    products = len(models.log.products)
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


def _rows(matrix: "csr_matrix", products: pl.Series) -> pl.DataFrame:
    pairs = matrix.tocoo()
    return pl.DataFrame(
        {
            "product_id": products.gather(pairs.row),
            "neighbour_id": products.gather(pairs.col),
            "score": pairs.data,
        }
    )


def _matrix(rows: pl.DataFrame, products: pl.Series) -> "csr_matrix":
    """What `_rows` laid out."""
    from scipy.sparse import coo_matrix

    codes = rows.select(pl.col("product_id", "neighbour_id").cast(pl.Enum(products)).to_physical())
    matrix = coo_matrix(
        (rows["score"].to_numpy(), (codes["product_id"], codes["neighbour_id"])),
        shape=(len(products), len(products)),
    ).tocsr()
    matrix.sort_indices()
    return matrix
