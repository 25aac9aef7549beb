"""ALS: matrix factorisation of implicit feedback by alternating least squares.

Belongs here: the ALS model. Does not belong here: the solver (library `implicit`) or the layout of
factors (`factors.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

import narwhals as nw
import numpy as np
import polars as pl

from persona_assets.recommenders.factors import Factors, mean_user
from persona_assets.recommenders.matrix import interaction_matrix
from persona_assets.recommenders.protocol import Config
from persona_assets.tables import Table
from persona_assets.tables.models import ALS_MODEL

FAINTEST_CONFIDENCE = 1e-4
"""Confidence below which an ageing interaction does not fall. Vectors scale with confidence and the
solver stops at an absolute residual of 1e-10 in 32 bits: without a floor, users who have been away
for a year or two keep random vectors. So small a value moves nobody else."""


@dataclass(frozen=True)
class ALSConfig(Config):
    """Configuration of `ALS`; the defaults did well on Online Retail and on a synthetic shop.

    Attributes:
        factors: length of the vectors.
        iterations: rounds of solving for all users, then for all products; 7, 10 and 15 gave the
            same nDCG@10 within .002 on both.
        regularization: λ as a share of the noise of the matrix, see `noise_level`. With 0.7,
            nDCG@10 on new products was within a tenth of the best of 0.4 to 1.7 in synthetic shops
            of 60 to 5,000 people.
        alpha: confidence per unit of log-weight.
        half_life_days: age at which an interaction counts half [d].
    """

    factors: int = 64
    iterations: int = 10
    regularization: float = 0.7
    alpha: float = 1.0
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
class ALS:
    """Implicit-feedback ALS: weighted least squares on "met" (1) against "did not meet" (0).

    Minimises Σ_ui c_ui (p_ui − x_u · y_i)² + λ (Σ‖x_u‖² + Σ‖y_i‖²) (Hu, Koren and Volinsky 2008,
    "Collaborative filtering for implicit feedback datasets", eq. 3), with p = 1 for pairs that met
    and 0 otherwise. Confidence c is 1 for pairs that did not meet and α · log(1 + w) for those that
    did, w being the decayed weight: damped, because the hundredth view tells less than the first,
    and without the paper's "1 +", so that an interaction fades out of the loss as it ages.
    """

    config: ALSConfig = field(default_factory=ALSConfig)
    name: ClassVar[str] = "als"
    artefact: ClassVar[Table] = ALS_MODEL

    def fit(self, interactions: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
        """Rows of `models/als_model`; see `Recommender.fit`."""
        # The CPU class by name: `implicit.als` would take a GPU where it finds one, with other
        # last digits. Imported before the thread limit, which only binds libraries already loaded.
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        matrix = interaction_matrix(
            interactions, cutoff=cutoff, half_life_days=self.config.half_life_days
        )
        confidence = matrix.weights.copy()
        confidence.data = np.maximum(
            self.config.alpha * np.log1p(confidence.data), FAINTEST_CONFIDENCE
        )
        noise = noise_level(float(np.linalg.norm(confidence.data)), *confidence.shape)
        # One BLAS thread: BLAS threads fight the solver's own, and their number would move digits.
        # The solver's threads solve whole rows each, so that their number changes nothing.
        with threadpool_limits(limits=1, user_api="blas"):
            solver = AlternatingLeastSquares(
                factors=self.config.factors,
                iterations=self.config.iterations,
                regularization=self.config.regularization * noise,
                random_state=self.config.seed,
            )
            solver.fit(confidence.astype(np.float32), show_progress=False)
        return Factors(
            users=matrix.users,
            products=matrix.products,
            user_vectors=solver.user_factors,
            newcomer_vector=mean_user(solver.user_factors),
            product_vectors=solver.item_factors,
            product_biases=np.zeros(len(matrix.products)),
        ).to_artefact(self.artefact, cutoff)

    def fit_distributed(self, interactions: nw.LazyFrame, *, cutoff: date) -> nw.LazyFrame:
        """Rows of `models/als_model`, learned by MLlib; see `DistributedTraining`."""
        from persona_assets.distributed.als import factors

        return factors(self.config, interactions, cutoff=cutoff)

    def recommend(
        self, artefact: pl.DataFrame, users: Sequence[str], *, k: int, excluded: pl.DataFrame
    ) -> pl.DataFrame:
        """The products of the largest x_u · y_i; see `Recommender.recommend`."""
        factors = Factors.from_artefact(artefact, self.artefact)
        return factors.recommend(users, k=k, excluded=excluded)
