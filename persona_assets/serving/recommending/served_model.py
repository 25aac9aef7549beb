"""What serves, loaded: the champion, everybody's history, the catalogue, and a list for anybody.

Belongs here: reading it from the lake, and knowing when it is out of date. Does not belong here:
ranking for a person (`ranking.py`), or what happened since (the live tail).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError, UserError
from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.append import held
from persona_assets.lifecycle.configurations import configured, with_configuration_in_use
from persona_assets.merchandising.rules import Rules
from persona_assets.recommenders import MODELS, model_named
from persona_assets.recommenders.exclusion import Exclusion, excluded_pairs
from persona_assets.recommenders.models.popularity import Popularity
from persona_assets.recommenders.models.segment_popularity import SegmentPopularity
from persona_assets.recommenders.neighbours import Neighbours
from persona_assets.recommenders.protocol import Loaded, Recommender
from persona_assets.serving.recommending.columns import Columns
from persona_assets.serving.recommending.context_popularity import ContextPopularity
from persona_assets.serving.recommending.described_alike import DescribedAlike
from persona_assets.serving.recommending.history import NOTHING, PersonHistory
from persona_assets.tables import Table
from persona_assets.tables.collected import COLLECTED_EVENTS
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.models import DIRECTIONAL_MODEL, ITEM_KNN_MODEL
from persona_assets.tables.raw import MERCHANDISING_RULES, PRODUCTS
from persona_assets.tables.serving import CHAMPION
from persona_assets.transforms.history import midnight

_DECIDING = (CHAMPION, USER_ITEM_INTERACTIONS, PRODUCTS, MERCHANDISING_RULES)
CONTEXT_DAYS = timedelta(days=56)
"""Events that contexts are counted from: four half-lives; older ones count a sixteenth at most."""
_HISTORY = ("event_id", "user_id", "product_id", "event_type", "event_ts", "arrived_at", "weight")


@dataclass(frozen=True)
class Product:
    """What the catalogue says of a product today."""

    name: str | None = None
    price: float | None = None
    category: str | None = None


@dataclass(frozen=True, eq=False)
class People:
    """What everybody did, of all events in the mart, found by keyed hash.

    Attributes:
        rows: `user_id` → number.
        starts: (people + 1,) where each one's events begin.
        products: `product_id` of each event.
        times: when it happened [µs since 1970 UTC].
        weights: positive ones only.
        trained: (people,) whether the training could know them.
        changed: (people,) whether they did anything that it could not know.
        excluded: `user_id` → products that the setting `exclude` leaves out of lists.
        collected: identifiers of those of its events that came through the service's log.
    """

    rows: dict[str, int]
    starts: NDArray[np.int64]
    products: list[str]
    times: NDArray[np.int64]
    weights: NDArray[np.float64]
    trained: NDArray[np.bool_]
    changed: NDArray[np.bool_]
    excluded: dict[str, frozenset[str]]
    collected: frozenset[str]

    def history(self, user_id: str) -> PersonHistory:
        """What is in the mart of this person."""
        row = self.rows.get(user_id)
        if row is None:
            return NOTHING
        mine = slice(int(self.starts[row]), int(self.starts[row + 1]))
        return PersonHistory(self.products[mine], self.times[mine], self.weights[mine])

    def is_trained(self, user_id: str) -> bool:
        """Could the training know this person?"""
        row = self.rows.get(user_id)
        return row is not None and bool(self.trained[row])


@dataclass(frozen=True, eq=False)
class ServedModel:
    """Everything that answers need and that changes with the lake alone.

    Attributes:
        name: of the champion.
        version: content hash of its artefact.
        cutoff: the Monday before which all that it learned from was known.
        needs_history: whether its list of a known person depends on the history.
        folds_in: whether a history alone changes the list of somebody unknown.
        loaded: its artefact.
        popular: popularity's artefact of the same cut-off, for people without history.
        interacted: products that the training knew somebody to have interacted with.
        people: everybody's history.
        catalogue: `product_id` → what is known of it today.
        similar: products that the same people interacted with; None: not trained.
        contexts: what is popular within countries, kinds of devices and referrers.
        alike: products of the catalogue by description.
        rules: what the shop says of its lists.
        follow: products that come after one another; None: not trained.
        state: versions of the tables that all this was read from.
        columns: where products stand in scores.
    """

    name: str
    version: str
    cutoff: date
    needs_history: bool
    folds_in: bool
    loaded: Loaded
    popular: Loaded
    interacted: frozenset[str]
    people: People
    catalogue: dict[str, Product]
    similar: Neighbours | None
    follow: Neighbours | None
    contexts: ContextPopularity
    alike: DescribedAlike
    rules: Rules
    state: tuple[int | None, ...]
    columns: Columns = field(default_factory=Columns)

    @cached_property
    def similar_rows(self) -> dict[str, int]:
        """`product_id` → row of it in the model of pairs that reasons come from."""
        pairs = self.similar or self.follow
        return {} if pairs is None else {each: row for row, each in enumerate(pairs.products)}


def state_of(store: DeltaStore) -> tuple[int | None, ...]:
    """Versions of the tables that decide what serves; another one: load again."""
    return tuple(map(store.version, _DECIDING))


def load(store: DeltaStore, exclude: Exclusion) -> ServedModel:
    """Read what serves.

    Args:
        store: the lake.
        exclude: which of a person's products stay out of lists.

    Raises:
        UserError: nothing serves yet.
        DataError: the champion's artefact is not there.
    """
    state = state_of(store)
    champion = held(store, CHAMPION)
    if champion.is_empty() or champion["cutoff"][0] is None:
        raise UserError("no model serves yet; `persona run` or `persona demo` makes one")
    return load_training(store, champion.row(0, named=True), exclude, state)


def load_training(
    store: DeltaStore,
    training: Mapping[str, Any],
    exclude: Exclusion,
    state: tuple[int | None, ...] = (),
) -> ServedModel:
    """Read one training as if it served.

    Args:
        store: the lake.
        training: `model`, `parameters`, `cutoff` and `artefact_hash` of it.
        exclude: which of a person's products stay out of lists.
        state: versions of the tables that say that it serves.

    Raises:
        DataError: its artefact is not there.
    """
    cutoff = training["cutoff"]
    model = configured(model_named(training["model"]), training["parameters"])
    artefact = _artefact(store, model, cutoff)
    popular = MODELS[Popularity.name]
    popularity = store.read(popular.artefact, [cutoff])
    catalogue = _catalogue(store)
    return ServedModel(
        model.name,
        training["artefact_hash"],
        cutoff,
        model.needs_history,
        model.folds_in,
        model.load(artefact),
        popular.load(popularity),
        frozenset(popularity.filter(pl.col("score") > 0)["product_id"].to_list()),
        _people(store, cutoff, exclude),
        catalogue,
        _neighbours(store, ITEM_KNN_MODEL, cutoff),
        _neighbours(store, DIRECTIONAL_MODEL, cutoff),
        _contexts(store, popularity, cutoff),
        DescribedAlike.of(store.read(PRODUCTS) if store.exists(PRODUCTS) else PRODUCTS.empty()),
        rules_of(store, {product: each.category for product, each in catalogue.items()}),
        state,
    )


def with_training(
    served: ServedModel, store: DeltaStore, training: Mapping[str, Any]
) -> ServedModel:
    """What serves, with another training of the same cut-off in the place of its model.

    Histories and catalogue are shared, so that it takes the memory of the artefact alone.

    Args:
        served: what serves.
        store: the lake.
        training: `model`, `parameters` and `artefact_hash` of the other one.

    Raises:
        DataError: its artefact is not there.
    """
    model = configured(model_named(training["model"]), training["parameters"])
    return replace(
        served,
        name=model.name,
        version=training["artefact_hash"],
        needs_history=model.needs_history,
        folds_in=model.folds_in,
        loaded=model.load(_artefact(store, model, served.cutoff)),
        columns=Columns(),
    )


def rules_of(store: DeltaStore, category_of: Mapping[str, str | None]) -> Rules:
    """The shop's rules; none where it has none.

    Args:
        store: the lake.
        category_of: category of each product of the catalogue.
    """
    if not store.exists(MERCHANDISING_RULES):
        return Rules()
    return Rules.of(store.read(MERCHANDISING_RULES), category_of)


def _artefact(store: DeltaStore, model: Recommender, cutoff: date) -> pl.DataFrame:
    artefact = store.read(model.artefact, [cutoff])
    if artefact.is_empty():
        raise DataError(
            f"{model.artefact.path} has no rows of {cutoff}, which serves by {CHAMPION.path}; "
            "`persona run` makes them"
        )
    return artefact


def _contexts(store: DeltaStore, popularity: pl.DataFrame, cutoff: date) -> ContextPopularity:
    """Contexts of the last events that the training could know.

    Countries are those that `models/segment_popularity_model` knows people's to be; kinds of
    devices and referrers are those of events that the service collected.
    """
    everyone = popularity.sort("product_id")
    instant = nw.lit(midnight(cutoff), dtype=nw.Datetime("us", "UTC"))
    first = nw.lit(midnight(cutoff - CONTEXT_DAYS), dtype=nw.Datetime("us", "UTC"))
    columns = ("event_id", "user_id", "product_id", "event_ts", "weight")
    recent = store.scan(USER_ITEM_INTERACTIONS).filter(
        nw.col("event_ts") >= first, nw.col("event_ts") < instant, nw.col("arrived_at") < instant
    )
    rows = store.collect(recent.select(*columns))
    contexts = rows.select("event_id", "user_id").drop_nulls("event_id")
    contexts = contexts.join(_countries(store, cutoff), on="user_id", how="left")
    of_visits = _of_visits(store, cutoff)
    return ContextPopularity.of(
        everyone["product_id"],
        everyone["score"].to_numpy(),
        rows,
        contexts.join(of_visits, on="event_id", how="left").drop("user_id"),
        cutoff,
    )


def _countries(store: DeltaStore, cutoff: date) -> pl.DataFrame:
    """`user_id, country`; none where no country is known, or segments are others."""
    none = pl.DataFrame(schema={"user_id": pl.String(), "country": pl.String()})
    model = MODELS[SegmentPopularity.name]
    if not store.exists(model.artefact):
        return none
    configuration = with_configuration_in_use(store, model).config
    if json.loads(configuration.to_json())["segment"] != "country":
        return none
    people = store.read(model.artefact, [cutoff]).filter(pl.col("entity") == "user")
    return people.select(user_id="id", country="segment")


def _of_visits(store: DeltaStore, cutoff: date) -> pl.DataFrame:
    """`event_id, device, referrer` of collected events."""
    columns = ["event_id", "device", "referrer"]
    if not store.exists(COLLECTED_EVENTS):
        return COLLECTED_EVENTS.empty().select(columns)
    days = [cutoff - timedelta(days=age) for age in range(CONTEXT_DAYS.days + 2)]
    return store.read(COLLECTED_EVENTS, days, columns=columns).unique("event_id")


def _people(store: DeltaStore, cutoff: date, exclude: Exclusion) -> People:
    rows = store.collect(store.scan(USER_ITEM_INTERACTIONS).select(*map(nw.col, _HISTORY)))
    instant = pl.lit(midnight(cutoff), dtype=pl.Datetime("us", "UTC"))
    known = (pl.col("event_ts") < instant) & (pl.col("arrived_at") < instant)
    rows = rows.with_columns(known=known)
    # By now, not by the cut-off: what was bought this week is not shown again either.
    pairs = excluded_pairs(rows, cutoff=date.max, exclude=exclude)
    excluded = pairs.group_by("user_id").agg("product_id")
    everyone = (
        rows.group_by("user_id")
        .agg(trained=pl.col("known").any(), changed=(~pl.col("known")).any())
        .sort("user_id")
    )
    numbers = everyone.select("user_id").with_row_index("row")
    events = rows.filter(pl.col("weight") > 0).join(numbers, on="user_id").sort("row")
    counts = np.bincount(events["row"].to_numpy(), minlength=everyone.height)
    return People(
        {name: row for row, name in enumerate(everyone["user_id"].to_list())},
        np.concatenate([[0], np.cumsum(counts)]),
        events["product_id"].to_list(),
        events["event_ts"].dt.epoch("us").to_numpy(),
        events["weight"].to_numpy(),
        everyone["trained"].to_numpy(),
        everyone["changed"].to_numpy(),
        {user: frozenset(products) for user, products in excluded.iter_rows()},
        _collected(store, rows["event_id"]),
    )


def _collected(store: DeltaStore, in_mart: pl.Series) -> frozenset[str]:
    if not store.exists(COLLECTED_EVENTS):
        return frozenset()
    found = store.read(COLLECTED_EVENTS, columns=["event_id"])["event_id"]
    return frozenset(found.filter(found.is_in(in_mart.implode())).to_list())


def _catalogue(store: DeltaStore) -> dict[str, Product]:
    if not store.exists(PRODUCTS):
        return {}
    found = store.read(PRODUCTS, columns=["product_id", "name", "price", "category"])
    return {product: Product(*of) for product, *of in found.iter_rows() if product is not None}


def _neighbours(store: DeltaStore, table: Table, cutoff: date) -> Neighbours | None:
    if not store.exists(table):
        return None
    rows = store.read(table, [cutoff])
    return None if rows.is_empty() else Neighbours.from_artefact(rows, table)
