"""The distributed engine: PySpark frames, native Delta by delta-spark.

Belongs here: moving rows between Spark and Delta, and what Spark's errors mean. Does not belong
here: the session (`spark_session.py`), Delta's log (`place.py`, `history.py`).

Frames in this process's memory are handed to the embedded engine: what is collected once must not
travel through a JVM.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import narwhals as nw
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from persona_assets.lake import content_hash
from persona_assets.lake.content_hash import Sums
from persona_assets.lake.engine import (
    Conflict,
    EngineError,
    FrameFault,
    StorageFault,
    StrayRows,
)
from persona_assets.lake.history import as_user_metadata, version_of
from persona_assets.lake.object_store import writing
from persona_assets.lake.polars_engine import PolarsEngine
from persona_assets.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SUMS = pa.schema([("value", pa.date32()), ("rows", pa.int64()), ("total", pa.string())])
_SUMS_DDL = "value date, rows bigint, total string"
# Exceptions that are the storage's or the network's, not the rows'.
_OF_STORAGE = re.compile(r"java\.(io|net|nio)\.|org\.apache\.hadoop\.|software\.amazon\.")
_OF_CLUSTER = re.compile(r"ExecutorLostFailure|FetchFailed|Python worker exited|cancelled")
_CONFLICTS = "io.delta.exceptions."
_STRAYS = "DELTA_REPLACE_WHERE_MISMATCH"


class SparkEngine:
    """Reads and writes Delta tables as lazy PySpark frames of the session that `session` gives."""

    name = "spark"
    distributed = True

    def __init__(self, session: "Callable[[], SparkSession]") -> None:
        self._session = session
        self._here = PolarsEngine()
        self._held: list[DataFrame] = []

    def scan(
        self, delta: DeltaTable, table: Table, partitions: Sequence[date] | None
    ) -> nw.LazyFrame:
        """The rows of `delta` in `partitions`, as a Narwhals lazy frame."""
        from pyspark.sql import functions as sf

        reader = self._session().read.format("delta").option("versionAsOf", delta.version())
        frame = reader.load(_path(delta)).select(table.polars_schema.names())
        if partitions is not None and table.partition is not None:
            # A list of dates of any length: Delta prunes the files of the others.
            frame = frame.where(sf.col(table.partition).isin(sorted(set(partitions))))
        return nw.from_native(frame)

    def overwrite(
        self,
        delta: DeltaTable,
        frame: nw.LazyFrame,
        *,
        predicate: str,
        metadata: Mapping[str, str],
    ) -> int:
        """Replace the rows matching `predicate` by `frame` in one commit of delta-spark."""
        if frame.implementation.is_polars():
            return self._here.overwrite(delta, frame, predicate=predicate, metadata=metadata)
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        token = uuid4().hex
        writer = (
            frame.to_native()
            .write.format("delta")
            .mode("overwrite")
            .option("replaceWhere", predicate)
            .option("userMetadata", as_user_metadata(metadata, token))
            # One file for each partition and half a gigabyte, not one for each task.
            .option("optimizeWrite", "true")
        )
        with writing(delta.table_uri, by_spark=True):
            try:
                writer.save(_path(delta))
            except (PySparkException, Py4JError) as error:
                raise _translated(error) from error
            return version_of(delta, token)

    def cache(self, frames: Sequence[nw.LazyFrame]) -> list[nw.LazyFrame]:
        """`frames` that the executors keep from their first use on.

        Each is computed once, however often it is used; Spark does not see what two of them share,
        so hand over the common step, not its results. Those of the call before are released.
        """
        for held in self._held:
            held.unpersist()
        self._held = [
            frame.to_native().persist() for frame in frames if frame.implementation.is_pyspark()
        ]
        driver = self._here.cache([f for f in frames if f.implementation.is_polars()])
        spark, here = iter(self._held), iter(driver)
        return [
            next(here) if frame.implementation.is_polars() else nw.from_native(next(spark))
            for frame in frames
        ]

    def collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        """The rows as a Polars frame, brought over as Arrow."""
        return frame.collect("polars").to_native()

    def digests(self, frame: nw.LazyFrame, by: str | None) -> Sums:
        """Digests computed where the rows are, with the same function as everywhere."""
        if frame.implementation.is_polars():
            return self._here.digests(frame, by)

        def summed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            found = content_hash.added(
                content_hash.sums(pl.DataFrame(pl.from_arrow(batch)), by) for batch in batches
            )
            rows = [
                # As text: Arrow has numbers without a sign, Spark has not.
                {"value": value, "rows": rows, "total": str(total)}
                for value, (rows, total) in found.items()
            ]
            yield pa.RecordBatch.from_pylist(rows, schema=_SUMS)

        tasks = frame.to_native().mapInArrow(summed, _SUMS_DDL).collect()
        return content_hash.added({row.value: (row.rows, int(row.total))} for row in tasks)


def _path(delta: DeltaTable) -> str:
    """The table's place as Hadoop understands it: a URL, or a plain path with all its letters."""
    parts = urlsplit(delta.table_uri)
    return unquote(parts.path) if parts.scheme == "file" else delta.table_uri


def _translated(error: Exception) -> EngineError:
    """What an exception of Spark means to a writer."""
    causes = _java_causes(error)
    names = [name for name, _ in causes]
    if any(_STRAYS in said for said in [str(error), *(said for _, said in causes)]):
        return StrayRows("Spark found them")  # its own words show whole rows
    cause = _decisive_line(causes, error)
    if any(name.startswith(_CONFLICTS) for name in names):
        return Conflict(cause)
    if any(_OF_STORAGE.match(name) for name in names) or _OF_CLUSTER.search(cause):
        return StorageFault(cause)
    return FrameFault(cause)


def _java_causes(error: Exception) -> list[tuple[str, str]]:
    """Class and message of each Java exception behind `error`, outermost first."""
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    found = []
    while java is not None:
        found.append((java.getClass().getName(), str(java.getMessage() or "")))
        java = java.getCause()
    return found


def _decisive_line(causes: list[tuple[str, str]], error: Exception) -> str:
    """The innermost exception in a line; of a Python worker the end of its traceback."""
    said = [(name, message.strip()) for name, message in causes if message.strip()]
    name, message = said[-1] if said else (type(error).__name__, str(error).strip())
    lines = [line for line in message.splitlines() if not line.strip().startswith("SQLSTATE")]
    return lines[-1] if name.endswith("PythonException") else lines[0]
