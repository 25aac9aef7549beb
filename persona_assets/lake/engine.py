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
        delta: DeltaTable,
        frame: nw.LazyFrame,
        *,
        predicate: str,
        metadata: Mapping[str, str],
    ) -> int:
        """Replace the rows that match `predicate` by `frame`, in one commit.

        Returns the version that the commit became. Raises deltalake's CommitFailedError when
        another writer has changed the same rows since `delta` was loaded.
        """
        ...

    def together(self, frames: Sequence[nw.LazyFrame]) -> list[nw.LazyFrame]:
        """`frames` computed once where they share work, before each is written by itself."""
        ...

    def lazy(self, frame: pl.DataFrame) -> nw.LazyFrame:
        """A Polars frame as a lazy frame of this engine."""
        ...

    def collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        """The rows of a lazy frame in this process's memory."""
        ...
