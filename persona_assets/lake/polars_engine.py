"""The embedded engine: Polars frames, Delta by delta-rs, no JVM."""

from collections.abc import Mapping, Sequence
from datetime import date

import narwhals as nw
import polars as pl
from deltalake import CommitProperties, DeltaTable

from persona_assets.tables import Table

# Retries that delta-rs makes for writers of disjoint partitions; 6 racing writers need about 5.
_REBASES = 20


class PolarsEngine:
    """Streams lazy Polars frames into Delta tables."""

    name = "polars"

    def scan(
        self, delta: DeltaTable, table: Table, partitions: Sequence[date] | None
    ) -> nw.LazyFrame:
        """The rows of `delta` in `partitions`, as a Narwhals lazy frame."""
        frame = pl.scan_delta(delta).select(table.polars_schema.names())
        if partitions is not None and table.partition is not None:
            # The bounds let Polars skip files; the list drops days inside a gap.
            column = pl.col(table.partition)
            if partitions:
                frame = frame.filter(column.is_between(min(partitions), max(partitions)))
                if (max(partitions) - min(partitions)).days + 1 != len(set(partitions)):
                    frame = frame.filter(column.is_in(list(partitions)))
            else:
                frame = frame.filter(False)
        return nw.from_native(frame)

    def overwrite(
        self,
        delta: DeltaTable,
        frame: nw.LazyFrame,
        *,
        predicate: str,
        metadata: Mapping[str, str],
    ) -> int:
        """Replace the rows matching `predicate` by `frame` in one commit of delta-rs."""
        native: pl.LazyFrame = nw.to_native(frame)
        native.sink_delta(
            delta,
            mode="overwrite",
            delta_write_options={
                "predicate": predicate,
                "commit_properties": CommitProperties(
                    custom_metadata=dict(metadata), max_commit_retries=_REBASES
                ),
            },
        )
        # delta-rs moves the object to the version it committed, whatever rivals did meanwhile.
        return delta.version()

    def together(self, frames: Sequence[nw.LazyFrame]) -> list[nw.LazyFrame]:
        """`frames` held in memory, their common steps computed once."""
        return [self.lazy(frame) for frame in pl.collect_all([nw.to_native(f) for f in frames])]

    def lazy(self, frame: pl.DataFrame) -> nw.LazyFrame:
        """A Polars frame as a Narwhals lazy frame."""
        return nw.from_native(frame.lazy())

    def collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        """The rows as a Polars frame."""
        native: pl.LazyFrame = nw.to_native(frame)
        return native.collect()
