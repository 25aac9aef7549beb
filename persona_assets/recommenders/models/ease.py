"""EASE: a linear autoencoder of people's products, solved in closed form.

Belongs here: the model and the choice between its exact and its sparse solution. Does not belong
here: the solutions (`ridge_weights.py`), co-counts (`similarity.py`) or the layout of its artefact
(`neighbours.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from persona_assets.errors import DataError, UserError
from persona_assets.recommenders.histories import Histories, Products
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.neighbours import Neighbours
from persona_assets.recommenders.protocol import (
    Config,
    Loaded,
    Recommender,
    SideInformation,
    Space,
    may_be_zero,
)
from persona_assets.recommenders.ranking import Scorer
from persona_assets.recommenders.similarity import user_item_matrix
from persona_assets.tables import Table
from persona_assets.tables.models import EASE_MODEL

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SOLUTIONS = ("auto", "exact", "sparse")
BYTES_PER_PAIR = 8
"""Of the exact solution: the Gram matrix in 32 bits, inverted in place, and one copy of it."""


@dataclass(frozen=True)
class EASEConfig(Config):
    """Configuration of `EASE`.

    Attributes:
        regularization: λ, in users.
        solution: `exact`: the closed form, cubic in the products; `sparse`: each product is
            predicted from its `support` alone; `auto`: exact where `dense_products` allows it.
        dense_products: most products for which `auto` is exact; the time grows with their cube,
            40 s on one core for 12,000.
        memory_gb: what the exact solution may take [GB].
        support: products that predict each product in the sparse solution.
        neighbours: weights kept per predicted product, the largest in absolute value.
        longest: latest products of a user that are counted.
        history_decay: what each earlier instant of the history counts, the next one counting 1.
        emphasis: exponent of the event weight in the history; 0: a view counts like a purchase.
        revisit: see `Neighbours.scorer`.
    """

    regularization: float = 100.0
    solution: str = "auto"
    dense_products: int = 5_000
    memory_gb: float = 2.0
    support: int = 100
    neighbours: int = 500
    longest: int = 500
    history_decay: float = 0.7
    emphasis: float = may_be_zero(0.5)
    revisit: float = may_be_zero(0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.solution not in SOLUTIONS:
            raise UserError(
                f"EASEConfig.solution must be one of {', '.join(SOLUTIONS)}; "
                f"got {self.solution!r}; pass one of these"
            )


@dataclass(frozen=True)
class EASE(Recommender):
    """EASE: score(u, j) = Σ_i w_ui · B_ij with the B that reproduces people's products best.

    B minimises ‖X − X B‖² + λ ‖B‖² with a zero diagonal, X who interacted with what: with
    P = (XᵀX + λI)⁻¹, B_ij = −P_ij / P_jj (Steck 2019, "Embarrassingly shallow autoencoders for
    sparse data", eq. 8). At prediction, w_ui = history_decay^age · weight^emphasis in the place of
    X's ones. Exact: time in products³, memory in products². Sparse: each column of B is the same
    ridge regression on the `support` products most co-occurring relative to their popularity (as in
    Steck 2019, "Markov random fields for collaborative filtering", section 3); time in products ·
    support · (support² + co-occurring products).
    """

    config: EASEConfig = field(default_factory=EASEConfig)
    name: ClassVar[str] = "ease"
    artefact: ClassVar[Table] = EASE_MODEL
    folds_in: ClassVar[bool] = True
    needs_history: ClassVar[bool] = True
    space: ClassVar[Space] = {
        "regularization": (100.0, 10.0, 30.0, 300.0, 1_000.0),
        "history_decay": (0.7, 0.5, 0.85, 1.0),
        "emphasis": (0.5, 0.0, 1.0),
        "revisit": (0.0, 0.3, 1.0),
    }
    scoring_only: ClassVar[frozenset[str]] = frozenset({"history_decay", "emphasis", "revisit"})

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/ease_model` without their cut-off; see `Recommender.fit`.

        Raises:
            DataError: nothing is known at the cut-off, or the exact solution was asked for and
                takes more than `memory_gb`.
        """
        log = known.sequences
        weights = self._weights(user_item_matrix(log, self.config.longest))
        return Neighbours(log.products, log.popularity.astype(float), weights).to_artefact()

    def _weights(self, matrix: "csr_matrix") -> "csr_matrix":
        from persona_assets.recommenders.ridge_weights import exact_weights, sparse_weights

        config = self.config
        products = matrix.shape[1]
        needed = products**2 * BYTES_PER_PAIR / 1e9
        fits = needed <= config.memory_gb
        if config.solution == "exact" and not fits:
            raise DataError(
                f"models/ease_model: the exact solution for {products} products needs "
                f"{needed:.2g} GB, and EASEConfig.memory_gb allows {config.memory_gb:g}; "
                "raise it, or set EASEConfig.solution to 'sparse' or 'auto'"
            )
        small = products <= config.dense_products and fits
        if config.solution == "exact" or (config.solution == "auto" and small):
            return exact_weights(matrix, config.regularization, config.neighbours)
        return sparse_weights(matrix, config.regularization, config.support, config.neighbours)

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
