"""A record per partition: what it was made from, its content hash, and whether its checks passed.

Belongs here: the records and the table that keeps them. Does not belong here: what follows from
them (`orchestration/runs/due.py`) or the rows themselves (`store.py`).

A table's Delta log cannot answer "what was this partition made from": log entries are cleaned up
after some weeks, and a digest is known only once the rows are written. So each write appends a row
to one small table of the lake, after its commit. A writer that is killed between the two leaves a
partition whose data files are not those of its record: it is then made again, which is correct and
costs a little.

Digests can be added up, so a window over many partitions has a digest, too: `Contents.digest`.
"""

import bisect
import hashlib
import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import accumulate

import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from persona_assets.errors import InfrastructureError
from persona_assets.lake import partitioning
from persona_assets.lake.object_store import writing
from persona_assets.lake.place import Place, brief
from persona_assets.lake.store import DeltaStore, Written
from persona_assets.tables import Table
from persona_assets.tables.provenance import PARTITIONS

Records = Mapping[str, Mapping[str, "PartitionRecord"]]
"""Path of a table → partition key → what is known of it."""

# A run appends some dozens of small files; reading this many takes a tenth of a second.
_FILES = 100
# Other processes may be reading the files that compaction replaced.
_VACUUM_HOURS = 24


@dataclass(frozen=True)
class PartitionRecord:
    """One written partition.

    Attributes:
        rows: how many it holds.
        digest: sum of its row hashes modulo 2^64, 16 hex digits.
        files: digest of the names of its data files.
        code_version: of the asset that wrote it.
        settings: digest of the settings that the asset depends on.
        inputs: path of each table read → digest of the partitions read (see `Contents.digest`).
        run_id: the Dagster run.
        checks: results of its blocking checks so far, by name.
    """

    rows: int
    digest: str
    files: str
    code_version: str
    settings: str
    inputs: Mapping[str, str]
    run_id: str = ""
    checks: Mapping[str, bool] = field(default_factory=dict)


class Contents:
    """The digests of one table's partitions, for questions about windows of them."""

    def __init__(self, records: Mapping[str, PartitionRecord]) -> None:
        self._keys = sorted(records)
        held = [records[key] for key in self._keys]
        self._rows = [0, *accumulate(record.rows for record in held)]
        self._sums = [0, *accumulate(int(record.digest, 16) for record in held)]

    def digest(self, first: str = "", end: str | None = None) -> str:
        """Of the partitions from `first` up to, not including, `end` (None: all that follow).

        Their number counts as well: a partition without rows is not the same as none at all.
        """
        low = bisect.bisect_left(self._keys, first)
        high = len(self._keys) if end is None else bisect.bisect_left(self._keys, end)
        high = max(low, high)
        total = (self._sums[high] - self._sums[low]) % 2**64
        return f"{high - low}:{self._rows[high] - self._rows[low]}-{total:016x}"


class Provenance:
    """The records of a lake; one object per process keeps what it has read."""

    def __init__(self, store: DeltaStore) -> None:
        self._store = store
        self._place = Place(PARTITIONS, store.uri(PARTITIONS), dict(store.storage_options))
        self._read: set[str] = set()
        self._rows: dict[tuple[str, str], tuple[int, PartitionRecord]] = {}

    def records(self) -> Records:
        """Everything known, those of other processes included."""
        self._catch_up()
        found: dict[str, dict[str, PartitionRecord]] = {}
        for (path, partition), (_, record) in self._rows.items():
            found.setdefault(path, {})[partition] = record
        return found

    def write(self, path: str, records: Mapping[str, PartitionRecord]) -> None:
        """Remember that partitions of the table at `path` were written; checks start anew."""
        at = time.time_ns()
        self._append(
            {
                "path": path,
                "partition": partition,
                "at": at,
                "check": "",
                "passed": None,
                "rows": record.rows,
                "digest": record.digest,
                "files": record.files,
                "code_version": record.code_version,
                "settings": record.settings,
                "inputs": json.dumps(dict(sorted(record.inputs.items()))),
                "run_id": record.run_id,
            }
            for partition, record in records.items()
        )

    def check(self, path: str, name: str, passed: Mapping[str, bool]) -> None:
        """Remember what the blocking check `name` found in each partition."""
        at = time.time_ns()
        self._append(
            {"path": path, "partition": partition, "at": at, "check": name, "passed": good}
            for partition, good in passed.items()
        )

    def verified(
        self, tables: Iterable[Table], *, lost: Mapping[str, Collection[str]] | None = None
    ) -> Records:
        """The records that agree with what lies in the lake.

        A partition whose files are not those of its record (a killed writer, compaction, somebody
        else) is read once more: if its rows are the recorded ones, the new files are remembered;
        if not, its record is left out, as are those of partitions that are gone or `lost` (by
        path: their files cannot be read).
        """
        known = self.records()
        found: dict[str, Mapping[str, PartitionRecord]] = {}
        for table in tables:
            gone = (lost or {}).get(table.path, ())
            records = {
                key: record for key, record in known.get(table.path, {}).items() if key not in gone
            }
            files = partition_files(self._store, table) if records else {}
            good = {key: record for key, record in records.items() if _same(record, files.get(key))}
            found[table.path] = good | self._moved(table, records, good, files)
        return found

    def _moved(
        self,
        table: Table,
        records: Mapping[str, PartitionRecord],
        good: Mapping[str, PartitionRecord],
        files: Mapping[str, str],
    ) -> dict[str, PartitionRecord]:
        """The same rows in other files."""
        others = sorted(key for key in records if key not in good and key in files)
        if not others:
            return {}
        days = [date.fromisoformat(key) for key in others] if table.partition else None
        digests = self._store.digests(table, days)
        moved = {}
        for key in others:
            rows, total = digests.get(key, (0, 0))
            if (rows, f"{total:016x}") == (records[key].rows, records[key].digest):
                moved[key] = replace(records[key], files=files[key])
        if moved:
            self.write(table.path, moved)
            for name in {name for record in moved.values() for name in record.checks}:
                with_it = {key: each.checks for key, each in moved.items() if name in each.checks}
                self.check(table.path, name, {key: checks[name] for key, checks in with_it.items()})
        return moved

    def _catch_up(self) -> DeltaTable | None:
        """Read the files that this object has not seen."""
        delta = self._place.load()
        if delta is None:
            return None
        there = set(delta.file_uris())
        options = dict(self._store.storage_options) or None
        fresh = sorted(there - self._read)
        try:
            frames = [pl.read_parquet(uri, storage_options=options) for uri in fresh]
        except (OSError, pl.exceptions.PolarsError) as error:
            raise InfrastructureError(
                f"{PARTITIONS.path}: {self._place.uri} cannot be read: {brief(error)}; delete that "
                "folder and run `persona run --all`, which makes it again"
            ) from error
        self._take(pl.concat([PARTITIONS.empty(), *frames]))
        self._read = there
        if len(there) > _FILES:
            self._compact(delta)
        return delta

    def _take(self, rows: pl.DataFrame) -> None:
        # A write sorts before a check of the same instant: its name is empty.
        for row in rows.sort("at", "check").iter_rows(named=True):
            key = (row["path"], row["partition"])
            at, before = self._rows.get(key, (0, None))
            if row["check"] == "":
                if before is None or row["at"] >= at:
                    self._rows[key] = (row["at"], _record(row))
            elif before is not None and row["at"] >= at:
                checks = {**before.checks, row["check"]: row["passed"]}
                self._rows[key] = (at, replace(before, checks=checks))

    def _append(self, rows: Iterable[Mapping[str, object]]) -> None:
        frame = pl.DataFrame(list(rows), schema=PARTITIONS.polars_schema)
        if frame.is_empty():
            return
        try:
            with writing(self._place.uri, by_spark=False):
                write_deltalake(
                    self._place.for_writing(),
                    frame.to_arrow(),
                    mode="append",
                    commit_properties=CommitProperties(max_commit_retries=_FILES),
                )
        except (DeltaError, OSError) as error:
            raise InfrastructureError(
                f"{PARTITIONS.path}: cannot write {self._place.uri}: {brief(error)}; check that it "
                "is writable and has room, then run it again"
            ) from error

    def _compact(self, delta: DeltaTable) -> None:
        """One file in place of many, without the rows that later ones replaced."""
        kept = [
            row
            for (path, partition), (at, record) in sorted(self._rows.items())
            for row in _rows_of(path, partition, at, record)
        ]
        frame = pl.DataFrame(kept, schema=PARTITIONS.polars_schema)
        try:
            with writing(self._place.uri, by_spark=False):
                write_deltalake(delta, frame.to_arrow(), mode="overwrite", predicate="true")
        except CommitFailedError:
            return  # others are writing: there will be a quieter moment
        delta.vacuum(_VACUUM_HOURS, dry_run=False, enforce_retention_duration=False)
        delta.create_checkpoint()
        self._read = set(delta.file_uris())


def partition_files(store: DeltaStore, table: Table, at: int | None = None) -> dict[str, str]:
    """Digest of the data files' names by partition key; empty where there is no table."""
    place = Place(table, store.uri(table), dict(store.storage_options))
    if place.open() is None:
        return {}
    named = partitioning.files(place.opened(at), table.partition)
    return {
        key: hashlib.blake2b("\n".join(sorted(files)).encode(), digest_size=8).hexdigest()
        for key, files in named.items()
    }


def of_write(
    written: Sequence[Written],
    files: Mapping[str, str],
    *,
    code_version: str,
    settings: str,
    inputs: Mapping[str, Mapping[str, str]],
    run_id: str,
) -> dict[str, PartitionRecord]:
    """The records of one table after the commits `written`; `inputs` by partition key."""
    return {
        key: PartitionRecord(
            rows=rows,
            digest=commit.hashes[key].rpartition("-")[2],
            files=files.get(key, ""),
            code_version=code_version,
            settings=settings,
            inputs=inputs.get(key, {}),
            run_id=run_id,
        )
        for commit in written
        for key, rows in commit.rows.items()
    }


def _same(record: PartitionRecord, files: str | None) -> bool:
    """A partition without rows has no files, or empty ones."""
    return record.files == files or (record.rows == 0 and files is None)


def _record(row: Mapping[str, object]) -> PartitionRecord:
    return PartitionRecord(
        rows=int(str(row["rows"])),
        digest=str(row["digest"]),
        files=str(row["files"]),
        code_version=str(row["code_version"]),
        settings=str(row["settings"]),
        inputs=json.loads(str(row["inputs"])),
        run_id=str(row["run_id"]),
    )


def _rows_of(
    path: str, partition: str, at: int, record: PartitionRecord
) -> Iterable[dict[str, object]]:
    key = {"path": path, "partition": partition, "at": at}
    yield key | {
        "check": "",
        "rows": record.rows,
        "digest": record.digest,
        "files": record.files,
        "code_version": record.code_version,
        "settings": record.settings,
        "inputs": json.dumps(dict(record.inputs)),
        "run_id": record.run_id,
    }
    for name, passed in record.checks.items():
        yield key | {"check": name, "passed": passed}
