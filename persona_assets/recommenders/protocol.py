"""What every recommender offers, and what its configuration promises.

Belongs here: the protocol and the base of the configurations. Does not belong here: any particular
model (one file each beside this one) or the table that names them (`recommenders/__init__.py`).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Protocol, runtime_checkable

import narwhals as nw
import polars as pl

from persona_assets.errors import UserError
from persona_assets.tables import Table


@dataclass(frozen=True)
class Config:
    """Everything that a training depends on besides its data.

    Every number other than `seed` must be positive.

    Raises:
        UserError: a number is zero or negative; the text names the field.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name != "seed" and not value > 0:
                raise UserError(
                    f"{type(self).__name__}.{name} must be positive; got {value}; "
                    "pass a number above 0"
                )

    def to_json(self) -> str:
        """The configuration as `models/registry` keeps it: JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)


class Recommender(Protocol):
    """A model without state: what it learned is the artefact, a table that any reader can load."""

    @property
    def name(self) -> str:
        """The name by which tables and settings call it."""
        ...

    @property
    def config(self) -> Config:
        """What its training depends on besides the data."""
        ...

    @property
    def artefact(self) -> Table:
        """Contract of the table that holds what it learned."""
        ...

    def fit(self, interactions: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
        """Learn from what is known at `cutoff` 00:00 UTC.

        Args:
            interactions: rows of `mart/user_item_interactions`, in any order. Rows that happened
                or arrived on or after the cut-off are ignored.
            cutoff: first day that must stay unseen.

        Returns:
            Rows of `artefact`. The same rows and configuration give the same artefact.

        Raises:
            DataError: nothing to learn from is known at the cut-off.
        """
        ...

    def recommend(
        self, artefact: pl.DataFrame, users: Sequence[str], *, k: int, excluded: pl.DataFrame
    ) -> pl.DataFrame:
        """The `k` best products of each user that are not excluded for that user.

        Args:
            artefact: what `fit` returned, of one cut-off.
            users: whom to recommend to. A user whom the artefact does not know (`FALLBACK_USER`
                always is one) gets the list for people without history.
            k: length of the lists.
            excluded: pairs `user_id, product_id` to leave out.

        Returns:
            `user_id, rank, product_id, score`, users in the given order, ranks from 1. A list is
            shorter than `k` where fewer products are left.

        Raises:
            UserError: `k` is below 1.
            DataError: the artefact is empty or holds several cut-offs.
        """
        ...


@runtime_checkable
class DistributedTraining(Protocol):
    """What a recommender may offer besides `fit`: a training that a Spark cluster does."""

    def fit_distributed(self, interactions: nw.LazyFrame, *, cutoff: date) -> nw.LazyFrame:
        """As `Recommender.fit`, for a PySpark frame, which never comes into this process.

        Returns:
            A PySpark frame with the rows of `artefact`. Lists made from it are as good as those
            from `fit`, but not the same.

        Raises:
            DataError: nothing to learn from is known at the cut-off.
        """
        ...
