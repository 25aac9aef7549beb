"""The protocol of an engine: what the lake needs of whatever computes on frames.

Belongs here: the protocol an engine fulfils and the ways in which it fails. Each engine is one
module (`polars_engine.py`, `spark_engine.py`); the store and everything above it see only this.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

import narwhals as nw
import polars as pl
from deltalake import DeltaTable

from persona_assets.lake.content_hash import Sums
from persona_assets.tables import Table


class EngineError(Exception):
    """Why an engine did not write. Its text is the cause on one line, without any row's values."""


class Conflict(EngineError):  # noqa: N818 - not an error until it has happened often
    """Another writer changed the same rows meanwhile; the same write may succeed now."""


class StrayRows(EngineError):  # noqa: N818 - says what there is
    """Rows do not match the predicate of the overwrite."""


class FrameFault(EngineError):  # noqa: N818 - says what there is
    """The rows to be written could not be computed."""


class StorageFault(EngineError):  # noqa: N818 - says what there is
    """Anything else: storage, network, cluster."""


class Engine(Protocol):
    """Reads and writes Delta tables as lazy frames of one dataframe library.

    Frames in this process's memory (Polars) are taken by every engine and handled in this process.
    """

    @property
    def name(self) -> str:
        """The name by which `PERSONA_ENGINE` selects it."""
        ...

    @property
    def distributed(self) -> bool:
        """Are frames computed by a cluster that divides the work by itself?"""
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

        Returns:
            The version that the commit became.

        Raises:
            Conflict: another writer has changed the same rows since `delta` was loaded.
            StrayRows: rows of `frame` do not match `predicate`.
            FrameFault: `frame` cannot be computed.
            StorageFault: anything else went wrong.
        """
        ...

    def cache(self, frames: Sequence[nw.LazyFrame]) -> list[nw.LazyFrame]:
        """`frames` computed once for more than one use, and parts that they share once as well.

        They may be released when `cache` is called again; using them then is correct but slow.
        """
        ...

    def collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        """The rows of a lazy frame in this process's memory."""
        ...

    def digests(self, frame: nw.LazyFrame, by: str | None) -> Sums:
        """Rows and sum of row hashes per value of the date column `by`.

        Without `by` all rows have the one key None. A key without rows may be absent.
        """
        ...
