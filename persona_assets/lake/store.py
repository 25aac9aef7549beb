"""`DeltaStore`: every read and write of the lake goes through it.

Belongs here: finding tables, predicates, conflict retries, time travel, digests of what was
written. Does not belong here: how an engine moves rows (`polars_engine.py`), schema rules
(`schema.py`), or which partitions a run covers (the IO manager).
"""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import narwhals as nw
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.lake.commit import PREFIX, Commit
from persona_assets.lake.content_hash import render, row_hashes
from persona_assets.lake.engine import Engine
from persona_assets.lake.polars_engine import PolarsEngine
from persona_assets.lake.schema import conform, verify_stored
from persona_assets.tables import Table

WHOLE = ""
"""Key that stands for the one partition of an unpartitioned table."""
# Writers of the same partition exclude each other; a dozen tries outlast any plausible crowd.
_ATTEMPTS = 12
# Rows hashed at a time: bounds the memory of a digest to a few hundred megabytes.
_DIGEST_ROWS = 1_000_000
# Commits looked through for the version a write became: more than any burst of racing writers.
_RECENT_COMMITS = 200


@dataclass(frozen=True)
class Written:
    """What one commit left behind: per partition key (ISO date, or `WHOLE`) rows and digest."""

    uri: str
    version: int
    rows: Mapping[str, int]
    hashes: Mapping[str, str]


@dataclass(frozen=True)
class DeltaStore:
    """The Delta tables below `root`, one folder `<group>/<name>` each.

    `root` is a local folder or an object-store URL; `storage_options` are delta-rs' (credentials,
    endpoint) and never logged.
    """

    root: str
    engine: Engine = field(default_factory=PolarsEngine)
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def uri(self, table: Table) -> str:
        """Where the table lies."""
        return f"{self.root.rstrip('/')}/{table.path}"

    def exists(self, table: Table) -> bool:
        """Is there a readable table; DataError when there is one that cannot be read."""
        return self._open(table) is not None

    def version(self, table: Table) -> int | None:
        """Newest version, or None where the table does not exist."""
        delta = self._open(table)
        return None if delta is None else delta.version()

    def scan(
        self,
        table: Table,
        partitions: Sequence[date] | None = None,
        *,
        at: int | datetime | None = None,
    ) -> nw.LazyFrame:
        """The table's rows as a lazy frame of the engine.

        Args:
            table: contract of the table.
            partitions: values of the partition column to read; None reads all, `[]` none.
            at: version or timestamp to read; None is the newest. The version is fixed now, however
                late the frame is collected.

        Raises:
            DataError: the table does not exist, cannot be read, or is not the contract's.
        """
        return self.engine.scan(self._opened(table, at), table, partitions)

    def read(
        self,
        table: Table,
        partitions: Sequence[date] | None = None,
        *,
        at: int | datetime | None = None,
    ) -> pl.DataFrame:
        """`scan`, collected."""
        return self.engine.collect(self.scan(table, partitions, at=at))

    def overwrite(
        self,
        table: Table,
        frame: nw.LazyFrame | pl.DataFrame,
        *,
        partitions: Sequence[date] | None = None,
        commit: Commit | None = None,
    ) -> Written:
        """Replace exactly `partitions` of the table (an unpartitioned one: all) by `frame`.

        One commit: readers see all of it or none. Writers of other partitions do not disturb it;
        writers of the same partition make it try again.

        Raises:
            DataError: `partitions` is missing or empty for a partitioned table (nothing is written:
                there is no falling back to the whole table), given for an unpartitioned one, the
                schema is not the contract's, or a row lies outside `partitions`.
            InfrastructureError: other writers of the same partitions kept winning.
        """
        commit = commit or Commit()
        predicate = _predicate(table, partitions)
        lazy = self.engine.lazy(frame) if isinstance(frame, pl.DataFrame) else frame
        lazy = conform(lazy, table)
        self._open(table)  # an unreadable or foreign table must fail before anything is computed
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self.engine.overwrite(
                    self.uri(table),
                    lazy,
                    partition_by=table.partition,
                    predicate=predicate,
                    metadata=commit.metadata(),
                    storage_options=self.storage_options,
                )
                break
            except CommitFailedError as conflict:
                if attempt == _ATTEMPTS:
                    raise InfrastructureError(
                        f"{table.path}: {_ATTEMPTS} writes of {predicate or 'all'} lost "
                        f"against other writers ({conflict}); run them one after another"
                    ) from conflict
                # Jitter keeps rivals from meeting again.
                time.sleep(random.uniform(0.02, 0.1) * attempt)  # noqa: S311 - not for secrets
            except DeltaError as error:
                if "failed validation check" in str(error):
                    raise DataError(
                        f"{table.path}: rows outside the partitions being written ({predicate}): "
                        f"{error}; the transform must keep to the days it was asked for"
                    ) from error
                raise InfrastructureError(
                    f"{table.path}: Delta refused the write at {self.uri(table)}: {error}; look at "
                    "the storage and run it again"
                ) from error
            except OSError as error:
                raise InfrastructureError(
                    f"{table.path}: cannot write {self.uri(table)}: {error}; check that it is "
                    "writable and has room, then run it again"
                ) from error
        version = self._version_of(table, commit)
        digests = self.digests(table, partitions, at=version)
        return Written(
            self.uri(table),
            version,
            rows={key: rows for key, (rows, _) in digests.items()},
            hashes={key: render(rows, total) for key, (rows, total) in digests.items()},
        )

    def digests(
        self,
        table: Table,
        partitions: Sequence[date] | None = None,
        *,
        at: int | datetime | None = None,
    ) -> dict[str, tuple[int, int]]:
        """Rows and sum of row hashes per partition key (see `content_hash`).

        Asked-for partitions without rows are in it with zeros; an unpartitioned table has the one
        key `WHOLE`.
        """
        delta = self._opened(table, at)
        if table.partition is None:
            frame = self.engine.collect(self.engine.scan(delta, table, None))
            return {WHOLE: (frame.height, int(row_hashes(frame).sum(dtype="uint64")))}
        sizes = _partition_rows(delta, table.partition)
        asked = sorted(sizes) if partitions is None else sorted(set(partitions))
        found = {day.isoformat(): (0, 0) for day in asked}
        for chunk in _chunks([day for day in asked if day in sizes], sizes):
            frame = self.engine.collect(self.engine.scan(delta, table, chunk))
            summed = (
                frame.select(table.partition)
                .with_columns(pl.Series("hash", row_hashes(frame)))
                .group_by(table.partition)
                .agg(pl.len(), pl.col("hash").sum())
            )
            found |= {day.isoformat(): (rows, total) for day, rows, total in summed.iter_rows()}
        return found

    def partition_rows(self, table: Table) -> dict[str, int]:
        """Rows per partition key from the Delta log alone, without reading data."""
        delta = self._opened(table, None)
        if table.partition is None:
            return {WHOLE: delta.count()}
        return {
            day.isoformat(): rows
            for day, rows in sorted(_partition_rows(delta, table.partition).items())
        }

    def history(self, table: Table, limit: int | None = None) -> list[dict[str, object]]:
        """Commits, newest first, with the metadata that `Commit` wrote."""
        return self._opened(table, None).history(limit)

    def _version_of(self, table: Table, commit: Commit) -> int:
        for entry in self.history(table, _RECENT_COMMITS):
            if entry.get(f"{PREFIX}token") == commit.token:
                return int(str(entry["version"]))
        raise InfrastructureError(
            f"{table.path}: the commit just made is not in the Delta log of {self.uri(table)}; "
            "somebody rewrote the log: look at its newest files"
        )

    def _open(self, table: Table, at: int | datetime | None = None) -> DeltaTable | None:
        """The Delta table, or None where there is none."""
        uri = self.uri(table)
        try:
            delta = DeltaTable(uri, storage_options=dict(self.storage_options) or None)
            newest = delta.version()
            if at is not None:
                delta.load_as_version(at)
        except TableNotFoundError:
            if "://" not in uri and any(Path(uri).glob("*.parquet")):
                raise DataError(
                    f"{table.path}: {uri} holds data files but no Delta log; move the folder aside "
                    "and materialize the asset again"
                ) from None
            return None
        except (DeltaError, OSError, ValueError) as error:
            if at is not None and not isinstance(error, OSError):
                raise DataError(
                    f"{table.path}: there is no version {at} of the table at {uri}: {error}; "
                    "`persona report` names the newest"
                ) from error
            raise DataError(
                f"{table.path}: the Delta log at {uri} cannot be read: {error}; restore the folder "
                "from a copy, or move it aside and materialize the asset again"
            ) from error
        if at is None or at == newest:
            verify_stored(delta, table, uri)
        return delta

    def _opened(self, table: Table, at: int | datetime | None) -> DeltaTable:
        delta = self._open(table, at)
        if delta is None:
            raise DataError(
                f"{table.path}: no such table at {self.uri(table)}; materialize the asset "
                f"{table.path} first"
            )
        return delta


def _predicate(table: Table, partitions: Sequence[date] | None) -> str | None:
    """The SQL predicate of a partition overwrite; dates only, so nothing needs quoting."""
    if table.partition is None:
        if partitions is not None:
            raise DataError(
                f"{table.path} is not partitioned but was to be written for {list(partitions)}; "
                "write it without partitions"
            )
        return None
    if not partitions:
        raise DataError(
            f"{table.path} is partitioned by {table.partition} but no partitions were named; name "
            "them (nothing was written)"
        )
    if strangers := [day for day in partitions if type(day) is not date]:
        raise DataError(f"{table.path}: {strangers!r} are not dates; pass datetime.date values")
    days = ", ".join(f"'{day.isoformat()}'" for day in sorted(set(partitions)))
    return f"{table.partition} IN ({days})"


def _partition_rows(delta: DeltaTable, column: str) -> dict[date, int]:
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    if actions.is_empty():
        return {}
    summed = actions.group_by(f"partition.{column}").agg(pl.col("num_records").sum())
    return {day: int(rows) for day, rows in summed.iter_rows() if rows}


def _chunks(days: Sequence[date], sizes: Mapping[date, int]) -> list[list[date]]:
    """`days` in runs of at most `_DIGEST_ROWS` rows (a larger day alone)."""
    chunks: list[list[date]] = []
    room = 0
    for day in days:
        if not chunks or sizes[day] > room:
            chunks.append([])
            room = _DIGEST_ROWS
        chunks[-1].append(day)
        room -= sizes[day]
    return chunks
