"""Tiny shops that lack something, as the files that they would export.

Belongs here: what each kind of shop has and lacks. Does not belong here: what the graph makes of it
(`test_sparse_shops.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product as every
from pathlib import Path

import polars as pl

START = date(2025, 1, 1)
DAYS = 28
"""The calendar of the tests: cut-offs on the 13th, 20th (both evaluated) and 27th of January."""


@dataclass(frozen=True)
class TinyShop:
    """A shop of a few people who go through the catalogue, each at a pace of their own.

    Attributes:
        people: how many.
        products: how many.
        days: on which something happens, from `START` on.
        closed: numbers of days without any event.
        kinds: event types that it logs.
        priced: do events have prices.
        described: has it a catalogue with names and categories.
        country: of its people; None: it knows nothing of people, empty: an empty column.
        alike: does everybody do the same at the same time.
        refused: numbers of days on which nobody consents.
    """

    people: int = 12
    products: int = 9
    days: int = DAYS
    closed: frozenset[int] = frozenset()
    kinds: tuple[str, ...] = ("view", "add_to_cart", "purchase")
    priced: bool = True
    described: bool = True
    country: str | None = "NL"
    alike: bool = False
    refused: frozenset[int] = frozenset()

    @property
    def end(self) -> date:
        """Day after the last one."""
        return START + timedelta(days=self.days)

    def events(self) -> pl.DataFrame:
        """A row per event, as the shop exports them."""
        rows = [
            {
                "user": f"u{person}",
                "item": f"p{item}",
                "what": kind,
                "when": self._at(day, step + (0 if self.alike else person)),
                "price": f"{10 + item}.50" if self.priced else "",
                "consent": str(day not in self.refused).lower(),
            }
            for day, person in every(range(self.days), range(self.people))
            if day not in self.closed and (self.alike or (day + person) % 2 == 0)
            for step, (item, kind) in enumerate(self._visit(day, person))
        ]
        return pl.DataFrame(rows)

    def write(self, folder: Path) -> Path:
        """Write the files and their mapping into `folder`; the path of the mapping."""
        folder.mkdir(parents=True)
        self.events().write_csv(folder / "events.csv")
        sections = [
            "[events]",
            'file = "events.csv"',
            *(f'{ours} = "{theirs}"' for ours, theirs in self._columns().items()),
        ]
        if self.described:
            catalogue = [
                (f"p{item}", f"{'Red' if item % 2 else 'Blue'} lamp {item}", f"c{item % 3}")
                for item in range(self.products)
            ]
            pl.DataFrame(catalogue, ["item", "name", "category"], orient="row").write_csv(
                folder / "products.csv"
            )
            sections += ["[products]", 'file = "products.csv"', 'product_id = "item"']
            sections += ['name = "name"', 'category = "category"']
        if self.country is not None:
            people = [(f"u{person}", self.country) for person in range(self.people)]
            pl.DataFrame(people, ["user", "country"], orient="row").write_csv(folder / "users.csv")
            sections += ["[users]", 'file = "users.csv"', 'user_id = "user"', 'country = "country"']
        mapping = folder / "shop.toml"
        mapping.write_text("\n".join(sections), encoding="utf-8")
        return mapping

    def _columns(self) -> dict[str, str]:
        columns = {
            "user_id": "user",
            "product_id": "item",
            "event_type": "what",
            "timestamp": "when",
            "consent": "consent",
        }
        return columns | ({"unit_price": "price"} if self.priced else {})

    def _visit(self, day: int, person: int) -> Sequence[tuple[int, str]]:
        """What somebody looks at, and up to which kind of event."""
        first = (day if self.alike else day // (1 + person % 3) + 2 * person) % self.products
        seen = [first, (first + 1) % self.products, (first + day) % self.products]
        kinds = self.kinds[: 1 + (day + (0 if self.alike else person)) % len(self.kinds)]
        return [*((item, self.kinds[0]) for item in seen), *((first, kind) for kind in kinds[1:])]

    @staticmethod
    def _at(day: int, minute: int) -> str:
        midnight = datetime(START.year, START.month, START.day, tzinfo=UTC)
        return (midnight + timedelta(days=day, hours=9, minutes=minute)).isoformat()


WHOLE = TinyShop()
KINDS: dict[str, TinyShop] = {
    "events alone": replace(WHOLE, priced=False, described=False, country=None),
    "views only, empty country": replace(WHOLE, kinds=("view",), country=""),
    "one user": replace(WHOLE, people=1),
    "one product, all alike": replace(WHOLE, people=6, products=1, alike=True),
    "a week without events, purchases only": replace(
        WHOLE, kinds=("purchase",), closed=frozenset(range(19, 26))
    ),
    "nothing accepted before a cut-off": replace(WHOLE, refused=frozenset(range(19))),
}
"""Shops over the calendar of the tests."""
