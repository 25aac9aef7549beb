"""A source that delivers rows of its own besides those of another one."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from persona_assets.sources.protocol import Source


class ShopWithMoreRows:
    """A shop that delivers more than `shop` does: rows of raw tables, filed where they say.

    The rows need no `source_row`; they follow those that the day has anyway.
    """

    def __init__(
        self, shop: Source, events: pl.DataFrame, search_logs: pl.DataFrame | None = None
    ) -> None:
        self._shop = shop
        self._more = {"events": events, "search_logs": search_logs}

    def __getattr__(self, name: str) -> object:
        return getattr(self._shop, name)

    def events(self, days: Sequence[date]) -> pl.DataFrame:
        return self._with_more("events", self._shop.events(days), days)

    def search_logs(self, days: Sequence[date]) -> pl.DataFrame:
        return self._with_more("search_logs", self._shop.search_logs(days), days)

    def _with_more(self, table: str, own: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
        more = self._more[table]
        if more is None:
            return own
        names = [name for name in own.columns if name != "source_row"]
        asked = more.filter(pl.col("event_date").is_in(list(days))).select(names)
        asked = asked.cast({name: own.schema[name] for name in names})
        position = pl.int_range(pl.len(), dtype=pl.Int64).over("event_date")
        return (
            pl.concat([own.select(names), asked])
            .sort("event_date", maintain_order=True)
            .with_columns(source_row=position)
            .select(own.columns)
        )
