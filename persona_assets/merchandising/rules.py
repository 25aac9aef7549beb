"""The rules that hold at an instant and place, and the one function that every list passes.

Belongs here: which rules hold, and arranging a ranking by them. Does not belong here: reading rules
(`rules_file.py`), finding mistakes in them (`consistency.py`).

What is stronger: a product that is blocked or unavailable is nowhere; one that is excluded is not
in the lists of that page or placement; the cap of a category holds for pinned products, too; then
pins are set, then the ranking fills what is left.
"""

import bisect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

CategoryOf = Callable[[str], str | None]
"""A product's category; None: it has none, and no cap."""


@dataclass(frozen=True)
class Holding:
    """The rules that hold for a list.

    Attributes:
        hidden: products that are not in it.
        pinned: position from 1 → products that want to stand there, the first rule first.
    """

    hidden: frozenset[str] = frozenset()
    pinned: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


NO_RULES = Holding()


def arranged(
    ranking: Iterable[str],
    k: int,
    holding: Holding,
    *,
    category_of: CategoryOf,
    cap: int = 0,
    left_out: Collection[str] = (),
) -> list[str]:
    """The list that a ranking becomes.

    Args:
        ranking: products, best first; only as many are asked for as are needed.
        k: at most so many products.
        holding: the rules that hold.
        category_of: of any product.
        cap: most products of one category; 0: as many as there are.
        left_out: products that this person must not be shown, pinned or not.

    Returns:
        At most `k` different products. Pinned ones stand at their positions, unless there are too
        few others to stand before them. A product that is pinned twice stands at the first place.
    """
    counted: dict[str, int] = {}
    taken: set[str] = set()

    def takes(product: str) -> bool:
        """Is there room for it? Then it is counted."""
        if product in taken or product in holding.hidden or product in left_out:
            return False
        category = category_of(product) if cap else None
        if category is not None:
            if counted.get(category, 0) >= cap:
                return False
            counted[category] = counted.get(category, 0) + 1
        taken.add(product)
        return True

    set_in = {
        place: product
        for place, wanted in sorted(holding.pinned.items())
        if place <= k and (product := next(filter(takes, wanted), None)) is not None
    }
    others = filter(takes, ranking)
    found = []
    for place in range(1, k + 1):
        pinned = set_in.pop(place, None)
        each = next(others, None) if pinned is None else pinned
        if each is None:
            break
        found.append(each)
    # Too few others to stand before them: pinned products close up.
    return [*found, *(set_in[place] for place in sorted(set_in))][:k]


@dataclass(frozen=True, eq=False)
class Rules:
    """All rules of a shop.

    Attributes:
        rows: of `raw/merchandising_rules`, in the order in which they are applied.
        categories: category → its products, for rules about categories.
    """

    rows: tuple[Mapping[str, object], ...] = ()
    categories: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _instants: tuple[datetime, ...] = ()
    _known: dict[tuple[int, str | None, str | None, bool], Holding] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: pl.DataFrame, category_of: Mapping[str, str | None]) -> "Rules":
        """The rules of rows of `raw/merchandising_rules`.

        Args:
            rules: the rows.
            category_of: category of each product of the catalogue.
        """
        categories: dict[str, set[str]] = {}
        for product, category in category_of.items():
            if category is not None:
                categories.setdefault(category, set()).add(product)
        rows = tuple(rules.sort("rule_id").iter_rows(named=True))
        instants = {row[name] for row in rows for name in ("valid_from", "valid_to") if row[name]}
        return cls(
            rows,
            {name: frozenset(products) for name, products in categories.items()},
            tuple(sorted(instants)),
        )

    def at(
        self,
        now: float,
        context: str | None = None,
        placement: str | None = None,
        *,
        only_placed_pins: bool = False,
    ) -> Holding:
        """The rules that hold.

        Args:
            now: seconds since 1970 UTC.
            context: page of the list.
            placement: its place in that page.
            only_placed_pins: pins count that name this placement: a list beside a product is not
                the place for what is pinned on every page.
        """
        if not self.rows:
            return NO_RULES
        instant = datetime.fromtimestamp(now, UTC)
        # Between two instants at which rules begin or end, the same rules hold.
        period = bisect.bisect_right(self._instants, instant)
        # A placement that no rule names is as none: whoever asks cannot fill the memory with names.
        named = {row["placement"] for row in self.rows}
        where = placement if placement in named else None
        key = (period, context, where, only_placed_pins)
        found = self._known.get(key)
        if found is None:
            holding = self._holding(instant, context, where, only_placed_pins=only_placed_pins)
            found = self._known[key] = holding
        return found

    def _holding(
        self, now: datetime, context: str | None, placement: str | None, *, only_placed_pins: bool
    ) -> Holding:
        hidden: set[str] = set()
        pinned: dict[int, tuple[str, ...]] = {}
        for row in self.rows:
            if not _holds(row, now, context, placement):
                continue
            product = row["product_id"]
            if row["action"] != "pin":
                hidden |= self.categories.get(str(row["category"]), frozenset())
                hidden |= {str(product)} if product is not None else set()
            elif product is not None and (row["placement"] or not only_placed_pins):
                place = int(str(row["position"]))
                pinned[place] = (*pinned.get(place, ()), str(product))
        return Holding(frozenset(hidden), pinned)


def _holds(
    row: Mapping[str, object], now: datetime, context: str | None, placement: str | None
) -> bool:
    begin, end = row["valid_from"], row["valid_to"]
    return (
        (not isinstance(begin, datetime) or begin <= now)
        and (not isinstance(end, datetime) or now < end)
        and row["context"] in (None, context)
        and row["placement"] in (None, placement)
    )
