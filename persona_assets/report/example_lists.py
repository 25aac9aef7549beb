"""Three customers and what they are recommended: lists that a merchant can judge by eye.

Belongs here: choosing the customers, and reading what they did and what they are served. Does not
belong here: showing it (`model_chapters.py`), or making lists (`recommenders/`, `lifecycle/`).

Customers appear without any identifier: the page is passed around.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import narwhals as nw
import polars as pl

from persona_assets.lake.store import DeltaStore
from persona_assets.serving.lists import with_products
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.models import FALLBACK_USER
from persona_assets.tables.serving import SERVED

QUANTILES = (0.1, 0.5, 0.9)
"""Whose lists are shown, by how much they did: somebody of few events, of the middle, of many."""
WINDOW = timedelta(days=28)
"""How far back a customer's deeds are read: four weeks before the cut-off, so that the cost does
not grow with the history."""
SHOWN_PRODUCTS = 5
_DEEDS = {"purchase": "bought", "add_to_cart": "put in the cart", "view": "viewed"}


@dataclass(frozen=True)
class ExampleList:
    """One customer.

    Attributes:
        events: how many interactions they had in the window.
        lately: at most `SHOWN_PRODUCTS` products, newest first: what was done at last and the
            product's name, its identifier where it has none.
        products: at most `SHOWN_PRODUCTS` names of the served list, best first.
    """

    events: int
    lately: tuple[tuple[str, str], ...]
    products: tuple[str, ...]


def read_example_lists(store: DeltaStore) -> tuple[ExampleList, ...]:
    """Lists of at most three customers who are served a list of their own, of few events first.

    Raises:
        DataError: a table is there but cannot be read.
    """
    if not store.exists(SERVED) or not store.exists(USER_ITEM_INTERACTIONS):
        return ()
    served = store.read(SERVED).filter(pl.col("user_id") != FALLBACK_USER)
    if served.is_empty():
        return ()
    cutoff = served["cutoff"][0]
    active = _activity(store, cutoff).join(served.select("user_id").unique(), on="user_id")
    chosen = _chosen(active)
    return tuple(_examples(store, served, chosen, _days(store, cutoff), cutoff))


def _days(store: DeltaStore, cutoff: date) -> list[date]:
    """Days of the window that the mart has."""
    days = map(date.fromisoformat, store.partition_rows(USER_ITEM_INTERACTIONS))
    return sorted(day for day in days if cutoff - WINDOW <= day < cutoff)


def _activity(store: DeltaStore, cutoff: date) -> pl.DataFrame:
    """`user_id, events` of everybody who did something in the window."""
    known = _known(store, _days(store, cutoff), cutoff)
    return store.collect(known.group_by("user_id").agg(nw.len().alias("events")))


def _known(store: DeltaStore, days: list[date], cutoff: date) -> nw.LazyFrame:
    """What had happened and arrived before the cut-off, as the model saw it."""
    rows = store.scan(USER_ITEM_INTERACTIONS, days)
    return rows.filter(nw.col("arrival_date") < cutoff, nw.col("event_type").is_in(list(_DEEDS)))


def _chosen(active: pl.DataFrame) -> list[tuple[str, int]]:
    """Customer and events at each quantile of activity, nobody twice; ties by the hash."""
    ranked = active.sort("events", "user_id")
    places = dict.fromkeys(round(share * (ranked.height - 1)) for share in QUANTILES)
    return [ranked.row(place) for place in places] if ranked.height else []


def _examples(
    store: DeltaStore,
    served: pl.DataFrame,
    chosen: list[tuple[str, int]],
    days: list[date],
    cutoff: date,
) -> Iterator[ExampleList]:
    if not chosen:
        return
    users = [user for user, _ in chosen]
    rows = _known(store, days, cutoff).filter(nw.col("user_id").is_in(users))
    done = store.collect(rows.select("user_id", "product_id", "event_type", "event_ts", "event_id"))
    newest = done.sort("event_ts", "event_id", descending=True).unique(
        ["user_id", "product_id"], keep="first", maintain_order=True
    )
    named = with_products(store, newest)
    lists = with_products(store, served.filter(pl.col("user_id").is_in(users)).sort("rank"))
    name = pl.coalesce("name", "product_id")
    for user, events in chosen:
        own = named.filter(pl.col("user_id") == user).head(SHOWN_PRODUCTS)
        best = lists.filter(pl.col("user_id") == user).head(SHOWN_PRODUCTS)
        yield ExampleList(
            events,
            tuple(
                (_DEEDS[event], product)
                for event, product in own.select("event_type", name).iter_rows()
            ),
            tuple(best.select(name).to_series()),
        )
