"""The history of one person as arrays, in the forms that models ask for.

Belongs here: the same forms, to the last bit, as `recommenders.histories.HistoryRows` makes of a
frame, without a frame: for one person its joins take longer than the ranking. Does not belong here:
where a history comes from (`served_model.py`, the live tail).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.histories import Products
from persona_assets.recommenders.sequences import Sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MICROSECONDS_PER_DAY = 86_400_000_000


@dataclass(frozen=True)
class PersonHistory:
    """What a person interacted with, in any order; `Histories` of this person alone.

    Events of weight 0 say nothing of taste and are not in it.

    Attributes:
        products: `product_id` of each event.
        times: when each happened, µs since 1970 UTC.
        strengths: weight of each, positive and finite.
    """

    products: Sequence[str]
    times: NDArray[np.int64]
    strengths: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.products)

    def with_events(
        self, products: Sequence[str], times: Sequence[int], weights: Sequence[float]
    ) -> "PersonHistory":
        """The same and more events, those of weight 0 left out."""
        kept = [place for place, weight in enumerate(weights) if weight > 0]
        return PersonHistory(
            [*self.products, *(products[place] for place in kept)],
            np.concatenate([self.times, np.array([times[at] for at in kept], dtype=np.int64)]),
            np.concatenate([self.strengths, np.array([weights[at] for at in kept], dtype=float)]),
        )

    def sequences(self, users: Sequence[str], products: Products) -> Sequences:
        """The person's products in the order in which they were first interacted with.

        Args:
            users: this person alone.
            products: those of the codes; others are left out.
        """
        codes, times, strengths = self._known(products)
        items, place = np.unique(codes, return_inverse=True)
        first = np.full(len(items), np.iinfo(np.int64).max)
        strongest = np.zeros(len(items))
        np.minimum.at(first, place, times)
        np.maximum.at(strongest, place, strengths)
        order = np.lexsort((items, first))
        instants, positions = np.unique(first[order], return_inverse=True)
        return Sequences(
            users=pl.Series("user_id", users, dtype=pl.String()),
            products=products.ids,
            starts=np.array([0, len(items)], dtype=np.int64),
            items=items[order].astype(np.int32),
            positions=positions.astype(np.int32),
            times=instants[positions] / 1e6 if len(items) else np.zeros(0),
            strengths=strongest[order],
        )

    def weights(
        self, users: Sequence[str], products: Products, half_life_days: float
    ) -> "csr_matrix":
        """(1 × products) decayed weights, ages counted from the newest event."""
        from scipy.sparse import csr_matrix

        codes, times, strengths = self._known(products)
        newest = times.max(initial=np.iinfo(np.int64).min)
        order = np.lexsort((strengths, times, codes))
        age = (newest - times[order]) / MICROSECONDS_PER_DAY
        decayed = strengths[order] * np.exp2(-age / half_life_days)
        items, places = np.unique(codes[order], return_inverse=True)
        # Added up one after the other, as of a matrix of many people.
        sums = np.bincount(places, weights=decayed, minlength=len(items))
        return csr_matrix(
            (sums, items.astype(np.int32), np.array([0, len(items)], dtype=np.int32)),
            shape=(len(users), len(products)),
        )

    def _known(
        self, products: Products
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        codes = np.array([products.codes.get(each, -1) for each in self.products], dtype=np.int64)
        known = codes >= 0
        return codes[known], self.times[known], self.strengths[known]


NOTHING = PersonHistory([], np.zeros(0, dtype=np.int64), np.zeros(0))
