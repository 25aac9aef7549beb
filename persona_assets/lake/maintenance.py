"""Keeping a lake small: compaction, deletion of old files, checkpoints, expiry of the log.

Belongs here: what is done to the tables of a lake. Does not belong here: when it is done
(`orchestration/`), what else of a home grows (Dagster's event log, plots, reports).

No row is changed: a table has the same content hashes and the same `data_version` afterwards. Files
of a version stay for the retention after it was replaced, so that whoever reads it, or a table that
was made from it, can finish. Versions older than that can no longer be read, but for those that are
named: their files stay, and the table's whole log, without which no version is found.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from persona_assets.errors import DataError, InfrastructureError, UserError
from persona_assets.lake import integrity, partitioning
from persona_assets.lake.history import upkeep
from persona_assets.lake.object_store import writing
from persona_assets.lake.place import Place, brief
from persona_assets.lake.store import DeltaStore
from persona_assets.tables import TABLES, Table
from persona_assets.tables.provenance import PARTITIONS

LOG_RETENTION = "delta.logRetentionDuration"
FILE_RETENTION = "delta.deletedFileRetentionDuration"
# Reading a log of so many commits takes milliseconds; more are worth a checkpoint.
_COMMITS = 10
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Maintained:
    """What was done to one table.

    Attributes:
        table: its path.
        compacted: small files that were joined into larger ones.
        deleted: files that nobody needs any more.
        log_files: files by which the log became shorter.
        left_alone: why nothing was done, empty where something could be.
    """

    table: str
    compacted: int = 0
    deleted: int = 0
    log_files: int = 0
    left_alone: str = ""

    @property
    def changed(self) -> bool:
        """Was anything done?"""
        return bool(self.compacted or self.deleted or self.log_files)


def maintain(
    store: DeltaStore,
    retention: timedelta,
    *,
    tables: Sequence[Table] = (*TABLES.values(), PARTITIONS),
    keep: Mapping[str, Collection[int]] | None = None,
    listener: Callable[[Maintained], None] = lambda done: None,
) -> list[Maintained]:
    """Compact, clean and shorten every table that exists.

    A table that is damaged, or that others are writing at this moment, is left as it is and the
    reason is in the result; the others are done.

    Args:
        store: the lake.
        retention: how long versions that were replaced stay readable; shorter than the longest
            run, it takes files from under readers.
        tables: contracts of the tables to maintain.
        keep: versions that stay readable whatever their age, by path of the table.
        listener: called after each table.

    Raises:
        UserError: `retention` is negative.
        InfrastructureError: the lake cannot be written.
    """
    if retention < timedelta(0):
        raise UserError(f"a retention of {retention} is negative; name one of 0 days or more")
    done = []
    for table in tables:
        place = Place(table, store.uri(table), dict(store.storage_options))
        if (found := _maintained(place, retention, (keep or {}).get(table.path, ()))) is not None:
            done.append(found)
            listener(found)
    return done


def _maintained(place: Place, retention: timedelta, keep: Collection[int]) -> Maintained | None:
    path = place.table.path
    try:
        delta = place.open()
        if delta is None:
            return None
        integrity.verify(delta, place.table, None)
    except DataError as error:
        return Maintained(path, left_alone=str(error))
    try:
        with place.closed(), writing(place.uri, by_spark=False):
            _keep_for(delta, retention)
            compacted = _compacted(delta, place.table)
            kept = _readable(place, keep)
            deleted = _vacuumed(delta, retention, kept)
            return Maintained(path, compacted, deleted, _shortened(delta, place, kept))
    except CommitFailedError:
        return Maintained(path, left_alone=f"others are writing {path}; it is done next time")
    except (DeltaError, OSError) as error:
        raise InfrastructureError(
            f"{path}: cannot maintain {place.uri}: {brief(error)}; check that it is writable and "
            "has room, then run it again"
        ) from error


def _keep_for(delta: DeltaTable, retention: timedelta) -> None:
    """Note the retention in the table, where Spark's VACUUM and the log's expiry read it."""
    interval = f"interval {max(0, int(retention / _HOUR))} hours"
    wanted = dict.fromkeys((LOG_RETENTION, FILE_RETENTION), interval)
    if not wanted.items() <= delta.metadata().configuration.items():
        delta.alter.set_table_properties(wanted, commit_properties=upkeep(delta))


def _compacted(delta: DeltaTable, table: Table) -> int:
    """Join the files of each partition that has several; how many were joined."""
    if all(len(files) < 2 for files in partitioning.files(delta, table.partition).values()):
        return 0
    before = delta.count()
    metrics = delta.optimize.compact(commit_properties=upkeep(delta))
    if delta.count() != before:
        raise DataError(
            f"{table.path}: compaction made {delta.count():,} rows of {before:,}; go back to "
            f"version {delta.version() - 1} (deltalake.DeltaTable(…).restore(…)) and report it"
        )
    return int(metrics["numFilesRemoved"])


def _readable(place: Place, versions: Collection[int]) -> list[int]:
    """Those of `versions` that the log still leads to; of the others nothing can be kept."""
    found = []
    for version in sorted(versions):
        try:
            place.opened(version)
        except DataError:
            continue
        found.append(version)
    return found


def _vacuumed(delta: DeltaTable, retention: timedelta, keep: Sequence[int]) -> int:
    """Delete files that no version within the retention needs; how many there were."""
    hours = max(0, int(retention / _HOUR))
    # Each vacuum is two commits, so it must not be one that deletes nothing.
    kept = list(keep) or None
    listed = delta.vacuum(
        hours, dry_run=True, enforce_retention_duration=False, full=True, keep_versions=kept
    )
    root = integrity.local_root(delta)
    if root is not None:
        listed = [name for name in listed if (root / name).exists()]
    if listed:
        delta.vacuum(
            hours,
            dry_run=False,
            enforce_retention_duration=False,
            full=True,
            keep_versions=kept,
            commit_properties=upkeep(delta),
        )
    return len(listed)


def _shortened(delta: DeltaTable, place: Place, keep: Sequence[int]) -> int:
    """Checkpoint a log of many commits and delete what has expired; how many files went.

    What leads to a version of `keep` is part of the log as much as the rest, and Delta deletes by
    age alone: where there is one, nothing expires.
    """
    if place.folder is None:
        delta.create_checkpoint()
        if not keep:
            delta.cleanup_metadata()
        return 0
    before = set(_commits(place.folder))
    if len(before) <= _COMMITS:
        return 0
    delta.create_checkpoint()
    if not keep:
        delta.cleanup_metadata()
    return len(before - set(_commits(place.folder)))


def _commits(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.joinpath("_delta_log").glob("*.json"))
