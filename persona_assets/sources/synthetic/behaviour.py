"""One day in the synthetic shop: sessions, the funnel inside them, returns and searches.

Belongs here: what people did, as it truly happened. Does not belong here: who they are and what
they like (`population.py`, `tastes.py`) or how badly it was recorded (`recording.py`).

A session has a focus: most of its views stay in one category, the rest are drawn afresh. Focus and
fresh draws follow the same p(c | u), so the share of a person's views that goes to a product is
exactly `Tastes.affinity`.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.sources.synthetic.catalogue import BRANDS, NOUNS
from persona_assets.sources.synthetic.streams import Stream, generator
from persona_assets.sources.synthetic.tastes import (
    Floats,
    Indices,
    Tastes,
    cart_probability,
    purchase_probability,
)

WEEKDAYS = (1.00, 0.95, 0.93, 0.96, 1.02, 1.12, 1.20)
"""Visits relative to an average Monday, Monday first."""
HOURS = (3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 13, 14, 15, 14, 13, 13, 14, 16, 19, 22, 23, 20, 13, 7)
"""Session starts by UTC hour, relative."""
MEAN_VIEWS, MOST_VIEWS = 4.6, 25
"""Views per session: geometric, cut off."""
FOCUS = 0.75
"""Share of views that stay in the session's category."""
DWELL_S, LEAST_DWELL_S, MOST_DWELL_S = 45.0, 10.0, 600.0
"""Seconds on a product page: exponential beyond the least, cut off well below the 30 minutes of
silence that end a session."""
CHECKOUT_S = (20.0, 180.0)
"""Seconds from the last page to the order."""
SEARCH_S = (5.0, 20.0)
"""Seconds from the start of a session, where its search stands, to the first view."""
SEARCH = 0.4
"""Share of sessions that begin with a search."""
BRAND_SEARCH = 0.35
"""Share of searches that name a brand too."""
RETURNS = 0.04
"""Share of purchased lines that are sent back on the same day, where the day is long enough.
Later returns are left out: a day must be computable without the days before it."""
RETURN_DELAY_S = 600.0
"""A return comes at least this long after the purchase."""
QUANTITIES, QUANTITY_SHARES = (1, 2, 3), (0.85, 0.11, 0.04)
LAST_SECOND = 86_399.0
"""Everything ends a second before midnight, so that its record can follow on the same day."""


@dataclass(frozen=True)
class Day:
    """What happened on one day; times are `Datetime("us", "UTC")` in column `event_ts`.

    `events`: event_id, user_id, product_id, event_type, event_ts, quantity, unit_price, order_id,
    related_event_id, consent; in order of time. `searches`: user_id, event_ts, query, results,
    consent; in order of time.
    """

    events: pl.DataFrame
    searches: pl.DataFrame


@dataclass(frozen=True)
class _Sessions:
    """One element per session; seconds count from midnight."""

    user: Indices
    category_shares: Floats
    start: Floats
    search_seconds: Floats
    searched: NDArray[np.bool_]


@dataclass(frozen=True)
class _Views:
    """One element per view; seconds count from midnight."""

    session: Indices
    user: Indices
    product: Indices
    second: Floats
    dwell: Floats


def _pick(rng: np.random.Generator, shares: Floats) -> Indices:
    """A column for each row, with the row's probabilities."""
    edges = np.cumsum(shares, axis=1)
    target = rng.random(len(shares)) * edges[:, -1]
    return np.minimum((edges <= target[:, None]).sum(axis=1), shares.shape[1] - 1)


def _sessions(
    rng: np.random.Generator, tastes: Tastes, shelves: list[Indices], day: date
) -> _Sessions:
    population = tastes.population
    known = population.signup <= np.datetime64(day, "D")
    sessions = rng.poisson(population.activity * known * WEEKDAYS[day.weekday()])
    user = np.repeat(np.arange(len(sessions)), sessions)
    hours = np.array(HOURS) / sum(HOURS)
    return _Sessions(
        user=user,
        category_shares=tastes.category_shares(user, shelves),
        start=3600 * (rng.choice(len(hours), len(user), p=hours) + rng.random(len(user))),
        search_seconds=rng.uniform(*SEARCH_S, len(user)),
        searched=rng.random(len(user)) < SEARCH,
    )


def _views(
    rng: np.random.Generator, tastes: Tastes, shelves: list[Indices], sessions: _Sessions
) -> _Views:
    count = np.minimum(rng.geometric(1 / MEAN_VIEWS, len(sessions.user)), MOST_VIEWS)
    session = np.repeat(np.arange(len(count)), count)
    user = sessions.user[session]
    focus = _pick(rng, sessions.category_shares)
    fresh = _pick(rng, sessions.category_shares[session])
    category = np.where(rng.random(len(session)) < FOCUS, focus[session], fresh)
    product = np.empty_like(session)
    for code in np.unique(category):
        there = np.flatnonzero(category == code)
        people, row = np.unique(user[there], return_inverse=True)
        shares = tastes.product_shares(people, shelves[code])[row]
        product[there] = shelves[code][_pick(rng, shares)]

    dwell = np.minimum(LEAST_DWELL_S + rng.exponential(DWELL_S, len(session)), MOST_DWELL_S)
    elapsed = np.cumsum(dwell) - dwell
    first = np.cumsum(count) - count
    browsing = elapsed - elapsed[first][session]
    length = sessions.search_seconds + np.bincount(session, dwell, minlength=len(count))
    # A session that would run into the next day starts earlier instead.
    start = np.minimum(sessions.start, LAST_SECOND - CHECKOUT_S[1] - length)
    second = (start + sessions.search_seconds)[session] + browsing
    return _Views(session, user, product, second, dwell)


def _carted(rng: np.random.Generator, tastes: Tastes, views: _Views) -> Indices:
    """Views that put their product into the cart; a product goes there once per session."""
    match = np.einsum(
        "vd,vd->v",
        tastes.population.taste[views.user],
        tastes.catalogue.trait[views.product],
    )
    wanted = np.flatnonzero(rng.random(len(match)) < cart_probability(match))
    line = views.session[wanted] * len(tastes.catalogue.ids) + views.product[wanted]
    return wanted[np.unique(line, return_index=True)[1]]


def _funnel(rng: np.random.Generator, tastes: Tastes, views: _Views) -> pl.DataFrame:
    """Every event as `view` (its position among the views), `event_type` and `second`."""
    carted = _carted(rng, tastes, views)
    into_cart = views.second[carted] + views.dwell[carted] * rng.uniform(0.3, 0.9, len(carted))

    buys = purchase_probability(
        tastes.population.price_sensitivity[views.user[carted]],
        tastes.catalogue.price_level[views.product[carted]],
    )
    bought = carted[rng.random(len(carted)) < buys]
    left = views.second + views.dwell
    sessions = views.session[-1] + 1 if len(views.session) else 0
    checkout = np.zeros(sessions)
    np.maximum.at(checkout, views.session, left)
    checkout += rng.uniform(*CHECKOUT_S, sessions)
    paid = checkout[views.session[bought]]

    day_left = LAST_SECOND - RETURN_DELAY_S - paid
    sent_back = (rng.random(len(bought)) < RETURNS) & (day_left > 0)
    back = paid + RETURN_DELAY_S + rng.random(len(bought)) * day_left
    steps = {
        "view": (np.arange(len(left)), views.second),
        "add_to_cart": (carted, into_cart),
        "purchase": (bought, paid),
        "return": (bought[sent_back], back[sent_back]),
    }
    return pl.concat(
        pl.DataFrame({"view": view, "second": second}).with_columns(event_type=pl.lit(kind))
        for kind, (view, second) in steps.items()
    ).sort("second", "view")


def _at(day: date, second: str = "second") -> pl.Expr:
    """Seconds since midnight as a UTC timestamp of microseconds."""
    midnight = pl.lit(day).cast(pl.Datetime("us", "UTC"))
    return midnight + pl.duration(microseconds=(pl.col(second) * 1e6).cast(pl.Int64))


def _events(rng: np.random.Generator, tastes: Tastes, views: _Views, day: date) -> pl.DataFrame:
    """The funnel's events with identifiers, prices and quantities."""
    population, catalogue = tastes.population, tastes.catalogue
    of_view = pl.DataFrame(
        {
            "user_id": population.ids.gather(views.user),
            "product_id": catalogue.ids.gather(views.product),
            "unit_price": catalogue.price[views.product],
            "consent": population.consent[views.user],
            "order_id": views.session,
            "pieces": rng.choice(QUANTITIES, len(views.user), p=QUANTITY_SHARES),
        }
    )
    funnel = _funnel(rng, tastes, views)
    events = pl.concat([funnel, of_view[funnel["view"]]], how="horizontal").with_columns(
        event_id=pl.format(
            f"e{day:%Y%m%d}-{{}}", pl.int_range(pl.len()).cast(pl.String).str.zfill(7)
        )
    )
    purchases = events.filter(pl.col("event_type") == "purchase").select(
        "view", related_event_id="event_id", event_type=pl.lit("return")
    )
    ordered = pl.col("event_type").is_in(["purchase", "return"])
    sign = pl.when(pl.col("event_type") == "return").then(-1).otherwise(1)
    return events.join(
        purchases, on=["view", "event_type"], how="left", maintain_order="left"
    ).select(
        "event_id",
        "user_id",
        "product_id",
        "event_type",
        _at(day).alias("event_ts"),
        pl.when(ordered).then("pieces").otherwise(1).mul(sign).cast(pl.Float64).alias("quantity"),
        "unit_price",
        pl.when(ordered).then(
            pl.format(f"o{day:%Y%m%d}-{{}}", pl.col("order_id").cast(pl.String).str.zfill(6))
        ),
        "related_event_id",
        "consent",
    )


def _searches(
    rng: np.random.Generator, tastes: Tastes, sessions: _Sessions, views: _Views, day: date
) -> pl.DataFrame:
    """Searches that led to the first view of their session."""
    catalogue = tastes.catalogue
    searched = np.flatnonzero(sessions.searched)
    first = np.searchsorted(views.session, searched)
    noun, brand = catalogue.noun[views.product[first]], catalogue.brand[views.product[first]]
    branded = rng.random(len(searched)) < BRAND_SEARCH

    on_sale = catalogue.launch <= np.datetime64(day, "D")
    found = np.bincount(catalogue.noun[on_sale], minlength=len(NOUNS))
    pair = catalogue.noun * len(BRANDS) + catalogue.brand
    found_branded = np.bincount(pair[on_sale], minlength=len(NOUNS) * len(BRANDS))
    nouns = pl.Series(NOUNS).gather(noun)
    brands = pl.Series(BRANDS).gather(brand).str.to_lowercase()
    return (
        pl.DataFrame(
            {
                "user_id": tastes.population.ids.gather(sessions.user[searched]),
                "second": views.second[first] - sessions.search_seconds[searched],
                "noun": nouns,
                "brand": brands,
                "branded": branded,
                "results": np.where(
                    branded, found_branded[noun * len(BRANDS) + brand], found[noun]
                ),
                "consent": tastes.population.consent[sessions.user[searched]],
            }
        )
        .sort("second", "user_id")
        .select(
            "user_id",
            _at(day).alias("event_ts"),
            pl.when("branded")
            .then(pl.format("{} {}", "brand", "noun"))
            .otherwise("noun")
            .alias("query"),
            "results",
            "consent",
        )
    )


def simulate_day(tastes: Tastes, seed: int, day: date) -> Day:
    """Everything that happens on `day`; depends on no other day."""
    rng = generator(seed, Stream.BEHAVIOUR, day)
    shelves = tastes.shelves(day)
    sessions = _sessions(rng, tastes, shelves, day)
    views = _views(rng, tastes, shelves, sessions)
    return Day(
        events=_events(rng, tastes, views, day),
        searches=_searches(rng, tastes, sessions, views, day),
    )
