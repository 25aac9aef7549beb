"""Group `mart`: cleaned interactions, what was rejected and why, and sessions."""

import dagster as dg
import narwhals as nw

from persona_assets.assets.declare import Reads, table_asset
from persona_assets.partitions import DAILY, SAME
from persona_assets.tables import mart, raw
from persona_assets.transforms.cleaning import clean
from persona_assets.transforms.sessions import sessions as sessions_of


@table_asset(
    mart.USER_ITEM_INTERACTIONS,
    mart.QUARANTINE,
    partitions=DAILY,
    reads={"events": Reads(raw.EVENTS, SAME), "products": Reads(raw.PRODUCTS)},
    required=["shop"],
)
def interactions_and_quarantine(
    context: dg.AssetExecutionContext, events: nw.LazyFrame, products: nw.LazyFrame
) -> tuple[nw.LazyFrame, nw.LazyFrame]:
    """Every raw event judged once: accepted rows make the mart, rejected ones the quarantine.

    Times become UTC, user identifiers keyed hashes; events without consent do not enter. Each
    rejected row is kept with the first rule it breaks, the column and the offending value.
    """
    shop = context.resources.shop
    outcome = clean(events, products, key=shop.hash_key, weights=shop.settings.event_weights)
    accepted, rejected = context.resources.lake.store.engine.together(outcome)
    return accepted, rejected


@table_asset(
    mart.SESSIONS,
    partitions=DAILY,
    reads={"interactions": Reads(mart.USER_ITEM_INTERACTIONS, SAME)},
)
def sessions(interactions: nw.LazyFrame) -> nw.LazyFrame:
    """Visits: how long, how many events, how deep into the funnel, and was a cart abandoned."""
    return sessions_of(interactions)


ASSETS = (interactions_and_quarantine, sessions)
