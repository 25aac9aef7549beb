"""`Interactions`: what is known at a cut-off, in the forms that models learn from.

Belongs here: cutting rows at a cut-off, and the forms, each made once however many models ask for
it. Does not belong here: how a form is made (`positive.py`, `sequences.py`, `matrix.py`,
`visits.py`) or what a model makes of it.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import cast

import polars as pl

from persona_assets.recommenders.matrix import InteractionMatrix, interaction_matrix, nothing_known
from persona_assets.recommenders.positive import positive_rows
from persona_assets.recommenders.sequences import Sequences, sequences
from persona_assets.transforms.history import known_before


@dataclass(frozen=True, eq=False)
class Interactions:
    """The rows known at a cut-off. Whoever holds one need not cut, filter or encode again.

    Made by `known_at` or `whole`, so that the type says that the future is not in it.

    Attributes:
        cutoff: first day that is not known.
        rows: of `mart/user_item_interactions` known then, in any order.
    """

    cutoff: date
    rows: pl.DataFrame
    _matrices: dict[float, InteractionMatrix] = field(default_factory=dict, repr=False)

    @classmethod
    def known_at(cls, cutoff: date, rows: pl.DataFrame) -> "Interactions":
        """The rows that happened and arrived before `cutoff` 00:00 UTC."""
        return cls(cutoff, known_before(rows, cutoff))

    @classmethod
    def whole(cls, rows: pl.DataFrame) -> "Interactions":
        """All of `rows`, known on the day after the newest, for logs that were cut by other means.

        Rows need no `arrived_at`. Without rows the cut-off is the first day of 1970.
        """
        newest = cast(date | None, rows.select(pl.col("event_ts").max().dt.date()).item())
        return cls(date(1970, 1, 1) if newest is None else newest + timedelta(days=1), rows)

    @cached_property
    def positive(self) -> pl.DataFrame:
        """Rows of positive weight.

        Raises:
            DataError: there are none, or a weight is not a finite number.
        """
        found = positive_rows(self.rows)
        if found.is_empty():
            raise nothing_known(self.cutoff)
        return found

    @cached_property
    def sequences(self) -> Sequences:
        """Each user's products in the order in which they were first interacted with."""
        return sequences(self.positive)

    def matrix(self, half_life_days: float) -> InteractionMatrix:
        """Users × products, weights halved per `half_life_days` of age at the cut-off."""
        if half_life_days not in self._matrices:
            self._matrices[half_life_days] = interaction_matrix(
                self.positive, cutoff=self.cutoff, half_life_days=half_life_days
            )
        return self._matrices[half_life_days]
