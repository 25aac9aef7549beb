"""`Histories`: what is known by now of the users to score for, in the forms that models ask for.

Belongs here: histories given as rows. Does not belong here: how a form is made (`sequences.py`,
`matrix.py`), what is known at a cut-off (`interactions.py`), or histories of one user that are kept
as arrays (`serving/`).
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import polars as pl

from persona_assets.recommenders.matrix import history_weights
from persona_assets.recommenders.sequences import Sequences, sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class Products:
    """The products that an artefact knows, and the code of each: its place among them.

    Attributes:
        ids: `product_id`, sorted.
    """

    def __init__(self, ids: pl.Series) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def codes(self) -> dict[str, int]:
        """`product_id` → code."""
        return {name: code for code, name in enumerate(self.ids.to_list())}


class Histories(Protocol):
    """What is known by now of some users. Users and products are those that are asked for."""

    def sequences(self, users: Sequence[str], products: Products) -> Sequences:
        """Each user's products in the order in which they were first interacted with."""
        ...

    def weights(
        self, users: Sequence[str], products: Products, half_life_days: float
    ) -> "csr_matrix":
        """(users × products) decayed weights; see `matrix.history_weights`."""
        ...


class HistoryRows:
    """Histories in a frame.

    Attributes:
        rows: of `HISTORY_SCHEMA`, in any order; those of users that nobody asks for are ignored.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows

    def sequences(self, users: Sequence[str], products: Products) -> Sequences:
        """See `Histories`."""
        return sequences(self.rows, users=users, products=products.ids)

    def weights(
        self, users: Sequence[str], products: Products, half_life_days: float
    ) -> "csr_matrix":
        """See `Histories`."""
        return history_weights(self.rows, users, products.ids, half_life_days=half_life_days)
