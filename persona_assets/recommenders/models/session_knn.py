"""Session kNN: what was interacted with in past sessions like the present one.

Belongs here: the model. Does not belong here: which rows form a session (`visits.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import UserError
from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.histories import Histories, Products
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.neighbours import strongest
from persona_assets.recommenders.popularity_fallback import popular_last
from persona_assets.recommenders.protocol import (
    Config,
    Loaded,
    Recommender,
    SideInformation,
    Space,
    may_be_zero,
)
from persona_assets.recommenders.ranking import Scorer
from persona_assets.recommenders.sequences import Sequences, sequences
from persona_assets.recommenders.similarity import latest
from persona_assets.recommenders.visits import in_visits
from persona_assets.tables import Table
from persona_assets.tables.models import SESSION_KNN_MODEL

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

UNITS = ("visit", "person")


@dataclass(frozen=True)
class SessionKNNConfig(Config):
    """Configuration of `SessionKNN`.

    Attributes:
        unit: what is compared: `visit`, a session as in `visits.in_visits`; `person`: everything
            that a person interacted with.
        gap_minutes: silence that ends a visit, where rows do not tell sessions [min].
        recent: sessions in which each product is looked up, the latest.
        longest: latest products of a history that are looked up.
        neighbours: sessions that speak for each person, and those as similar as the last of them.
        history_decay: what each earlier instant of the history counts, the next one counting 1.
        emphasis: exponent of the event weight in the history.
        length_damping: exponent by which long sessions count less; .5 is the cosine.
        source_damping: exponent by which frequent products of the history count less.
        target_damping: exponent by which frequent products are recommended less.
    """

    unit: str = "visit"
    gap_minutes: float = 30.0
    recent: int = 1_000
    longest: int = 50
    neighbours: int = 500
    history_decay: float = 0.7
    emphasis: float = may_be_zero(0.5)
    length_damping: float = may_be_zero(0.5)
    source_damping: float = may_be_zero(0.5)
    target_damping: float = may_be_zero(0.1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.unit not in UNITS:
            raise UserError(
                f"SessionKNNConfig.unit must be one of {', '.join(UNITS)}; "
                f"got {self.unit!r}; pass one of these"
            )


@dataclass(frozen=True)
class SessionKNN(Recommender):
    """Vector multiplication session kNN: score(u, j) = (n_j + 1)^−τ Σ_s sim(u, s) · [j in s].

    sim(u, s) = |s|^−δ Σ_i w_ui · n_i^−σ over the products i in both, w_ui = history_decay^age ·
    weight^emphasis, n_i the sessions with i; the sum runs over the most similar sessions (V-SKNN:
    Ludewig and Jannach 2018, "Evaluation of session-based recommendation algorithms", section
    3.2.3, with an exponential for its linear decay). Sessions of one product speak for nothing.
    Training sorts the rows; the artefact holds each product of each session. Scoring takes time in
    proportion to people · longest · recent.
    """

    config: SessionKNNConfig = field(default_factory=SessionKNNConfig)
    name: ClassVar[str] = "session_knn"
    artefact: ClassVar[Table] = SESSION_KNN_MODEL
    folds_in: ClassVar[bool] = True
    needs_history: ClassVar[bool] = True
    space: ClassVar[Space] = {
        "unit": ("visit", "person"),
        "history_decay": (0.7, 0.5, 0.85, 1.0),
        "emphasis": (0.5, 0.0, 1.0),
        "source_damping": (0.5, 0.0, 0.25, 0.75),
        "length_damping": (0.5, 0.25, 0.75),
        "target_damping": (0.1, 0.0, 0.3),
        "neighbours": (500, 100),
    }
    scoring_only: ClassVar[frozenset[str]] = frozenset(
        {
            "recent",
            "longest",
            "neighbours",
            "history_decay",
            "emphasis",
            "length_damping",
            "source_damping",
            "target_damping",
        }
    )

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/session_knn_model` without their cut-off; see `Recommender.fit`."""
        rows = known.positive
        if self.config.unit == "visit":
            rows = in_visits(rows, gap_minutes=self.config.gap_minutes)
        return (
            rows.group_by("user_id", "product_id")
            .agg(pl.col("event_ts").min(), pl.col("weight").max())
            .select(
                pl.col("user_id").alias("session_id"),
                "product_id",
                "event_ts",
                "weight",
            )
        )

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """See the class; people without history get the popular products."""
        config = self.config
        past = sequences(one_training(artefact, self.artefact).rename({"session_id": "user_id"}))
        session_counts = past.popularity.astype(np.float64)
        contents = _matrix(past, np.ones(len(past.items)))
        lookup = _lookup(past, recent=config.recent, length_damping=config.length_damping)
        products = Products(past.products)
        factor = (session_counts + 1) ** -config.target_damping

        def scorer(users: Sequence[str], histories: Histories) -> Scorer:
            history = latest(histories.sequences(users, products), config.longest)
            weights = (
                config.history_decay**history.ages
                * history.strengths**config.emphasis
                * np.maximum(session_counts[history.items], 1.0) ** -config.source_damping
            )
            present = _matrix(history, weights)

            def scores_of(block: slice) -> NDArray[np.floating[Any]]:
                similar = (present[block] @ lookup).tocsr()
                # Sums of the same numbers in another order must stay equal.
                similar.data = similar.data.astype(np.float32).astype(np.float64)
                near = strongest(similar, config.neighbours)
                return popular_last((near @ contents).toarray() * factor, session_counts)

            return Scorer(past.products, scores_of)

        return scorer


def _matrix(log: Sequences, values: NDArray[np.float64]) -> "csr_matrix":
    """(users × products) with a value per entry."""
    from scipy.sparse import csr_matrix

    return csr_matrix((values, log.items, log.starts), shape=(len(log.users), len(log.products)))


def _lookup(past: Sequences, *, recent: int, length_damping: float) -> "csr_matrix":
    """(products × sessions): |s|^−δ for the latest sessions that hold the product and another.

    Args:
        past: the sessions.
        recent: so many per product, and all as late as the last of them.
        length_damping: δ.
    """
    lengths = np.diff(past.starts)[past.owners]
    table = pl.DataFrame({"item": past.items, "time": past.times, "length": lengths})
    rank = pl.col("time").rank("min", descending=True).over("item")
    late = table.filter(pl.col("length") > 1).select(
        "item", rank.le(recent).alias("late")
    )["late"].to_numpy()  # fmt: skip
    keep = lengths > 1
    keep[keep] = late
    values = lengths[keep].astype(np.float64) ** -length_damping
    return _matrix(past.entries(keep), values).T.tocsr()
