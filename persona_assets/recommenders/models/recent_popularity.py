"""Recent popularity: what most people interacted with in the last days, the same list for everyone.

Belongs here: the model. Does not belong here: popularity that fades (`popularity.py`).
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

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
from persona_assets.tables.models import RECENT_POPULARITY_MODEL
from persona_assets.transforms.history import midnight


@dataclass(frozen=True)
class RecentPopularityConfig(Config):
    """Configuration of `RecentPopularity`.

    Attributes:
        days: length of the window [d].
    """

    days: float = 7.0


@dataclass(frozen=True)
class RecentPopularity(Recommender):
    """Most-recent-popular: users who interacted with a product in the last days before the cut-off.

    score(i) = n_i + N_i / (1 + max N), n the users within the window and N those of all time: the
    second part is below 1 and only orders products of equal n. Where the newest row is older than
    the cut-off, the window ends with that row. It takes time in proportion to the rows.
    """

    config: RecentPopularityConfig = field(default_factory=RecentPopularityConfig)
    name: ClassVar[str] = "recent_popularity"
    artefact: ClassVar[Table] = RECENT_POPULARITY_MODEL
    space: ClassVar[Space] = {"days": (7.0, 1.0, 3.0, 30.0, 90.0)}

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/recent_popularity_model` without their cut-off; see `Recommender.fit`."""
        rows = known.positive
        newest = rows.select(pl.col("event_ts").max()).item()
        # The window holds the instants after its begin, so a row at its end is always in.
        end = min(midnight(known.cutoff), newest)
        begin = end - timedelta(days=min(self.config.days, _LONGEST_DAYS))
        users = pl.col("user_id")
        counts = rows.group_by("product_id").agg(
            users.filter(pl.col("event_ts") > begin).n_unique().alias("recent"),
            users.n_unique().alias("ever"),
        )
        score = pl.col("recent") + pl.col("ever") / (1 + pl.col("ever").max())
        return counts.select("product_id", score.alias("score"))

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """The same for everyone; see `Recommender.load`."""
        popularity = one_training(artefact, self.artefact).sort("product_id")
        products, scores = popularity["product_id"], popularity["score"].to_numpy()
        return lambda users, histories: everyones(products, scores, len(users))


_LONGEST_DAYS = 365_000.0
"""A thousand years: more is no date."""
