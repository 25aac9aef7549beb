"""Group `features`: temporal features, daily aggregates and embeddings."""

from collections.abc import Iterator

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.orchestration.daily import each_batch
from persona_assets.orchestration.dispatch import train_item_embeddings
from persona_assets.orchestration.partitions import BEFORE_CUTOFF, DAILY, LOOK_BACK, SAME, WEEKLY
from persona_assets.orchestration.resources.lake import DayBatch, Lake
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.table_asset import Reads, table_asset
from persona_assets.orchestration.weekly import at, each_cutoff
from persona_assets.skipped import Partial
from persona_assets.tables import features, mart, raw
from persona_assets.transforms import aggregates, embeddings, temporal
from persona_assets.transforms.days import during

_SEQUENCE = (
    "user_id", "product_id", "event_id", "event_type", "event_ts", "arrived_at", "weight",
)  # fmt: skip


@table_asset(
    features.TEMPORAL_FEATURES,
    partitions=DAILY,
    reads={
        "interactions": Reads(mart.USER_ITEM_INTERACTIONS, LOOK_BACK),
        "products": Reads(raw.PRODUCT_HISTORY),
    },
)
def temporal_features(
    context: dg.AssetExecutionContext,
    lake: Lake,
    interactions: nw.LazyFrame,
    products: nw.LazyFrame,
) -> Iterator[DayBatch]:
    """When each event happened, relative to the calendar, its session and the user's past.

    The past is what was known then: rows that arrived on a later day are nobody's predecessor.
    """
    engine = lake.store.engine
    last = temporal.LastInteractions(
        interactions, products, hold=lambda frame: engine.cache([frame])[0]
    )
    return each_batch(
        context,
        lake,
        mart.USER_ITEM_INTERACTIONS,
        lambda days: temporal.temporal_features(
            interactions, products, days, interacted=last.before(days)
        ),
    )


@table_asset(
    features.USER_DAILY,
    partitions=DAILY,
    reads={
        "interactions": Reads(mart.USER_ITEM_INTERACTIONS, SAME),
        "search_logs": Reads(raw.SEARCH_LOGS, SAME),
    },
    settings=["hash_key"],
)
def user_daily(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    interactions: nw.LazyFrame,
    search_logs: nw.LazyFrame,
) -> Iterator[DayBatch]:
    """What each user did on a day, by the day on which it became known."""
    key = shop.hash_key
    return each_batch(
        context,
        lake,
        mart.USER_ITEM_INTERACTIONS,
        lambda days: aggregates.user_daily(
            during(interactions, days), during(search_logs, days), key=key
        ),
    )


@table_asset(
    features.ITEM_DAILY,
    partitions=DAILY,
    reads={"interactions": Reads(mart.USER_ITEM_INTERACTIONS, SAME)},
)
def item_daily(
    context: dg.AssetExecutionContext, lake: Lake, interactions: nw.LazyFrame
) -> Iterator[DayBatch]:
    """What happened to each product on a day, by the day on which it became known."""
    return each_batch(
        context,
        lake,
        mart.USER_ITEM_INTERACTIONS,
        lambda days: aggregates.item_daily(during(interactions, days)),
    )


@table_asset(
    features.ITEM_EMBEDDINGS,
    no_rows=f"no product was interacted with {embeddings.MIN_COUNT} times before the cut-off",
    partitions=WEEKLY,
    reads={"interactions": Reads(mart.USER_ITEM_INTERACTIONS, BEFORE_CUTOFF, _SEQUENCE)},
    kinds=["gensim"],
    settings=["seed"],
)
def item_embeddings(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    interactions: nw.LazyFrame,
) -> Partial[nw.LazyFrame]:
    """Word2Vec (skip-gram) over users' interaction sequences before the cut-off."""
    seed = shop.settings.seed
    [history] = lake.store.engine.cache([interactions])
    return each_cutoff(
        context,
        lake,
        features.ITEM_EMBEDDINGS,
        lambda cutoff: train_item_embeddings(history, cutoff=cutoff, seed=seed),
    )


@table_asset(
    features.USER_EMBEDDINGS,
    no_rows="nobody interacted with a product that has an embedding",
    partitions=WEEKLY,
    reads={
        "interactions": Reads(mart.USER_ITEM_INTERACTIONS, BEFORE_CUTOFF, _SEQUENCE),
        "items": Reads(features.ITEM_EMBEDDINGS, SAME),
    },
)
def user_embeddings(
    context: dg.AssetExecutionContext,
    lake: Lake,
    interactions: pl.DataFrame,
    items: pl.DataFrame,
) -> Partial[pl.DataFrame]:
    """Each user as the mean of the items they interacted with, weighted by implicit feedback."""
    return each_cutoff(
        context,
        lake,
        features.USER_EMBEDDINGS,
        lambda cutoff: embeddings.user_embeddings(interactions, at(items, cutoff), cutoff=cutoff),
    )


ASSETS = (temporal_features, user_daily, item_daily, item_embeddings, user_embeddings)
