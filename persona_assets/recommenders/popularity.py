"""Popularity: the same list for everyone, recent interest first; the baseline of every comparison.

Belongs here: the popularity model. Does not belong here: time decay itself (`matrix.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.matrix import interaction_matrix
from persona_assets.recommenders.protocol import Config
from persona_assets.recommenders.ranking import ranked_lists
from persona_assets.tables import Table
from persona_assets.tables.models import POPULARITY_MODEL


@dataclass(frozen=True)
class PopularityConfig(Config):
    """Configuration of `Popularity`.

    Attributes:
        half_life_days: age at which an interaction counts half [d]; two weeks follow a season
            without following the noise of single days.
    """

    half_life_days: float = 14.0


@dataclass(frozen=True)
class Popularity:
    """Time-decayed popularity: score(i) = Σ weight · 2^(−age / half-life) over the rows of i."""

    config: PopularityConfig = field(default_factory=PopularityConfig)
    name: ClassVar[str] = "popularity"
    artefact: ClassVar[Table] = POPULARITY_MODEL

    def fit(self, interactions: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
        """Rows of `models/popularity_model`; see `Recommender.fit`."""
        matrix = interaction_matrix(
            interactions, cutoff=cutoff, half_life_days=self.config.half_life_days
        )
        return pl.DataFrame(
            {"product_id": matrix.products, "score": np.asarray(matrix.weights.sum(axis=0))[0]}
        ).select(
            pl.lit(cutoff, dtype=pl.Date()).alias("cutoff"), pl.col("product_id"), pl.col("score")
        )

    def recommend(
        self, artefact: pl.DataFrame, users: Sequence[str], *, k: int, excluded: pl.DataFrame
    ) -> pl.DataFrame:
        """The most popular products, the same for everyone; see `Recommender.recommend`."""
        popularity = one_training(artefact, self.artefact).sort("product_id")
        scores = popularity["score"].to_numpy()

        def scores_of(block: slice) -> NDArray[np.float64]:
            return np.tile(scores, (len(users[block]), 1))

        return ranked_lists(users, popularity["product_id"], scores_of, k=k, excluded=excluded)
