"""A made-up shop's true tastes, translated into the mart's identifiers.

Belongs here: the step from the shop's own user identifiers to keyed hashes. Does not belong here:
the tastes (`synthetic/`), or what is done with them (`evaluation/`, `experiments/`).
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError
from persona_assets.sources.protocol import PlantedTastes
from persona_assets.transforms.pseudonyms import pseudonym


class PlantedTruth:
    """True affinities and responses for users named by their keyed hash.

    `users` are rows of raw/users, `products` of raw/products; arrays are (n_users, n_products)
    with rows in the order of the hashes asked for and columns in that of `product_ids`.
    """

    def __init__(
        self, tastes: PlantedTastes, users: pl.DataFrame, products: pl.DataFrame, key: bytes
    ) -> None:
        self._tastes = tastes
        self._known_as = {pseudonym(user, key): user for user in users["user_id"]}
        catalogue = products.sort("product_id")
        self.product_ids: list[str] = catalogue["product_id"].to_list()
        self._launched = catalogue["launch_date"]

    def affinity(self, hashed: Sequence[str], on: date) -> NDArray[np.float64]:
        """Expected intensity of interaction on day `on`; −inf for what is not yet on sale."""
        affinity = self._tastes.affinity(self._own(hashed), self.product_ids, on)
        affinity[:, (self._launched > on).fill_null(False).to_numpy()] = -np.inf
        return affinity

    def responses(
        self, hashed: Sequence[str], on: date
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probability of a click when shown, and of an order once clicked."""
        return self._tastes.response_probabilities(self._own(hashed), self.product_ids, on)

    def _own(self, hashed: Sequence[str]) -> list[str]:
        if strangers := [user for user in hashed if user not in self._known_as]:
            raise DataError(
                f"{len(strangers)} user(s) of the mart are not in raw/users, first {strangers[0]}; "
                "materialize raw/users and the mart again with the same hash key"
            )
        return [self._known_as[user] for user in hashed]
