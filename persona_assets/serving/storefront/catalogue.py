"""The demo shop's shelves: categories and products of the home, and people to try it as.

Belongs here: reading them from the lake. Does not belong here: HTTP (`routes.py`).
"""

import threading
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.serving.recommending.served_model import People
from persona_assets.tables.raw import EVENTS, PRODUCTS
from persona_assets.transforms.pseudonyms import pseudonym

MOST_PEOPLE = 5
_LOOKED_AT = 2_000
"""People of the newest day that are looked at before nobody suitable is found."""
_HISTORY = range(5, 200)
"""Events of somebody whose lists say something."""


@dataclass
class Catalogue:
    """Products that can be recommended, read again when the table changed.

    Attributes:
        store: the lake.
    """

    store: DeltaStore
    _version: int | None = None
    _products: pl.DataFrame = field(default_factory=PRODUCTS.empty)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def categories(self) -> list[dict[str, object]]:
        """Name and number of products of each, the largest first; `None`: those without one."""
        counts = self._current().group_by("category").agg(products=pl.len())
        return counts.sort("products", "category", descending=[True, False]).to_dicts()

    def products(self, category: str | None, most: int) -> list[dict[str, object]]:
        """Products of a category, by name; None: of all."""
        found = self._current()
        if category is not None:
            found = found.filter(pl.col("category").fill_null("") == category)
        return found.head(most).to_dicts()

    def product(self, identifier: str) -> dict[str, object] | None:
        """One product; None: there is none of this name."""
        found = self._current().filter(pl.col("product_id") == identifier)
        return None if found.is_empty() else found.row(0, named=True)

    def _current(self) -> pl.DataFrame:
        with self._lock:
            version = self.store.version(PRODUCTS)
            if version is None:
                return PRODUCTS.empty()
            if version != self._version:
                rows = self.store.read(PRODUCTS).filter(pl.col("kind") == "product")
                shown = ["product_id", "name", "category", "brand", "price"]
                self._products = rows.select(shown).sort("name", "product_id")
                self._version = version
            return self._products


def people_to_try(store: DeltaStore, known: People, key: bytes) -> list[dict[str, object]]:
    """Some customers that the model was trained on, as the shop names them.

    Args:
        store: the lake.
        known: everybody's history.
        key: of the hashes of people.
    """
    days = store.partition_rows(EVENTS) if store.exists(EVENTS) else {}
    newest = max((day for day, rows in days.items() if rows), default=None)
    if newest is None:
        return []
    names = store.read(EVENTS, [date.fromisoformat(newest)], columns=["user_id"])["user_id"]
    found: list[dict[str, object]] = []
    for name in names.drop_nulls().unique().sort().head(_LOOKED_AT).to_list():
        person = pseudonym(name, key)
        events = len(known.history(person))
        if known.is_trained(person) and events in _HISTORY:
            found.append({"user_id": name, "events": events})
        if len(found) == MOST_PEOPLE:
            break
    return found
