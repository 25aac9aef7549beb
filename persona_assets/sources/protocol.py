"""What every source of raw data offers to the graph.

Belongs here: the protocol and the raw frames' conventions. Does not belong here: any particular
source (one module each beside this one) or the table that names them (`sources/__init__.py`).
"""

from collections.abc import Sequence
from datetime import date
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray


class Source(Protocol):
    """A shop's raw data, a day at a time.

    Frames have exactly the columns of the contracts in `tables/raw.py`. Daily frames hold the rows
    filed under the asked days (`event_date`), sorted by `event_date, source_row`; what a day holds
    does not depend on which other days are asked for.
    """

    @property
    def name(self) -> str:
        """The name by which `persona run --source` and `PERSONA_SOURCE` select it."""
        ...

    @property
    def start(self) -> date:
        """First day."""
        ...

    @property
    def end(self) -> date:
        """Day after the last day."""
        ...

    @property
    def identifiers_are_public(self) -> bool:
        """True when user identifiers protect nobody: a made-up shop, an anonymised publication."""
        ...

    def users(self) -> pl.DataFrame:
        """Rows of `raw/users`: the newest state of everybody."""
        ...

    def products(self) -> pl.DataFrame:
        """Rows of `raw/products`: the newest state of everything."""
        ...

    def events(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/events` filed under `days`."""
        ...

    def orders(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/orders` filed under `days`."""
        ...

    def search_logs(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/search_logs` filed under `days`; no rows where the shop has none."""
        ...


@runtime_checkable
class DatedAttributes(Protocol):
    """A source that knows since when its people and products were as they are.

    Frames have the columns of `raw/users` or `raw/products` and `valid_from`, the instant (UTC)
    from which each row was known; null: from the beginning. None: this shop dates no such rows.
    """

    def dated_users(self) -> pl.DataFrame | None:
        """All states of everybody that were ever known."""
        ...

    def dated_products(self) -> pl.DataFrame | None:
        """All states of everything that were ever known."""
        ...


@runtime_checkable
class PlantedTastes(Protocol):
    """A made-up shop that knows what its people want: the ceiling for models and experiments.

    Arrays are (n_users, n_products) float64; users are named by the shop's own identifiers.
    """

    def affinity(
        self, user_ids: Sequence[str], product_ids: Sequence[str], on: date
    ) -> NDArray[np.float64]:
        """Expected intensity of interaction on day `on`: what ranks products for a user."""
        ...

    def response_probabilities(
        self, user_ids: Sequence[str], product_ids: Sequence[str], on: date
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probability of a click when shown, and of an order once clicked."""
        ...
