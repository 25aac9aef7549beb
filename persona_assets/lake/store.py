"""`DeltaStore`: every read and write of the lake goes through it.

Belongs here: finding tables, predicates, conflict retries, time travel, digests of what was
written. Does not belong here: how an engine moves rows (`polars_engine.py`), schema rules
(`schema.py`), or which partitions a run covers (the IO manager).
"""

import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import narwhals as nw
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.lake.commit import Commit
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
        self._load(table)  # an unreadable or foreign table must fail before anything is computed
        try:
            version = self._commit(table, lazy, predicate, commit)
        except DeltaError as error:
            if "failed validation check" in str(error):
                # Not Delta's own words: they show whole rows, people's identifiers among them.
                raise DataError(
                    f"{table.path}: {self._strays(table, lazy, partitions or ())} outside the "
                    f"partitions being written ({predicate}); nothing was written; the transform "
                    "must keep to the days it was asked for"
                ) from None
            raise InfrastructureError(
                f"{table.path}: Delta refused the write at {self.uri(table)}: {_brief(error)}; "
                "look at the storage and run it again"
            ) from error
        except OSError as error:
            raise InfrastructureError(
                f"{table.path}: cannot write {self.uri(table)}: {_brief(error)}; check that it is "
                "writable and has room, then run it again"
            ) from error
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
        delta = self._opened(table)
        if table.partition is None:
            return {WHOLE: delta.count()}
        return {
            day.isoformat(): rows
            for day, rows in sorted(_partition_rows(delta, table.partition).items())
        }

    def history(self, table: Table, limit: int | None = None) -> list[dict[str, object]]:
        """Commits, newest first, with the metadata that `Commit` wrote."""
        for _ in range(_ATTEMPTS):
            delta = self._opened(table)
            commits = delta.history(limit)
            # delta-rs lists commits made since `delta` was opened but numbers the first as its own.
            if self._opened(table).version() == delta.version():
                return commits[:limit]
        raise InfrastructureError(
            f"{table.path}: other writers changed {self.uri(table)} whenever its history was read; "
            "ask again when they are done"
        )

    def _commit(self, table: Table, frame: nw.LazyFrame, predicate: str, commit: Commit) -> int:
        """Write until no rival comes between; the version that it became."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self.engine.overwrite(
                    self._load(table) or self._create(table),
                    frame,
                    predicate=predicate,
                    metadata=commit.metadata(),
                )
            except CommitFailedError as conflict:
                if attempt == _ATTEMPTS:
                    raise InfrastructureError(
                        f"{table.path}: {_ATTEMPTS} writes of {predicate} lost against "
                        f"other writers ({_brief(conflict)}); run them one after another"
                    ) from conflict
                # Jitter keeps rivals from meeting again.
                time.sleep(random.uniform(0.02, 0.1) * attempt)  # noqa: S311 - not for secrets
        raise AssertionError("the last attempt returns or raises")

    def _create(self, table: Table) -> DeltaTable:
        """A log without rows for the first write to go to.

        Not left to that write: delta-rs lets rivals create at once and then keeps the rows of both,
        whereas logs without rows do no harm to each other. And data files without a log can then
        only mean that the log was lost, not that a first write was killed.
        """
        if self._has_data(table):
            if delta := self._load(table):  # a rival created it just now
                return delta
            raise self._lost_log(table)
        return DeltaTable.create(
            self.uri(table),
            # Nulls are judged by the contract's check, with counts and samples, not by Delta.
            pa.schema([field.with_nullable(True) for field in table.arrow_schema]),
            mode="ignore",
            partition_by=[table.partition] if table.partition else None,
            storage_options=dict(self.storage_options) or None,
        )

    def _strays(self, table: Table, frame: nw.LazyFrame, partitions: Sequence[date]) -> str:
        """How many rows of which days lie outside `partitions`."""
        days = self.engine.collect(frame.select(str(table.partition))).to_series()
        strays = days.filter(~days.is_in(list(partitions)) | days.is_null())
        named = ", ".join(sorted({str(day) for day in strays.unique()}))
        return f"{len(strays)} row(s) of {named}"

    def _has_data(self, table: Table) -> bool:
        """Are there data files on the local disk, whatever the log says?"""
        uri = self.uri(table)
        return "://" not in uri and any(Path(uri).rglob("*.parquet"))

    def _lost_log(self, table: Table) -> DataError:
        return DataError(
            f"{table.path}: {self.uri(table)} holds data files but no Delta log; restore the "
            "folder from a copy, or move it aside and materialize the asset again"
        )

    def _load(self, table: Table) -> DeltaTable | None:
        """The Delta table at its newest version, or None where there is no log."""
        uri = self.uri(table)
        try:
            delta = DeltaTable(uri, storage_options=dict(self.storage_options) or None)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError, ValueError) as error:
            raise DataError(
                f"{table.path}: the Delta log at {uri} cannot be read: {_brief(error)}; restore "
                "the folder from a copy, or move it aside and materialize the asset again"
            ) from error
        verify_stored(delta, table, uri)
        return delta

    def _open(self, table: Table) -> DeltaTable | None:
        """As readers see it: None until the first write, an error where the log was lost."""
        delta = self._load(table)
        if delta is None and self._has_data(table):
            delta = self._load(table)  # a rival may have created it just now
            if delta is None:
                raise self._lost_log(table)
        return None if delta is None or _unwritten(delta) else delta

    def _opened(self, table: Table, at: int | datetime | None = None) -> DeltaTable:
        delta = self._open(table)
        if delta is None:
            raise DataError(
                f"{table.path}: no such table at {self.uri(table)}; materialize the asset "
                f"{table.path} first"
            )
        if at is not None:
            _travel(delta, table, at)
            verify_stored(delta, table, f"{self.uri(table)} at {at}")
        return delta


def _unwritten(delta: DeltaTable) -> bool:
    """Was the table created and nothing more? A write without rows leaves a commit, too."""
    return not delta.file_uris() and all(
        commit["operation"] == "CREATE TABLE" for commit in delta.history()
    )


def _travel(delta: DeltaTable, table: Table, at: int | datetime) -> None:
    """Move `delta` to a version or a time; DataError where the table has no such past."""
    place = f"{table.path}: the table at {delta.table_uri}"
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise DataError(f"{place} was asked for at {at}, which has no time zone; add UTC")
        created = datetime.fromtimestamp(delta.metadata().created_time / 1000, UTC)
        if at < created:  # delta-rs would give the oldest version
            raise DataError(f"{place} did not exist at {at}; ask for {created} or later")
    elif not 0 <= at <= delta.version():
        raise DataError(f"{place} has no version {at}; ask for one of 0 to {delta.version()}")
    try:
        delta.load_as_version(at)
    except (DeltaError, ValueError) as error:
        raise DataError(
            f"{place} cannot be read at {at}: {_brief(error)}; its log may no longer reach back so "
            "far: ask for a newer version"
        ) from error


def _brief(error: Exception) -> str:
    """An error of delta-rs on one line, without colours or the backtrace that it may append."""
    message = re.split(r"\n\s+0: ", str(error))[0]
    return " ".join(re.sub(r"\x1b\[\d+m", "", message).split())


def _predicate(table: Table, partitions: Sequence[date] | None) -> str:
    """The SQL predicate of a partition overwrite; dates only, so nothing needs quoting."""
    if table.partition is None:
        if partitions is not None:
            raise DataError(
                f"{table.path} is not partitioned but was to be written for {list(partitions)}; "
                "write it without partitions"
            )
        # Without a predicate delta-rs lets rivals that find no rows to replace append to each other.
        return "true"
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
