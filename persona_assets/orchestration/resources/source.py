"""The shop's raw data as a resource, opened when the first raw asset asks for it."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TypeAlias

import dagster as dg
import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.settings import Settings
from persona_assets.sources import open_source
from persona_assets.sources.collected import with_collected_versions
from persona_assets.sources.delivered_versions import delivered_versions
from persona_assets.sources.planted import PlantedTruth
from persona_assets.sources.protocol import PlantedTastes, Source
from persona_assets.tables import Table, raw


class ShopResource:
    """The settings' source, the key that hides its user identifiers, and the clock of deliveries.

    `clock` gives the present instant (UTC): what is delivered now arrives at it.
    """

    def __init__(
        self,
        settings: Settings,
        source: Source | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._given = source
        self._versions: dict[str, Mapping[str, str]] = {}

    @cached_property
    def source(self) -> Source:
        """The opened source; UserError where its file or mapping is unusable."""
        if self._given is not None:
            return self._given
        # The clock is read here, at the edge: sources have none.
        return open_source(self.settings.source, today=date.today())

    def versions(self, table: Table, store: DeltaStore) -> Mapping[str, str]:
        """Partition key of a raw table → version of what is delivered for it.

        Equal versions, equal rows. An unpartitioned table has the one key "". Events are delivered
        by the source and collected by the service; `store` is the lake that has the latter.
        """
        if table.path not in self._versions:
            found: Mapping[str, str] = delivered_versions(self.source, table)
            if table == raw.EVENTS:
                found = with_collected_versions(found, store)
            self._versions[table.path] = found
        return self._versions[table.path]

    @cached_property
    def hash_key(self) -> bytes:
        """Key of the user identifiers' hashes."""
        public = self.source.identifiers_are_public
        return self.settings.secret_key(identifiers_are_public=public)

    def planted_truth(self, users: pl.DataFrame, products: pl.DataFrame) -> PlantedTruth | None:
        """The true tastes of a made-up shop; None for a real one."""
        if not isinstance(self.source, PlantedTastes):
            return None
        return PlantedTruth(self.source, users, products, self.hash_key)


Shop: TypeAlias = dg.ResourceParam[ShopResource]
"""A parameter of an asset or op that is given the shop."""
