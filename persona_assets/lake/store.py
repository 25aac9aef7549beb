"""`DeltaStore`: every read and write of the lake goes through it.

Belongs here: conflict retries, digests of what was written. Does not belong here: opening and
creating tables (`place.py`), predicates (`partitioning.py`), how an engine moves rows
(`polars_engine.py`, `spark_engine.py`), schema rules (`schema.py`), or which partitions a run
covers (`orchestration/resources/lake.py`).

A frame is written by the engine it lives on: Polars frames lie in this process's memory and are
written from here, whatever the store's engine is.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import narwhals as nw
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.lake import integrity, partitioning
from persona_assets.lake.commit import Commit
from persona_assets.lake.content_hash import render
from persona_assets.lake.engine import (
    Conflict,
    Engine,
    EngineError,
    FrameFault,
    StorageFault,
    StrayRows,
)
from persona_assets.lake.history import commits, data_version
from persona_assets.lake.place import Place, brief
from persona_assets.lake.polars_engine import PolarsEngine
from persona_assets.lake.scans import Scans
from persona_assets.lake.schema import conform
from persona_assets.lake.widening import widen
from persona_assets.tables import Table

WHOLE = ""
"""Key that stands for the one partition of an unpartitioned table."""
# Writers of the same partition exclude each other; a dozen tries outlast any plausible crowd.
_ATTEMPTS = 12
# So many rows are sooner read here than a cluster has planned how to.
_FEW = 1_000_000
_HERE = PolarsEngine()


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
    _scans: Scans = field(default_factory=Scans, init=False, repr=False, compare=False)

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

    def data_version(self, table: Table) -> int | None:
        """Newest version that changed rows, or None where the table does not exist.

        Later ones, if any, only compacted files, deleted old ones or changed properties.
        """
        delta = self._place(table).open()
        if delta is None:
            return None
        try:
            return data_version(delta)
        except Conflict as error:
            raise self._busy(table, error) from error

    def add_columns(self, table: Table) -> bool:
        """Add what the stored table lacks of its contract, where that may be null; was it anything?

        For tables whose rows only the lake knows: the rows that are there have nulls. Any other
        difference is left to whoever opens the table.

        Raises:
            InfrastructureError: the table cannot be written.
        """
        return widen(self.uri(table), table, self.storage_options)

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
            DataError: the table does not exist, cannot be read, or is not the contract's, or a
                data file is not what the Delta log says (see `integrity.py`).
        """
        return self.engine.scan(self._verified(table, partitions, at), table, partitions)

    def collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        """The rows of a lazy frame over scans of this store, in this process's memory.

        Raises:
            DataError: a data file of the scans cannot be read.
        """
        with self.naming_damage():
            return self.engine.collect(frame)

    @contextmanager
    def naming_damage(self) -> Iterator[None]:
        """Within it, an error of a query over this store's scans names the damaged file, if any."""
        try:
            yield
        except BaseException as error:
            # A panic of Polars is no Exception; anything but errors of queries passes as it is.
            if (found := self._scans.error(error, self.storage_options)) is not None:
                raise found from error
            raise

    def damage(
        self, table: Table, partitions: Sequence[date] | None = None
    ) -> list[integrity.Damage]:
        """Data files of the newest version that are lost or not what the Delta log says.

        Sizes and row counts are compared, no rows are read; a table that does not exist has none.

        Raises:
            DataError: the Delta log cannot be read.
        """
        delta = self._place(table).open()
        return [] if delta is None else list(integrity.damage(delta, table, partitions))

    def local_if_small(self, *tables: Table) -> "DeltaStore":
        """The same lake, read in this process if `tables` hold few rows.

        Raises:
            DataError: a table does not exist or cannot be read.
        """
        if not self.engine.distributed:
            return self
        rows = sum(sum(self.partition_rows(table).values()) for table in tables)
        return self if rows > _FEW else replace(self, engine=_HERE)

    def read(
        self,
        table: Table,
        partitions: Sequence[date] | None = None,
        *,
        at: int | datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """The table's rows in this process's memory, read by delta-rs whatever the engine is.

        Args:
            table: contract of the table.
            partitions: as in `scan`.
            at: as in `scan`.
            columns: the only columns to read; None reads all.

        Raises:
            DataError: as in `scan`.
        """
        delta = self._verified(table, partitions, at)
        frame = _HERE.scan(delta, table, partitions)
        with self.naming_damage():
            found = _HERE.collect(frame if columns is None else frame.select(list(columns)))
        logged = _logged(delta, table, partitions)
        if found.height != (expected := sum(logged.values())):
            raise DataError(integrity.short(table, ", ".join(logged), found.height, expected))
        return found

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
        predicate = partitioning.predicate(table, partitions)
        lazy = nw.from_native(frame.lazy()) if isinstance(frame, pl.DataFrame) else frame
        lazy = conform(lazy, table)
        engine = _HERE if lazy.implementation.is_polars() else self.engine
        place = self._place(table)
        place.load()  # an unreadable or foreign table must fail before anything is computed
        try:
            with place.closed():
                version = self._commit(engine, place, lazy, predicate, commit or Commit())
        except StrayRows:
            # Not Delta's own words: they show whole rows, people's identifiers among them.
            raise DataError(
                f"{table.path}: {_strays(engine, table, lazy, partitions or ())} outside the "
                f"partitions being written ({predicate}); nothing was written; the transform must "
                "keep to the days it was asked for"
            ) from None
        except EngineError as error:
            cause = error.__cause__ or error
            if (damage := self._scans.error(cause, self.storage_options)) is not None:
                raise damage from error
            raise _fault(place, predicate, error) from error
        digests = self._digests(engine, table, partitions, version)
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
        return self._digests(self.engine, table, partitions, at)

    def partition_rows(self, table: Table, *, at: int | None = None) -> dict[str, int]:
        """Rows per partition key from the Delta log alone, without reading data.

        Args:
            table: contract of the table.
            at: version; None is the newest.

        Raises:
            DataError: there is no such table or version.
        """
        delta = self._opened(table, at)
        if table.partition is None:
            return {WHOLE: delta.count()}
        return partitioning.partition_rows(delta, table.partition)

    def history(self, table: Table, limit: int | None = None) -> list[dict[str, object]]:
        """Commits, newest first, with the metadata that `Commit` wrote."""
        delta = self._opened(table)
        try:
            return commits(delta, limit)
        except Conflict as error:
            raise self._busy(table, error) from error

    def _busy(self, table: Table, error: Conflict) -> InfrastructureError:
        return InfrastructureError(
            f"{table.path}: {error} at {self.uri(table)}; ask again when they are done"
        )

    def _commit(
        self, engine: Engine, place: Place, frame: nw.LazyFrame, predicate: str, commit: Commit
    ) -> int:
        """Write until no rival comes between; the version that it became."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return engine.overwrite(
                    _loaded(place), frame, predicate=predicate, metadata=commit.metadata()
                )
            except Conflict:
                if attempt == _ATTEMPTS:
                    raise
                # Jitter keeps rivals from meeting again.
                time.sleep(random.uniform(0.02, 0.1) * attempt)  # noqa: S311 - not for secrets
        raise AssertionError("the last attempt returns or raises")

    def _digests(
        self,
        engine: Engine,
        table: Table,
        partitions: Sequence[date] | None,
        at: int | datetime | None,
    ) -> dict[str, tuple[int, int]]:
        """As `digests`; asks `engine` where there is too much for this process."""
        delta = self._verified(table, partitions, at)
        logged = _logged(delta, table, partitions)
        found = dict.fromkeys(logged, (0, 0))
        if rows := sum(logged.values()):
            reader = engine if rows > _FEW else _HERE
            frame = reader.scan(delta, table, partitions)
            with self.naming_damage():
                sums = reader.digests(frame, table.partition)
            found |= {WHOLE if day is None else day.isoformat(): sums[day] for day in sums}
        for key, (read, _) in found.items():
            if read != logged.get(key, 0):
                raise DataError(integrity.short(table, key, read, logged.get(key, 0)))
        return found

    def _place(self, table: Table) -> Place:
        return Place(table, self.uri(table), self.storage_options)

    def _opened(self, table: Table, at: int | datetime | None = None) -> DeltaTable:
        return self._place(table).opened(at)

    def _verified(
        self, table: Table, partitions: Sequence[date] | None, at: int | datetime | None = None
    ) -> DeltaTable:
        """The table at a version, its files held to its log, the scan to come remembered."""
        delta = self._opened(table, at)
        integrity.verify(delta, table, partitions)
        self._scans.add(delta, table, partitions)
        return delta


def _logged(delta: DeltaTable, table: Table, partitions: Sequence[date] | None) -> dict[str, int]:
    """Rows of each of `partitions` (None: all) as the log says; of a whole table under `WHOLE`."""
    if table.partition is None:
        return {WHOLE: delta.count()}
    rows = partitioning.partition_rows(delta, table.partition)
    if partitions is None:
        return rows
    return {key: rows.get(key, 0) for key in partitioning.keys(partitions)}


def _loaded(place: Place) -> DeltaTable:
    """The table to write to, created where there is none."""
    try:
        return place.for_writing()
    except CommitFailedError as error:  # a rival created it at the same moment
        raise Conflict(brief(error)) from error
    except (DeltaError, OSError) as error:
        raise StorageFault(brief(error)) from error


def _strays(engine: Engine, table: Table, frame: nw.LazyFrame, partitions: Sequence[date]) -> str:
    """How many rows of which days lie outside `partitions`."""
    days = engine.collect(frame.select(str(table.partition))).to_series()
    strays = days.filter(~days.is_in(list(partitions)) | days.is_null())
    named = ", ".join(sorted({str(day) for day in strays.unique()}))
    return f"{len(strays)} row(s) of {named}"


def _fault(place: Place, predicate: str, error: EngineError) -> DataError | InfrastructureError:
    """Whose fault a failed write is: rivals', the frame's or the storage's."""
    path = place.table.path
    if isinstance(error, Conflict):
        return InfrastructureError(
            f"{path}: {_ATTEMPTS} writes of {predicate} lost against other writers ({error}); run "
            "them one after another"
        )
    if isinstance(error, FrameFault):
        return DataError(
            f"{path}: the rows to be written could not be computed: {error}; correct the transform "
            "or its inputs (nothing was written)"
        )
    return InfrastructureError(
        f"{path}: cannot write {place.uri}: {error}; check that it is writable and has room, then "
        "run it again"
    )
