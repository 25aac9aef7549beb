"""Where products stand in a model's scores.

Belongs here: finding columns by identifier, faster than a search of all products. Does not belong
here: what is done with them (`ranking.py`).
"""

from collections.abc import Collection

import numpy as np
import polars as pl
from numpy.typing import NDArray

_KEPT = 4
"""Series of products that are remembered: what serves has two, popularity's and its own."""


class Columns:
    """The columns of products, by a dictionary for each series that is asked about again.

    A series is known by being the same object: models keep theirs. One that is made for a single
    request is searched as it is, since a dictionary of it would take longer.
    """

    def __init__(self) -> None:
        self._known: tuple[tuple[pl.Series, dict[str, int] | None], ...] = ()

    def of(self, products: pl.Series, wanted: Collection[str]) -> NDArray[np.int64]:
        """Columns of those of the wanted products that are among the scored ones.

        Args:
            products: `product_id` of each column.
            wanted: identifiers, in any order.
        """
        for series, codes in self._known:
            if series is products:
                if codes is None:
                    codes = {name: code for code, name in enumerate(products.to_list())}
                    self._remember(products, codes)
                found = [codes[name] for name in wanted if name in codes]
                return np.array(found, dtype=np.int64)
        self._remember(products, None)
        return np.flatnonzero(products.is_in(list(wanted)).to_numpy())

    def _remember(self, products: pl.Series, codes: dict[str, int] | None) -> None:
        # Replaced as a whole: several threads may ask, and each finds a state that is right.
        others = [each for each in self._known if each[0] is not products]
        self._known = ((products, codes), *others)[:_KEPT]
