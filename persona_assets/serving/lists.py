"""Recommendation lists as a shop reads them: with its own identifiers, names and prices.

Belongs here: choosing a cut-off and a model, one customer's list, and all lists joined back to the
shop's identifiers. Does not belong here: making lists (`recommenders/`), where the key comes from
(`settings/`), or printing and files (`cli/`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.errors import UserError
from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.append import held
from persona_assets.recommenders import model_named
from persona_assets.serving.ruled_lists import Arranging, by_rules
from persona_assets.sources.null_words import BLANKS
from persona_assets.tables.models import FALLBACK_USER, TOP_K
from persona_assets.tables.monitoring import SKIPPED
from persona_assets.tables.raw import EVENTS, ORDERS, PRODUCTS, USERS
from persona_assets.tables.serving import CHAMPION, SERVED
from persona_assets.transforms.pseudonyms import MARK, pseudonym

POPULARITY = "popularity"
ITEM_SCHEMA = pl.Schema(
    {
        "rank": pl.Int64(),
        "product_id": pl.String(),
        "name": pl.String(),
        "price": pl.Float64(),
        "score": pl.Float64(),
    }
)
"""Columns of `Recommended.items`: `price` is today's list price in the shop's currency."""


@dataclass(frozen=True, eq=False)
class Recommended:
    """One customer's list.

    Attributes:
        model: the model that made it.
        cutoff: the Monday before which everything was known.
        known: whether the list was made for this customer; else it is the one for anybody.
        items: columns of `ITEM_SCHEMA`, best first.
        notes: what a reader must know about it, as sentences.
    """

    model: str
    cutoff: date
    known: bool
    items: pl.DataFrame
    notes: tuple[str, ...]


def cutoff_of(store: DeltaStore, asked: date | None = None) -> date:
    """The newest cut-off that has lists, or the one asked for.

    Raises:
        UserError: it has none.
    """
    days = sorted(store.partition_rows(TOP_K)) if store.exists(TOP_K) else []
    if not days:
        raise UserError("there are no lists yet; `persona run` or `persona demo` makes them")
    if asked is None:
        return date.fromisoformat(days[-1])
    if str(asked) not in days:
        raise UserError(f"there are no lists of {asked}; cut-offs with lists: {', '.join(days)}")
    return asked


def serving_model(store: DeltaStore, cutoff: date) -> str:
    """The model to read lists of where none is asked for: the champion.

    Popularity where the champion has no lists of the cut-off.
    """
    there = _models(store, cutoff)
    champion = held(store, CHAMPION)["model"].first()
    return str(champion) if champion in there else POPULARITY


def recommended(
    store: DeltaStore,
    customer: str,
    key: bytes,
    *,
    cutoff: date,
    model: str | None = None,
    k: int | None = None,
    arranging: Arranging | None = None,
) -> Recommended:
    """The list of the customer with the shop's identifier `customer`.

    Who was unknown at the cut-off gets the list that popularity has for anybody.

    Args:
        store: the lake.
        customer: the shop's identifier; blanks around it do not count.
        key: of the lake's hashes.
        cutoff: one that has lists.
        model: name of a model; None: `serving_model`.
        k: at most so many products; None: the whole list.
        arranging: by the rules of the shop; None: as the model made it.

    Raises:
        UserError: no such model, no lists of it at the cut-off, or no identifier.
    """
    identifier = customer.strip(BLANKS)
    if not identifier:
        raise UserError("the customer's identifier is empty; give it as the shop writes it")
    name = model_of(store, cutoff, model) if model else serving_model(store, cutoff)
    rows = _rows(store, cutoff, name, pseudonym(identifier, key))
    notes, known = [], not rows.is_empty()
    if not known:
        name = POPULARITY
        rows = _rows(store, cutoff, name, FALLBACK_USER)
        notes.append(
            f"nothing of this customer was known before {cutoff}: this is what anybody gets, by "
            "popularity"
        )
    if arranging is not None:
        rows = by_rules(store, rows, replace(arranging, k=k or 0))
    if k is not None and rows.height < k:
        notes.append(f"the list has {rows.height} products, not {k}")
    items = with_products(store, rows if k is None else rows.head(k))
    return Recommended(
        name, cutoff, known, items.select(ITEM_SCHEMA.names()).cast(ITEM_SCHEMA), tuple(notes)
    )


def model_of(store: DeltaStore, cutoff: date, name: str) -> str:
    """The name of a model that has lists at the cut-off.

    Raises:
        UserError: there is no such model, or it has none; with the reason where one is known.
    """
    subject = model_named(name)
    there = _models(store, cutoff)
    if subject.name in there:
        return subject.name
    found = held(store, SKIPPED).filter(
        (pl.col("table") == subject.artefact.path)
        & (pl.col("partition") == str(cutoff))
        & pl.col("part").is_in(["", subject.name])
    )
    reason = f": {found['reason'][0]}" if found.height else ""
    raise UserError(
        f"there are no lists of {name} of {cutoff}{reason}; use one of {', '.join(sorted(there))}"
    )


def all_lists(store: DeltaStore, cutoff: date, models: Iterable[str] = ()) -> pl.DataFrame:
    """Rows of `recommendations/top_k` at the cut-off with products' names and prices.

    Args:
        store: the lake.
        cutoff: one that has lists.
        models: only theirs; none: of all.
    """
    rows = store.read(TOP_K, [cutoff])
    if wanted := list(models):
        rows = rows.filter(pl.col("model").is_in(wanted))
    return with_products(store, rows.sort(TOP_K.key))


def served_lists(store: DeltaStore, arranging: Arranging | None = None) -> pl.DataFrame:
    """Rows of `recommendations/served` with products' names and prices.

    Args:
        store: the lake.
        arranging: by the rules of the shop; None: as the model made them.

    Raises:
        UserError: there are none.
    """
    rows = held(store, SERVED)
    if rows.is_empty():
        raise UserError(
            f"{SERVED.path} has no rows; `persona run` makes it from the champion's lists"
        )
    return with_products(store, by_rules(store, rows, arranging) if arranging else rows)


def with_customers(store: DeltaStore, lists: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """`lists` with the shop's identifier `customer` in place of the hash `user_id`.

    `*` stays: the list for people without history. Null: the raw tables have that person no more.
    """
    own: set[str] = {FALLBACK_USER}
    for table in (USERS, EVENTS, ORDERS):
        if store.exists(table):
            frame = store.scan(table).select("user_id").group_by("user_id").agg(nw.len())
            given = store.collect(frame)["user_id"].drop_nulls()
            own.update(given.filter(~given.str.starts_with(MARK)))
    names = sorted(own)
    hashes = [each if each == FALLBACK_USER else pseudonym(each, key) for each in names]
    table_of_names = pl.DataFrame(
        {"user_id": hashes, "customer": names},
        schema={"user_id": pl.String, "customer": pl.String},
    )
    joined = lists.join(table_of_names, on="user_id", how="left", maintain_order="left")
    return joined.select("customer" if name == "user_id" else name for name in lists.columns)


def with_products(store: DeltaStore, lists: pl.DataFrame) -> pl.DataFrame:
    """`lists` with `name` and `price` of the products as the shop has them today."""
    if store.exists(PRODUCTS):
        products = store.read(PRODUCTS, columns=["product_id", "name", "price"])
    else:
        products = PRODUCTS.empty().select("product_id", "name", "price")
    products = products.unique("product_id", keep="first", maintain_order=True)
    return lists.join(products, on="product_id", how="left", maintain_order="left")


def _models(store: DeltaStore, cutoff: date) -> set[str]:
    frame = store.scan(TOP_K, [cutoff]).group_by("model").agg(nw.len())
    return set(store.collect(frame)["model"])


def _rows(store: DeltaStore, cutoff: date, model: str, user: str) -> pl.DataFrame:
    frame = store.scan(TOP_K, [cutoff]).filter(nw.col("model") == model, nw.col("user_id") == user)
    return store.collect(frame).sort("rank")
