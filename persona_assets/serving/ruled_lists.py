"""Lists of a run, as the service would arrange them now: by the shop's rules and rejections.

Belongs here: lists in tables. Does not belong here: the rules themselves
(`merchandising/rules.py`), one person's list over HTTP (`recommending/`).
"""

from dataclasses import dataclass
from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.merchandising.rules import arranged
from persona_assets.recommenders.exclusion import Exclusion, excluded_pairs
from persona_assets.serving.recommending.served_model import rules_of
from persona_assets.tables.collected import COLLECTED_EVENTS
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.raw import PRODUCTS

HOME = "home"
"""Lists of a run are those of the shop's home page."""


@dataclass(frozen=True)
class Arranging:
    """How lists are arranged.

    Attributes:
        now: seconds since 1970 UTC, at which rules hold or do not.
        exclude: the rule of lists, for pinned products.
        cap: most products of one category; 0: as many as there are.
        k: at most so many products of each list; 0: as many as it has.
    """

    now: float
    exclude: Exclusion = "bought"
    cap: int = 0
    k: int = 0


def by_rules(store: DeltaStore, lists: pl.DataFrame, how: Arranging) -> pl.DataFrame:
    """`lists` arranged by the rules that hold, without what people rejected.

    Args:
        store: the lake.
        lists: `user_id, rank, product_id, score` and what is the same in all rows of a user.
        how: see `Arranging`.

    Returns:
        The same columns, ranks from 1 in each list, users in their order. A pinned product has its
        score in the list, or 0.
    """
    categories = _categories(store)
    holding = rules_of(store, categories).at(how.now, HOME)
    pinned = {product for wanted in holding.pinned.values() for product in wanted}
    left_out = _left_out(store, pinned, how.exclude)
    if not (holding.hidden or pinned or how.cap or left_out):
        return lists
    found = []
    for own in lists.sort("rank").partition_by("user_id", maintain_order=True):
        user = own["user_id"][0]
        products = arranged(
            own["product_id"],
            how.k or own.height,
            holding,
            category_of=categories.get,
            cap=how.cap,
            left_out={*left_out.get(user, ()), *(pinned - categories.keys())},
        )
        order = pl.DataFrame(
            {"product_id": products, "rank": range(1, len(products) + 1)},
            schema={"product_id": pl.String, "rank": lists.schema["rank"]},
        )
        scores = own.select("product_id", "score")
        same = own.drop("product_id", "rank", "score").head(1)
        found.append(
            order.join(scores, on="product_id", how="left", maintain_order="left")
            .with_columns(pl.col("score").fill_null(0.0))
            .join(same, how="cross")
            .select(lists.columns)
        )
    return pl.concat(found) if found else lists


def _categories(store: DeltaStore) -> dict[str, str | None]:
    if not store.exists(PRODUCTS):
        return {}
    rows = store.read(PRODUCTS, columns=["product_id", "category"])
    return dict(rows.filter(pl.col("product_id").is_not_null()).iter_rows())


def _left_out(store: DeltaStore, pinned: set[str], exclude: Exclusion) -> dict[str, set[str]]:
    """Person → products rejected, and pinned ones that the rule of lists keeps out."""
    pairs: list[tuple[str, str]] = []
    if store.exists(COLLECTED_EVENTS):
        events = store.scan(COLLECTED_EVENTS).filter(nw.col("event_type") == "reject")
        rejected = store.collect(events.select("user_id", "product_id")).drop_nulls()
        pairs += rejected.iter_rows()
    if pinned and store.exists(USER_ITEM_INTERACTIONS):
        rows = store.scan(USER_ITEM_INTERACTIONS).filter(nw.col("product_id").is_in(list(pinned)))
        kept = excluded_pairs(store.collect(rows), cutoff=date.max, exclude=exclude)
        pairs += kept.iter_rows()
    found: dict[str, set[str]] = {}
    for user, product in pairs:
        found.setdefault(user, set()).add(product)
    return found
