"""A made-up shop whose truth is known: how the platform is demonstrated and tested.

Belongs here: the source itself, its arguments, and the planted truth it gives away. Does not
belong here: how people, products, tastes, behaviour and dirt are made (the modules beside this
one).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import UserError
from persona_assets.sources.declaration import Declaration, Kind, Option
from persona_assets.sources.synthetic.behaviour import Day, simulate_day
from persona_assets.sources.synthetic.catalogue import BRANDS, CATEGORIES, draw_catalogue
from persona_assets.sources.synthetic.population import draw_population
from persona_assets.sources.synthetic.recording import record_orders, record_searches, soil, tally
from persona_assets.sources.synthetic.streams import Stream, generator
from persona_assets.sources.synthetic.tastes import Tastes
from persona_assets.tables import raw
from persona_assets.tables.contract import Table

if TYPE_CHECKING:
    from persona_assets.settings import SourceSettings

# Days whose simulation is remembered (about 1 MB each at 10,000 events): a quarter of a year, so
# that the three daily tables of a range share it.
_DAYS_KEPT = 100

__all__ = ["SYNTHETIC", "SyntheticShop"]


def _positions(ids: Sequence[str], known: pl.Series, argument: str) -> NDArray[np.int64]:
    """Positions of `ids` among the sorted identifiers `known`."""
    wanted = pl.Series(ids, dtype=pl.String)
    stranger = wanted.filter(~wanted.is_in(known.implode()))
    if len(stranger):
        raise UserError(
            f"{argument} contains {stranger[0]!r}, which the synthetic shop does not know; "
            f"pass identifiers such as {known[0]!r} from its own raw tables"
        )
    return known.search_sorted(wanted).to_numpy().astype(np.int64)


@dataclass(frozen=True, init=False)
class SyntheticShop:
    """A shop open from `start` until the day before `end`: a `sources.protocol.Source`.

    The same arguments give the same bytes. A day is the same whichever other days are asked for,
    and a shop with a later `end` contains the shorter one.
    """

    start: date
    end: date
    people: int
    articles: int
    seed: int

    def __init__(
        self, start: date, end: date, users: int = 5000, products: int = 2000, seed: int = 7
    ) -> None:
        """A shop with that many people and articles, newcomers and launches included.

        15 % of the people sign up and 10 % of the articles are launched in the first 120 days;
        those of them that `end` forestalls are missing from the tables.

        Raises:
            UserError: an argument makes no shop.
        """
        if end <= start:
            raise UserError(
                f"synthetic shop: end {end} is not after start {start}; "
                "end is the day after the last day, so choose a later one"
            )
        for argument, value, least in (
            ("users", users, 1),
            ("products", products, 1),
            ("seed", seed, 0),
        ):
            if value < least:
                raise UserError(
                    f"synthetic shop: {argument} is {value}; choose {least} or a larger number"
                )
        # A frozen dataclass, but with arguments whose names its methods need.
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)
        object.__setattr__(self, "people", users)
        object.__setattr__(self, "articles", products)
        object.__setattr__(self, "seed", seed)

    @property
    def name(self) -> str:
        """`synthetic`."""
        return "synthetic"

    @property
    def identifiers_are_public(self) -> bool:
        """True: nobody is behind them."""
        return True

    @cached_property
    def _tastes(self) -> Tastes:
        return Tastes(
            draw_population(self.seed, self.people, self.start),
            draw_catalogue(self.seed, self.articles, self.start),
        )

    @cached_property
    def _days(self) -> dict[date, Day]:
        return {}

    def users(self) -> pl.DataFrame:
        """Rows of `raw/users`: the people who signed up before `end`."""
        population = self._tastes.population
        return (
            pl.DataFrame([population.ids, population.country])
            .with_columns(signup_date=population.signup)
            .filter(pl.col("signup_date") < self.end)
            .cast(raw.USERS.polars_schema)
        )

    def products(self) -> pl.DataFrame:
        """Rows of `raw/products`: the articles launched before `end`."""
        catalogue = self._tastes.catalogue
        return (
            pl.DataFrame([catalogue.ids, catalogue.name])
            .with_columns(
                category=pl.Series(list(CATEGORIES)).gather(catalogue.category),
                brand=pl.Series(BRANDS).gather(catalogue.brand),
                price=pl.Series(catalogue.price),
                launch_date=catalogue.launch,
                kind=pl.lit("product"),
            )
            .filter(pl.col("launch_date") < self.end)
            .cast(raw.PRODUCTS.polars_schema)
        )

    def events(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/events` filed under `days`, dirt included."""
        return self._daily(days, raw.EVENTS, self._soiled)

    def orders(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/orders` filed under `days`: the lines of every purchase, without dirt."""
        return self._daily(days, raw.ORDERS, lambda day: record_orders(self._day(day).events, day))

    def search_logs(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/search_logs` filed under `days`, without dirt."""
        return self._daily(
            days, raw.SEARCH_LOGS, lambda day: record_searches(self._day(day).searches, day)
        )

    def version(self, table: str, day: date | None) -> str:
        """Version of what is delivered for `day`: the same arguments give the same rows.

        People and products only ever join, so their number says which of them there are.
        """
        of_users = table.startswith("user")
        part = day or (self.users() if of_users else self.products()).height
        return f"{self.people} people, {self.articles} articles, {self.seed}, {self.start}: {part}"

    def planted_truth(self, days: Sequence[date]) -> dict[str, int]:
        """What cleaning must find in the events of `days`.

        Returns:
            Rows that each planted rule of `tables.mart.RULES` must reject (`exact_duplicate`: the
            copies, not the originals; 0 where nothing was planted on these days). Rows that must
            be kept although they are `late_arrival`, `other_time_zone` or `other_date_format`
            (rows without consent not counted). `raw_rows` in all, and `clean_rows`: those that
            must reach the mart.
        """
        return tally(self._soiled(day)["outcome"] for day in self._asked(days))

    def affinity(
        self, user_ids: Sequence[str], product_ids: Sequence[str], on: date
    ) -> NDArray[np.float64]:
        """The planted interest that ranks products for each person on a day.

        Args:
            user_ids: the shop's own identifiers (not keyed hashes).
            product_ids: products, in any order.
            on: day whose assortment counts.

        Returns:
            (users × products): probability that a view of this person on that day is of this
            product, so rows over the whole assortment sum to 1; 0 before launch. No model can
            expect to rank better by more than the noise of one week.

        Raises:
            UserError: an identifier is not the shop's.
        """
        return self._tastes.affinity(*self._pair(user_ids, product_ids), on)

    def response_probabilities(
        self, user_ids: Sequence[str], product_ids: Sequence[str], on: date
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How people would respond to products shown to them on a day.

        Args:
            user_ids: the shop's own identifiers (not keyed hashes).
            product_ids: products, in any order.
            on: day whose assortment counts.

        Returns:
            Two arrays (users × products): probability of a click when shown, and of an order once
            clicked.

        Raises:
            UserError: an identifier is not the shop's.
        """
        return self._tastes.responses(*self._pair(user_ids, product_ids), on)

    def _pair(
        self, user_ids: Sequence[str], product_ids: Sequence[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return (
            _positions(user_ids, self._tastes.population.ids, "user_ids"),
            _positions(product_ids, self._tastes.catalogue.ids, "product_ids"),
        )

    def _day(self, day: date) -> Day:
        """The day as it happened; events, orders and searches all ask for it."""
        if day not in self._days:
            if len(self._days) >= _DAYS_KEPT:
                self._days.pop(next(iter(self._days)))
            self._days[day] = simulate_day(self._tastes, self.seed, day)
        return self._days[day]

    def _soiled(self, day: date) -> pl.DataFrame:
        return soil(self._day(day).events, generator(self.seed, Stream.DIRT, day), day)

    def _asked(self, days: Sequence[date]) -> list[date]:
        """`days` in order, each once, all of them the shop's."""
        for day in days:
            if not self.start <= day < self.end:
                raise UserError(
                    f"synthetic shop: {day} is not among its days {self.start} to {self.end} "
                    "(exclusive); ask for one of them or give the shop another range"
                )
        return sorted(set(days))

    def _daily(
        self, days: Sequence[date], table: Table, record: Callable[[date], pl.DataFrame]
    ) -> pl.DataFrame:
        frames = (record(day).select(table.polars_schema.names()) for day in self._asked(days))
        return pl.concat([table.empty(), *(f.cast(table.polars_schema) for f in frames)])


def _open(settings: "SourceSettings", today: date) -> SyntheticShop:
    end = settings.end or today + timedelta(days=1)
    return SyntheticShop(settings.start, end, **settings.options)


SYNTHETIC = Declaration(
    name="synthetic",
    options=(
        Option("users", Kind.NUMBER, help="People"),
        Option("products", Kind.NUMBER, help="Products"),
        Option("seed", Kind.NUMBER, help="Seed of the shop"),
    ),
    open=_open,
    calendar=(date(2025, 1, 1), date(2025, 3, 2)),
)
"""A made-up shop; a calendar without an end goes on to today."""
