"""The seam between the lake and whatever computes on frames.

Belongs here: the protocol an engine fulfils. Each engine is one module (`polars_engine.py`); the
store and everything above it see only this.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

import narwhals as nw
import polars as pl
from deltalake import DeltaTable

from persona_assets.tables import Table


class Engine(Protocol):
    """Reads and writes Delta tables as lazy frames of one dataframe library."""

    @property
    def name(self) -> str:
        """The name by which `PERSONA_ENGINE` selects it."""
        ...

    def scan(
        self, delta: DeltaTable, table: Table, partitions: Sequence[date] | None
    ) -> nw.LazyFrame:
        """The rows of `delta`, at the version it was loaded at, that lie in `partitions`."""
        ...

    def overwrite(
        self,
        uri: str,
        frame: nw.LazyFrame,
        *,
        partition_by: str | None,
        predicate: str | None,
        metadata: Mapping[str, str],
        storage_options: Mapping[str, str],
    ) -> None:
        """Replace the rows that match `predicate` (None: all) by `frame`, in one commit.

        Raises deltalake's CommitFailedError when another writer changed the same rows.
        """
        ...

    def lazy(self, frame: pl.DataFrame) -> nw.LazyFrame:
        """A Polars frame as a lazy frame of this engine."""
        ...

    def collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        """The rows of a lazy frame in this process's memory."""
        ...
