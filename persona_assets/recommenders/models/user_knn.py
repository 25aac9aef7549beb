"""User kNN over sequences: what similar users chose just after the products they share.

Belongs here: the model. Does not belong here: finding similar users (`user_similarity.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.histories import Products
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.protocol import (
    Config,
    Loaded,
    Recommender,
    SideInformation,
    Space,
    may_be_zero,
)
from persona_assets.recommenders.ranking import Scorer
from persona_assets.recommenders.sequences import HISTORY_SCHEMA, Sequences, sequences
from persona_assets.tables import Table
from persona_assets.tables.models import USER_KNN_MODEL

if TYPE_CHECKING:
    from persona_assets.recommenders.user_similarity import Nearness, Recent


@dataclass(frozen=True)
class UserKNNConfig(Config):
    """Configuration of `UserKNN`.

    Attributes:
        neighbours: see `user_similarity.Nearness`, as the next five.
        forward_decay: how fast what came after the shared product counts less with distance.
        backward_share: what the product just before counts, the one just after counting 1.
        backward_decay: how fast what came before counts less with distance.
        time_decay: exponent of the time from the shared product; 0: time does not matter.
        time_unit_hours: time at which that factor has fallen to 2^−time_decay [h].
        window: instants of the history that similar users are looked for by.
        history_decay: what sharing each earlier instant counts, the next one counting 1.
        emphasis: exponent of the event weight in the history; 0: a view counts like a purchase.
        length_damping: exponent by which users who interacted with much count less.
        source_damping: exponent by which sharing frequent products counts less.
        source_shrinkage: users added to a product's frequency there.
        target_damping: exponent by which frequent products are recommended less.
    """

    neighbours: int = 300
    forward_decay: float = may_be_zero(0.7)
    backward_share: float = may_be_zero(0.35)
    backward_decay: float = may_be_zero(1.2)
    time_decay: float = may_be_zero(0.0)
    time_unit_hours: float = 1.0
    window: int = 50
    history_decay: float = 0.6
    emphasis: float = may_be_zero(1.0)
    length_damping: float = may_be_zero(0.1)
    source_damping: float = may_be_zero(0.4)
    source_shrinkage: float = may_be_zero(20.0)
    target_damping: float = may_be_zero(0.1)

    @property
    def nearness(self) -> "Nearness":
        """How much an entry of a neighbour counts."""
        from persona_assets.recommenders.user_similarity import Nearness

        return Nearness(
            self.neighbours,
            self.forward_decay,
            self.backward_share,
            self.backward_decay,
            self.time_decay,
            self.time_unit_hours,
        )

    def recent(self, history: Sequences, log: Sequences, numbers: Mapping[str, int]) -> "Recent":
        """Histories, in the product codes of `log`, by what sharing each product counts."""
        from persona_assets.recommenders.user_similarity import recent

        damped = (log.popularity + float(self.source_shrinkage)) ** -self.source_damping
        weights = (
            self.history_decay**history.ages
            * history.strengths**self.emphasis
            * damped[history.items]
        )
        return recent(history, weights, window=self.window, numbers=numbers)


@dataclass(frozen=True)
class UserKNN(Recommender):
    """Position-anchored user kNN: what similar users chose just after, and before, shared products.

    sim(u, v) = |v|^−λ Σ_{i in both} history_decay^age_u(i) · weight^emphasis · (pop_i + s)^−σ;
    score(u, j) = (pop_j + 1)^−τ Σ_v sim(u, v) · f(δ) over the most similar users v, δ from v's
    position of the latest product that u shares with v to v's position of j. Of baskets, whose
    products share an instant, the one latest in v is meant. Nobody is similar to themselves.

    The artefact is what is remembered. Training is linear in the rows; scoring a user visits the
    holders of the products in the window, and the sequences of the neighbours.
    """

    config: UserKNNConfig = field(default_factory=UserKNNConfig)
    name: ClassVar[str] = "user_knn"
    artefact: ClassVar[Table] = USER_KNN_MODEL
    folds_in: ClassVar[bool] = True
    needs_history: ClassVar[bool] = True
    space: ClassVar[Space] = {
        "time_decay": (0.0, 0.5, 1.0, 1.7),
        "history_decay": (0.6, 0.4, 0.8, 0.9, 1.0),
        "emphasis": (1.0, 0.0, 0.5, 1.5),
        "neighbours": (300, 100, 1_000),
        "source_damping": (0.4, 0.2, 0.6, 0.8),
        "forward_decay": (0.7, 0.4, 1.0, 1.4),
        "backward_share": (0.35, 0.0, 0.7, 1.0),
        "backward_decay": (1.2, 0.6, 1.8),
        "target_damping": (0.1, 0.0, 0.2, 0.35),
        "length_damping": (0.1, 0.0, 0.3, 0.5),
        "source_shrinkage": (20.0, 5.0, 0.0),
    }
    scoring_only: ClassVar[frozenset[str]] = frozenset(
        {
            "neighbours",
            "forward_decay",
            "backward_share",
            "backward_decay",
            "time_decay",
            "time_unit_hours",
            "window",
            "history_decay",
            "emphasis",
            "length_damping",
            "source_damping",
            "source_shrinkage",
            "target_damping",
        }
    )

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/user_knn_model` without their cut-off; see `Recommender.fit`."""
        log = known.sequences
        return sequence_rows(log)

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """See the class; products that no neighbour interacted with follow by popularity."""
        log = sequences(one_training(artefact, self.artefact))
        products, scorer_of = Products(log.products), self.remembering(log)
        return lambda users, histories: scorer_of(histories.sequences(users, products))

    def remembering(self, log: Sequences) -> Callable[[Sequences], Scorer]:
        """What gives the scores of a history's users, its product codes being those of `log`."""
        from persona_assets.recommenders.user_similarity import anchored_scores, memory_of

        memory = memory_of(log, self.config.length_damping)
        nearness = self.config.nearness
        popularity = log.popularity
        target = (popularity + 1.0) ** -self.config.target_damping
        unscored = -1.0 / (1.0 + popularity)
        # Once: of all users, for each of whom a list may be asked for.
        numbers = {user: number for number, user in enumerate(log.users.to_list())}

        def scorer(history: Sequences) -> Scorer:
            mine = self.config.recent(history, log, numbers)

            def scores_of(block: slice) -> NDArray[np.float64]:
                scores = anchored_scores(memory, mine, nearness, block, len(log.products)) * target
                return np.where(scores > 0, scores, unscored)

            return Scorer(log.products, scores_of)

        return scorer


def sequence_rows(log: Sequences) -> pl.DataFrame:
    """The sequences as rows of `HISTORY_SCHEMA`, from which `sequences` makes the same again."""
    return pl.DataFrame(
        {
            "user_id": log.users.gather(log.owners),
            "product_id": log.products.gather(log.items),
            "event_ts": pl.Series((log.times * 1e6).round().astype(np.int64)).cast(
                pl.Datetime("us", "UTC")
            ),
            "weight": log.strengths,
        },
        schema=HISTORY_SCHEMA,
    )
