"""Item kNN: products similar to those of the history, by the users they share.

Belongs here: the model. Does not belong here: similarities (`similarity.py`) or the layout of its
artefact (`neighbours.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl

from persona_assets.errors import UserError
from persona_assets.recommenders.histories import Histories, Products
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.neighbours import Neighbours, strongest
from persona_assets.recommenders.protocol import (
    Config,
    Loaded,
    Recommender,
    SideInformation,
    Space,
    may_be_zero,
)
from persona_assets.recommenders.ranking import Scorer
from persona_assets.recommenders.similarity import KINDS, similarities, user_item_matrix
from persona_assets.tables import Table
from persona_assets.tables.models import ITEM_KNN_MODEL


@dataclass(frozen=True)
class ItemKNNConfig(Config):
    """Configuration of `ItemKNN`.

    Attributes:
        similarity: `cosine`, `jaccard`, `tfidf` or `bm25`; see `similarity.similarities`.
        shrinkage: users added to the denominator, so that pairs few people interacted with count
            less.
        neighbours: products kept per product; equals of the last one are kept too.
        longest: latest products of a user that are counted.
        history_decay: what each earlier instant of the history counts, the next one counting 1.
        emphasis: exponent of the event weight in the history; 0: a view counts like a purchase.
        revisit: see `Neighbours.scorer`.
    """

    similarity: str = "cosine"
    shrinkage: float = may_be_zero(0.0)
    neighbours: int = 500
    longest: int = 500
    history_decay: float = 0.7
    emphasis: float = may_be_zero(1.0)
    revisit: float = may_be_zero(0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.similarity not in KINDS:
            raise UserError(
                f"ItemKNNConfig.similarity must be one of {', '.join(KINDS)}; "
                f"got {self.similarity!r}; pass one of these"
            )


@dataclass(frozen=True)
class ItemKNN(Recommender):
    """Item kNN: score(u, j) = Σ_i w_ui · sim(i, j) over the history of u.

    w_ui = history_decay^age · weight^emphasis (Sarwar, Karypis, Konstan and Riedl 2001,
    "Item-based collaborative filtering recommendation algorithms", with an ageing history). Time is
    in proportion to Σ n_u², n_u the counted products of a user; memory to products × neighbours.
    """

    config: ItemKNNConfig = field(default_factory=ItemKNNConfig)
    name: ClassVar[str] = "item_knn"
    artefact: ClassVar[Table] = ITEM_KNN_MODEL
    folds_in: ClassVar[bool] = True
    needs_history: ClassVar[bool] = True
    space: ClassVar[Space] = {
        "similarity": ("cosine", "jaccard", "tfidf", "bm25"),
        "shrinkage": (0.0, 3.0, 10.0, 30.0),
        "history_decay": (0.7, 0.5, 0.85, 1.0),
        "emphasis": (1.0, 0.0, 0.5),
        "revisit": (0.0, 0.3, 1.0),
        "neighbours": (500, 100),
    }
    scoring_only: ClassVar[frozenset[str]] = frozenset({"history_decay", "emphasis", "revisit"})

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/item_knn_model` without their cut-off; see `Recommender.fit`."""
        from scipy.sparse import vstack

        log = known.sequences
        config = self.config
        matrix = user_item_matrix(log, config.longest)
        blocks = []
        for _, block in similarities(matrix, config.similarity, config.shrinkage):
            # In the order of users, sums differ in their last digits: no equals would be kept.
            block.data = block.data.astype(np.float32).astype(np.float64)
            blocks.append(strongest(block, config.neighbours))
        return Neighbours(
            log.products, log.popularity.astype(float), vstack(blocks, format="csr")
        ).to_artefact()

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """See the class; people without history get the popular products."""
        config = self.config
        learned = Neighbours.from_artefact(artefact, self.artefact)
        products = Products(learned.products)

        def scorer(users: Sequence[str], histories: Histories) -> Scorer:
            history = histories.sequences(users, products)
            weights = config.history_decay**history.ages * history.strengths**config.emphasis
            return learned.scorer(history, weights, revisit=config.revisit)

        return scorer
