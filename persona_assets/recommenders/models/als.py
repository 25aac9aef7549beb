"""ALS: matrix factorisation of implicit feedback by alternating least squares.

Belongs here: the ALS model. Does not belong here: the solver (`least_squares.py`) or the layout of
factors (`factors.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.canonical_order import canonical_orders
from persona_assets.recommenders.factors import Factors, OwnVectors, mean_user
from persona_assets.recommenders.histories import Histories, Products
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
from persona_assets.tables import Table
from persona_assets.tables.models import ALS_MODEL

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

START = 0.1
"""Length of the vectors at the random start: small, so that the first round decides."""


@dataclass(frozen=True)
class ALSConfig(Config):
    """Configuration of `ALS`; the defaults did well on Online Retail and on a synthetic shop.

    Attributes:
        factors: length of the vectors.
        iterations: rounds of solving for all users, then for all products.
        regularization: λ as a share of the noise of the matrix, see `noise_level`, for a row with
            the typical number of pairs.
        frequency_scaling: exponent ν by which the penalty of a row grows with its pairs; 0: all
            rows are penalised alike.
        alpha: confidence per unit of log-weight.
        half_life_days: age at which an interaction counts half [d]; 3650: it hardly fades.
    """

    factors: int = 64
    iterations: int = 10
    regularization: float = 0.5
    frequency_scaling: float = may_be_zero(1.0)
    alpha: float = 5.0
    half_life_days: float = 14.0


def noise_level(norm: float, users: int, products: int) -> float:
    """Largest singular value to be expected of a matrix of such entries at random places.

    √(Σ c²) · (1/√users + 1/√products): the edge of the Marchenko-Pastur law for independent entries
    of that mean square. λ acts on a factorisation as a threshold on singular values, so a fixed λ
    that suits a large shop shrinks every vector of a small one to zero.

    Args:
        norm: √(Σ c²) over all entries.
        users: rows of the matrix.
        products: columns of the matrix.
    """
    return float(norm * (users**-0.5 + products**-0.5))


@dataclass(frozen=True)
class ALS(Recommender):
    """Implicit-feedback ALS: weighted least squares on "met" (1) against "did not meet" (0).

    Minimises Σ_ui c_ui (p_ui − x_u · y_i)² + Λ (Σ n_u^ν ‖x_u‖² + Σ n_i^ν ‖y_i‖²) (Hu, Koren and
    Volinsky 2008, "Collaborative filtering for implicit feedback datasets", eq. 3), with p = 1 for
    pairs that met and 0 otherwise. Confidence c is 1 for pairs that did not meet and
    1 + α · log(1 + w) for those that did, w being the decayed weight: damped, because the hundredth
    view tells less than the first. n is the number of pairs of a row, and Λ = λ / n̄^ν with
    n̄ = pairs / √(users · products) (frequency-scaled regularisation: Zhou, Wilkinson, Schreiber
    and Pan 2008; Rendle, Krichene, Zhang and Koren 2022, "Revisiting the performance of iALS on
    item recommendation benchmarks", eq. 4).

    The loss stays the same when x is multiplied and y divided by √Λ, and the penalty of a person is
    then n_u^ν: so are they stored, and a person's vector follows from a history and the artefact
    alone. Whoever has a history gets the vector of that history; others the one of the training.

    A round takes time in proportion to pairs · factors + (users + products) · factors²; memory is
    that of the factors and the pairs.
    """

    config: ALSConfig = field(default_factory=ALSConfig)
    name: ClassVar[str] = "als"
    artefact: ClassVar[Table] = ALS_MODEL
    folds_in: ClassVar[bool] = True
    space: ClassVar[Space] = {
        "half_life_days": (14.0, 60.0, 365.0, 3650.0),
        "regularization": (0.5, 0.25, 0.35, 0.7),
        "frequency_scaling": (1.0, 0.5),
        "alpha": (5.0, 1.0, 20.0),
        "factors": (64, 128),
    }

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/als_model` without their cut-off; see `Recommender.fit`."""
        from persona_assets.recommenders.least_squares import improved

        config = self.config
        matrix = known.matrix(config.half_life_days)
        # In the order of names, other names would give another start and other sums.
        row_order, column_order = canonical_orders(matrix.weights)
        by_user = self._confidence(matrix.weights[row_order][:, column_order].sorted_indices())
        by_product = by_user.T.tocsr()
        people, products = by_user.shape
        noise = noise_level(float(np.linalg.norm(by_user.data)), people, products)
        typical = by_user.nnz / (people * products) ** 0.5
        penalty = config.regularization * noise / typical**config.frequency_scaling
        random = np.random.default_rng(config.seed)
        size = START / config.factors**0.5
        x = np.zeros((people, config.factors), dtype=np.float32)
        y = random.normal(0, size, (products, config.factors)).astype(np.float32)
        of_user, of_product = (
            (penalty * self._frequency(axis)).astype(np.float32) for axis in (by_user, by_product)
        )
        for _ in range(config.iterations):
            x = improved(by_user, x, y, of_user)
            y = improved(by_product, y, x, of_product)
        x, y = x * np.float32(penalty**0.5), y / np.float32(penalty**0.5)
        return Factors(
            users=matrix.users,
            products=matrix.products,
            user_vectors=x[np.argsort(row_order)],
            cold_start_vector=mean_user(x),
            product_vectors=y[np.argsort(column_order)],
            product_biases=np.zeros(products),
        ).to_artefact()

    def _confidence(self, weights: "csr_matrix") -> "csr_matrix":
        """C of the pairs that met."""
        confidence = weights.copy()
        confidence.data = 1 + self.config.alpha * np.log1p(confidence.data)
        return confidence

    def _frequency(self, confidence: "csr_matrix") -> NDArray[np.float64]:
        """n^ν of each row."""
        pairs = np.diff(confidence.indptr).astype(np.float64)
        return np.maximum(pairs, 1.0) ** self.config.frequency_scaling

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """x_u · y_i; see the class for x_u."""
        from persona_assets.recommenders.least_squares import gram, improved

        factors = Factors.from_artefact(artefact, self.artefact)
        products = Products(factors.products)
        # As in the training, sums must not follow names.
        order = np.lexsort(factors.product_vectors.T)
        ordered, places = factors.product_vectors[order], np.argsort(order)
        width, of_products = ordered.shape[1], gram(ordered)

        def scorer(users: Sequence[str], histories: Histories) -> Scorer:
            confidence = self._confidence(
                histories.weights(users, products, self.config.half_life_days)
            )
            rows = np.flatnonzero(np.diff(confidence.indptr))
            if len(rows) == 0:
                return factors.scorer(users)
            known = _renumbered(confidence, rows, places)
            vectors = improved(
                known,
                np.zeros((len(rows), width), dtype=np.float32),
                ordered,
                self._frequency(known).astype(np.float32),
                steps=2 * width,
                of_others=of_products,
            )
            return factors.scorer(users, OwnVectors(rows, vectors))

        return scorer


def _renumbered(
    confidence: "csr_matrix", rows: NDArray[np.int64], places: NDArray[np.int64]
) -> "csr_matrix":
    """Rows of the matrix, its column `i` at `places[i]`, columns in order.

    The same as indexing by rows and columns, which for one row takes longer than all the rest.
    """
    from scipy.sparse import csr_matrix

    chosen = confidence if len(rows) == confidence.shape[0] else confidence[rows]
    return csr_matrix(
        (chosen.data, places[chosen.indices], chosen.indptr), shape=chosen.shape
    ).sorted_indices()
