"""What is popular among people in the same context: country, kind of device, where they came from.

Belongs here: counting, and how far a context is widened. Does not belong here: popularity of
everybody (`recommenders/models/popularity.py`), where contexts come from (`served_model.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.transforms.history import midnight

NAMES = ("country", "device", "referrer")
"""Of the most telling first: a context is widened by leaving out the last ones first."""
PEOPLE = 30
"""So many different people a context needs, or it is widened. With n people a product's share
of them has a standard error of at most 1 / (2·√n): of 9 points with 30, and the shrinkage below
has the more to say the fewer they are."""
SHRINKAGE = 100.0
"""Weight of everybody's popularity in a context, in the unit of its own weight, as the default of
`recommenders/models/segment_popularity.py`."""
HALF_LIFE_DAYS = 14.0
"""Age at which an interaction counts half, as in popularity."""
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Wanted:
    """The context of a request; None: not said. Upper and lower case do not count.

    Attributes:
        country: as the shop's `raw/users` has countries.
        device: kind of device, as events have it.
        referrer: site that the person came from, without its path.
    """

    country: str | None = None
    device: str | None = None
    referrer: str | None = None


NO_CONTEXT = Wanted()


@dataclass(frozen=True, eq=False)
class ContextPopularity:
    """Decayed weights by person and product, with the context of each.

    Attributes:
        products: `product_id`s that scores are for, sorted.
        everyone: (products,) popularity of everybody.
        rows: `user_id, product, weight` (product: its number) and a column for each context.
        common: context → its values that so many people have that they may be told apart.
    """

    products: pl.Series
    everyone: NDArray[np.float64]
    rows: pl.DataFrame
    common: Mapping[str, frozenset[str]]
    _known: dict[tuple[tuple[str, str], ...], NDArray[np.float64] | None] = field(
        default_factory=dict
    )

    @classmethod
    def of(
        cls,
        products: pl.Series,
        everyone: NDArray[np.float64],
        interactions: pl.DataFrame,
        contexts: pl.DataFrame,
        cutoff: date,
    ) -> "ContextPopularity":
        """Count.

        Args:
            products: sorted `product_id`s.
            everyone: popularity of each, of everybody.
            interactions: `event_id, user_id, product_id, event_ts, weight`, known at the cut-off.
            contexts: `event_id` and what is known of its context: `country`, `device`, `referrer`.
            cutoff: ages are counted from it.
        """
        age = (pl.lit(midnight(cutoff)) - pl.col("event_ts")).dt.total_microseconds() / _DAY_US
        kept = (
            interactions.filter(
                pl.col("weight") > 0, pl.col("product_id").is_in(products.implode())
            )
            .join(contexts.unique("event_id"), on="event_id")
            .select(
                "user_id",
                pl.col("product_id").cast(pl.Enum(products)).to_physical().alias("product"),
                weight=pl.col("weight") * pl.lit(2.0).pow(-age / HALF_LIFE_DAYS),
                **{name: pl.col(name).str.to_lowercase() for name in NAMES},
            )
            .filter(pl.any_horizontal(pl.col(*NAMES).is_not_null()))
        )
        people = {
            name: kept.drop_nulls(name).group_by(name).agg(pl.col("user_id").n_unique())
            for name in NAMES
        }
        common = {
            name: frozenset(found.filter(pl.col("user_id") >= PEOPLE)[name])
            for name, found in people.items()
        }
        return cls(products, everyone, kept, common)

    def within(self, wanted: Wanted) -> tuple[tuple[str, ...], NDArray[np.float64]] | None:
        """The narrowest context with enough people.

        Returns:
            Its values, and a score of each product: its share in the context's weight, shrunk to
            its share in everybody's. None: no context has enough.
        """
        given = [
            (name, value.strip().lower())
            for name in NAMES
            if (value := getattr(wanted, name)) is not None
        ]
        # What few people have in common not even with nothing else is in no narrower context.
        told = [(name, value) for name, value in given if value in self.common[name]]
        for length in range(len(told), 0, -1):
            for some in combinations(told, length):
                scores = self._scores(some)
                if scores is not None:
                    return tuple(value for _, value in some), scores
        return None

    def _scores(self, context: tuple[tuple[str, str], ...]) -> NDArray[np.float64] | None:
        if context not in self._known:
            rows = self.rows.filter(*(pl.col(name) == value for name, value in context))
            enough = rows["user_id"].n_unique() >= PEOPLE
            self._known[context] = self._shrunk(rows) if enough else None
        return self._known[context]

    def _shrunk(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """The posterior mean of the shares under a Dirichlet prior around everybody's."""
        # In a fixed order, so that sums do not depend on that of the rows.
        ordered = rows.sort("product", "weight")
        own = np.bincount(
            ordered["product"].to_numpy(),
            weights=ordered["weight"].to_numpy(),
            minlength=len(self.products),
        )
        share = self.everyone / max(self.everyone.sum(), np.finfo(float).tiny)
        found: NDArray[np.float64] = (own + SHRINKAGE * share) / (own.sum() + SHRINKAGE)
        return found
