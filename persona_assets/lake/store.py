"""`DeltaStore`: every read and write of the lake goes through it.

Belongs here: predicates, conflict retries, digests of what was written. Does not belong here:
opening and creating tables (`place.py`), how an engine moves rows (`polars_engine.py`), schema
rules (`schema.py`), or which partitions a run covers (the IO manager).
"""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import narwhals as nw
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.lake.commit import Commit
from persona_assets.lake.content_hash import render, row_hashes
from persona_assets.lake.engine import Engine
from persona_assets.lake.place import Place, brief
from persona_assets.lake.polars_engine import PolarsEngine
from persona_assets.lake.schema import conform
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
        return self._place(table).open() is not None

    def version(self, table: Table) -> int | None:
        """Newest version, or None where the table does not exist."""
        delta = self._place(table).open()
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
                schema is not the contract's, a row lies outside `partitions`, or the frame cannot
                be computed.
            InfrastructureError: the storage failed, or other writers of the same partitions kept
                winning.
        """
        commit = commit or Commit()
        predicate = _predicate(table, partitions)
        lazy = self.engine.lazy(frame) if isinstance(frame, pl.DataFrame) else frame
        lazy = conform(lazy, table)
        place = self._place(table)
        place.load()  # an unreadable or foreign table must fail before anything is computed
        try:
            version = self._commit(place, lazy, predicate, commit)
        except (DeltaError, OSError) as error:
            if "failed validation check" in str(error):
                # Not Delta's own words: they show whole rows, people's identifiers among them.
                raise DataError(
                    f"{table.path}: {self._strays(table, lazy, partitions or ())} outside the "
                    f"partitions being written ({predicate}); nothing was written; the transform "
                    "must keep to the days it was asked for"
                ) from None
            raise _fault(table, self.uri(table), error) from error
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

    def _commit(self, place: Place, frame: nw.LazyFrame, predicate: str, commit: Commit) -> int:
        """Write until no rival comes between; the version that it became."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self.engine.overwrite(
                    place.load() or place.create(),
                    frame,
                    predicate=predicate,
                    metadata=commit.metadata(),
                )
            except CommitFailedError as conflict:
                if attempt == _ATTEMPTS:
                    raise InfrastructureError(
                        f"{place.table.path}: {_ATTEMPTS} writes of {predicate} lost against "
                        f"other writers ({brief(conflict)}); run them one after another"
                    ) from conflict
                # Jitter keeps rivals from meeting again.
                time.sleep(random.uniform(0.02, 0.1) * attempt)  # noqa: S311 - not for secrets
        raise AssertionError("the last attempt returns or raises")

    def _strays(self, table: Table, frame: nw.LazyFrame, partitions: Sequence[date]) -> str:
        """How many rows of which days lie outside `partitions`."""
        days = self.engine.collect(frame.select(str(table.partition))).to_series()
        strays = days.filter(~days.is_in(list(partitions)) | days.is_null())
        named = ", ".join(sorted({str(day) for day in strays.unique()}))
        return f"{len(strays)} row(s) of {named}"

    def _place(self, table: Table) -> Place:
        return Place(table, self.uri(table), self.storage_options)

    def _opened(self, table: Table, at: int | datetime | None = None) -> DeltaTable:
        return self._place(table).opened(at)


def _fault(table: Table, uri: str, error: Exception) -> DataError | InfrastructureError:
    """Whose fault a failed write is: the storage's or the frame's, computed as it is written."""
    _, in_frame, cause = brief(error).rpartition("C Data interface error: ")
    if in_frame:
        return DataError(
            f"{table.path}: the rows to be written could not be computed: {cause}; mend the "
            "transform or its inputs (nothing was written)"
        )
    return InfrastructureError(
        f"{table.path}: cannot write {uri}: {cause}; check that it is writable and has room, then "
        "run it again"
    )


def _predicate(table: Table, partitions: Sequence[date] | None) -> str:
    """The SQL predicate of a partition overwrite; dates only, so nothing needs quoting."""
    if table.partition is None:
        if partitions is not None:
            raise DataError(
                f"{table.path} is not partitioned but was to be written for {list(partitions)}; "
                "write it without partitions"
            )
        # Without any, delta-rs lets rivals that find no rows to replace append to each other.
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
