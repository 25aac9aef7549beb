"""Group `mart`: cleaned interactions, what was rejected and why, and sessions."""

from collections.abc import Iterator, Sequence
from datetime import date

import dagster as dg
import narwhals as nw

from persona_assets.orchestration.daily import each_batch
from persona_assets.orchestration.partitions import DAILY, SAME
from persona_assets.orchestration.resources.lake import DayBatch, Lake
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.table_asset import Reads, table_asset
from persona_assets.tables import mart, raw
from persona_assets.transforms.cleaning import accepted, clean, rejected
from persona_assets.transforms.days import during
from persona_assets.transforms.sessions import summarise_sessions


@table_asset(
    mart.USER_ITEM_INTERACTIONS,
    mart.QUARANTINE,
    partitions=DAILY,
    reads={
        "events": Reads(raw.EVENTS, SAME),
        "products": Reads(raw.PRODUCT_HISTORY, names=("product_id", raw.EVENTS)),
    },
    settings=["event_weights", "hash_key"],
)
def interactions_and_quarantine(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    events: nw.LazyFrame,
    products: nw.LazyFrame,
) -> Iterator[DayBatch]:
    """Every raw event cleaned once: accepted rows make the mart, rejected ones the quarantine.

    Times become UTC, user identifiers keyed hashes; events without consent do not enter. Each
    rejected row is kept with the first rule it breaks, the column and the offending value.
    """
    engine = lake.store.engine
    key, weights = shop.hash_key, shop.settings.event_weights

    def cleaned(days: Sequence[date]) -> Sequence[nw.LazyFrame]:
        [cleaned] = engine.cache([clean(during(events, days), products, key=key, weights=weights)])
        return accepted(cleaned), rejected(cleaned)

    return each_batch(context, lake, raw.EVENTS, cleaned)


@table_asset(
    mart.SESSIONS,
    partitions=DAILY,
    reads={"interactions": Reads(mart.USER_ITEM_INTERACTIONS, SAME)},
)
def sessions(
    context: dg.AssetExecutionContext, lake: Lake, interactions: nw.LazyFrame
) -> Iterator[DayBatch]:
    """Visits: how long, how many events, how deep into the funnel, and was a cart abandoned."""
    return each_batch(
        context,
        lake,
        mart.USER_ITEM_INTERACTIONS,
        lambda days: summarise_sessions(during(interactions, days)),
    )


ASSETS = (interactions_and_quarantine, sessions)
