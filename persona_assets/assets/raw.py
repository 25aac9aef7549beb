"""Group `raw`: what the shop delivered, as it delivered it."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from persona_assets.assets.daily import each_delivery
from persona_assets.assets.declare import table_asset
from persona_assets.partitions import DAILY
from persona_assets.resources.lake import Piece
from persona_assets.sources import open_source
from persona_assets.tables import raw


@table_asset(raw.USERS, required=["shop"], code=[open_source])
def users(context: dg.AssetExecutionContext) -> pl.DataFrame:
    """People known to the shop, with the shop's own identifiers (PII: they stay in this group)."""
    return context.resources.shop.source.users()


@table_asset(raw.PRODUCTS, required=["shop"], code=[open_source])
def products(context: dg.AssetExecutionContext) -> pl.DataFrame:
    """The catalogue: products, and the codes that are services or no article number at all."""
    return context.resources.shop.source.products()


@table_asset(raw.EVENTS, partitions=DAILY, required=["shop"], code=[open_source])
def events(context: dg.AssetExecutionContext) -> Iterator[Piece]:
    """Behavioural events as delivered: duplicates, odd formats and broken rows included."""
    return each_delivery(context, context.resources.shop.source.events)


@table_asset(raw.ORDERS, partitions=DAILY, required=["shop"], code=[open_source])
def orders(context: dg.AssetExecutionContext) -> Iterator[Piece]:
    """Order lines as delivered, cancelled ones included."""
    return each_delivery(context, context.resources.shop.source.orders)


@table_asset(raw.SEARCH_LOGS, partitions=DAILY, required=["shop"], code=[open_source])
def search_logs(context: dg.AssetExecutionContext) -> Iterator[Piece]:
    """Searches as delivered (PII: the text is whatever people type)."""
    return each_delivery(context, context.resources.shop.source.search_logs)


ASSETS = (users, products, events, orders, search_logs)
