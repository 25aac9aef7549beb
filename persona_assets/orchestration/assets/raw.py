"""Group `raw`: what the shop delivered, as it delivered it."""

from collections.abc import Callable, Iterator
from datetime import datetime

import dagster as dg
import polars as pl

from persona_assets.merchandising.rules_file import read_rules
from persona_assets.orchestration.daily import each_delivery
from persona_assets.orchestration.event_log.assets import COLLECTED
from persona_assets.orchestration.outputs import asset_key
from persona_assets.orchestration.partitions import DAILY
from persona_assets.orchestration.resources.lake import DayBatch, Lake
from persona_assets.orchestration.resources.provenance import RULES
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.table_asset import table_asset
from persona_assets.sources import attribute_deliveries, open_source
from persona_assets.sources.collected import with_collected
from persona_assets.sources.protocol import Source
from persona_assets.tables import Table, raw

_History = Callable[[pl.DataFrame, Source, datetime], pl.DataFrame]


def _with_delivery(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    table: Table,
    after: _History,
) -> pl.DataFrame:
    """The table after a delivery that arrives now, from what it holds; the UI is told the rest."""
    store = lake.store
    known = store.read(table) if store.exists(table) else table.empty()
    found = after(known, shop.source, shop.clock())
    changes = attribute_deliveries.changes(known, found)
    context.add_asset_metadata(
        {
            "persona/new": changes.new,
            "persona/changed": changes.changed,
            "persona/gone": changes.gone,
            "persona/known_differently_since": changes.since.isoformat() if changes.since else "",
        },
        asset_key=asset_key(table),
    )
    return found


@table_asset(raw.USERS, settings=[], code=[open_source])
def users(context: dg.AssetExecutionContext, shop: Shop) -> pl.DataFrame:
    """People known to the shop, with the shop's own identifiers (PII: they stay in this group)."""
    return shop.source.users()


@table_asset(raw.PRODUCTS, settings=[], code=[open_source])
def products(context: dg.AssetExecutionContext, shop: Shop) -> pl.DataFrame:
    """The catalogue: products, and the codes that are services or no article number at all."""
    return shop.source.products()


@table_asset(raw.USER_HISTORY, settings=[], code=[open_source])
def user_history(context: dg.AssetExecutionContext, lake: Lake, shop: Shop) -> pl.DataFrame:
    """What was known of people from when until when; grows with changes, not with deliveries."""
    return _with_delivery(context, lake, shop, raw.USER_HISTORY, attribute_deliveries.user_history)


@table_asset(raw.PRODUCT_HISTORY, settings=[], code=[open_source])
def product_history(context: dg.AssetExecutionContext, lake: Lake, shop: Shop) -> pl.DataFrame:
    """What was known of products from when until when; grows with changes, not with deliveries."""
    return _with_delivery(
        context, lake, shop, raw.PRODUCT_HISTORY, attribute_deliveries.product_history
    )


@table_asset(
    raw.EVENTS,
    partitions=DAILY,
    settings=[],
    code=[open_source],
    follows=[COLLECTED],
)
def events(context: dg.AssetExecutionContext, lake: Lake, shop: Shop) -> Iterator[DayBatch]:
    """Behavioural events as delivered and collected: duplicates, odd formats, broken rows included.

    What the source delivers for a day, and what the service has collected of it.
    """
    store = lake.store
    # Before any row is read: what is collected meanwhile makes the day due again.
    shop.versions(raw.EVENTS, store)
    return each_delivery(context, with_collected(shop.source.events, store))


@table_asset(raw.ORDERS, partitions=DAILY, settings=[], code=[open_source])
def orders(context: dg.AssetExecutionContext, shop: Shop) -> Iterator[DayBatch]:
    """Order lines as delivered, cancelled ones included."""
    return each_delivery(context, shop.source.orders)


@table_asset(raw.SEARCH_LOGS, partitions=DAILY, settings=[], code=[open_source])
def search_logs(context: dg.AssetExecutionContext, shop: Shop) -> Iterator[DayBatch]:
    """Searches as delivered (PII: the text is whatever people type)."""
    return each_delivery(context, shop.source.search_logs)


@table_asset(raw.MERCHANDISING_RULES, settings=[RULES])
def merchandising_rules(context: dg.AssetExecutionContext, shop: Shop) -> pl.DataFrame:
    """The shop's rules about its lists, from the file that PERSONA_RULES names, if any."""
    return read_rules(shop.settings.rules)


ASSETS = (
    users,
    products,
    user_history,
    product_history,
    events,
    orders,
    search_logs,
    merchandising_rules,
)
