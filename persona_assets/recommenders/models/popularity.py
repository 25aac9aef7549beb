"""Popularity: the same list for everyone, recent interest first; the baseline of every comparison.

Belongs here: the popularity model. Does not belong here: time decay itself (`matrix.py`).
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl

from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.protocol import (
    Config,
    Loaded,
    Recommender,
    SideInformation,
    Space,
)
from persona_assets.recommenders.ranking import everyones
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
class Popularity(Recommender):
    """Time-decayed popularity: score(i) = Σ weight · 2^(−age / half-life) over the rows of i.

    It takes time and memory in proportion to the rows.
    """

    config: PopularityConfig = field(default_factory=PopularityConfig)
    name: ClassVar[str] = "popularity"
    artefact: ClassVar[Table] = POPULARITY_MODEL
    space: ClassVar[Space] = {"half_life_days": (14.0, 2.0, 7.0, 60.0, 365.0)}

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/popularity_model` without their cut-off; see `Recommender.fit`."""
        matrix = known.matrix(self.config.half_life_days)
        return pl.DataFrame(
            {"product_id": matrix.products, "score": np.asarray(matrix.weights.sum(axis=0))[0]}
        )

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """The popularity, the same for everyone; see `Recommender.load`."""
        popularity = one_training(artefact, self.artefact).sort("product_id")
        products, scores = popularity["product_id"], popularity["score"].to_numpy()
        return lambda users, histories: everyones(products, scores, len(users))
