"""The embedded engine: Polars frames, Delta by delta-rs, no JVM."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import narwhals as nw
import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from persona_assets.lake import content_hash
from persona_assets.lake.batches import batches
from persona_assets.lake.content_hash import Sums
from persona_assets.lake.engine import Conflict, FrameFault, StorageFault, StrayRows
from persona_assets.lake.object_store import writing
from persona_assets.lake.place import brief
from persona_assets.tables import Table

# Retries that delta-rs makes for writers of disjoint partitions; 6 racing writers need about 5.
_REBASES = 20
# Rows hashed at a time: bounds the memory of a digest to a few hundred megabytes.
_DIGEST_ROWS = 1_000_000


class PolarsEngine:
    """Streams lazy Polars frames into Delta tables."""

    name = "polars"
    distributed = False

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
        rows = _Rows(nw.to_native(frame))
        try:
            with writing(delta.table_uri, by_spark=False):
                write_deltalake(
                    delta,
                    rows.reader(),
                    mode="overwrite",
                    predicate=predicate,
                    commit_properties=CommitProperties(
                        custom_metadata=dict(metadata), max_commit_retries=_REBASES
                    ),
                )
        except CommitFailedError as error:
            raise Conflict(brief(error)) from error
        except (DeltaError, OSError) as error:
            if rows.error is not None:  # delta-rs repeats it, wrapped
                raise FrameFault(brief(rows.error)) from rows.error
            raise _translated(error) from error
        # delta-rs moves the object to the version it committed, whatever rivals did meanwhile.
        return delta.version()

    def cache(self, frames: Sequence[nw.LazyFrame]) -> list[nw.LazyFrame]:
        """`frames` held in memory, their common steps computed once."""
        held = pl.collect_all([nw.to_native(frame) for frame in frames])
        return [nw.from_native(frame.lazy()) for frame in held]

    def collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        """The rows as a Polars frame."""
        native: pl.LazyFrame = nw.to_native(frame)
        return native.collect()

    def digests(self, frame: nw.LazyFrame, by: str | None) -> Sums:
        """Digests in bounded memory: the frame is streamed."""
        native: pl.LazyFrame = nw.to_native(frame)
        return content_hash.added(
            content_hash.sums(batch, by) for batch in batches(native, _DIGEST_ROWS)
        )


class _Rows:
    """The rows of a lazy frame as delta-rs takes them, and the error that ended them early."""

    def __init__(self, frame: pl.LazyFrame) -> None:
        self._frame = frame
        self.error: BaseException | None = None

    def reader(self) -> pa.RecordBatchReader:
        """A stream of Arrow batches; computing begins when the first is asked for."""
        schema = pl.DataFrame(schema=self._frame.collect_schema()).to_arrow().schema
        return pa.RecordBatchReader.from_batches(schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in batches(self._frame):
                yield from batch.to_arrow().to_batches()
        except (Exception, pl.exceptions.PanicException) as error:
            self.error = error
            # Arrow's stream carries the message of an Exception only.
            raise RuntimeError(str(error)) from error


def _translated(error: Exception) -> StorageFault | StrayRows:
    if "failed validation check" in str(error):
        return StrayRows("delta-rs found them")  # its own words show whole rows
    return StorageFault(brief(error))
