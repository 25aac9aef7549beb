"""Forgetting Dagster runs that are old and say nothing about the present.

Belongs here: which runs of an instance may go, and removing all that is kept of them. Does not
belong here: files that assets leave (`old_files.py`), the lake (`lake/maintenance.py`).

Dagster knows that a partition is materialized by the event of the run that did it. So a run goes
only when later runs have made again, and checked again, all that it made; what is shown of assets
in the UI stays as it is.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import dagster as dg
from sqlalchemy import func, select
from sqlalchemy.sql.selectable import Select

from persona_assets.orchestration.dagster_internals.storage import (
    FINISHED_STATUSES,
    AssetCheckExecutionRecordStatus,
    AssetCheckExecutionsTable,
    SqlEventLogStorage,
    SqlEventLogStorageTable,
    SqliteEventLogStorage,
)

_PLANNED = AssetCheckExecutionRecordStatus.PLANNED.value
_MATERIALIZED = dg.DagsterEventType.ASSET_MATERIALIZATION.value


def delete_old_runs(
    instance: dg.DagsterInstance, *, before: datetime, replaced_before: datetime | None = None
) -> int:
    """Delete finished runs whose results were all replaced; how many.

    What steps printed (compute logs) goes with them and for all runs from before `before`. Of an
    event log that is no SQL database nothing is deleted.

    Args:
        instance: the record of runs.
        before: runs that failed or were ended go when they are from before that time.
        replaced_before: runs that succeeded, whose tables are no longer theirs; None: `before`.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return 0
    old = _runs(instance, list(FINISHED_STATUSES), before)
    replaced = _runs(instance, [dg.DagsterRunStatus.SUCCESS], replaced_before or before)
    candidates = dict.fromkeys((*old, *replaced))
    if not candidates:
        return 0
    needed = set(_runs_of_the_present(storage))
    deleted = [run_id for run_id in candidates if run_id not in needed]
    for run_id in dict.fromkeys((*old, *deleted)):
        instance.compute_log_manager.delete_logs(prefix=[run_id])
    for run_id in deleted:
        instance.delete_run(run_id)
        checked = AssetCheckExecutionsTable
        with storage.index_connection() as connection:
            connection.execute(checked.delete().where(checked.c.run_id == run_id))
        for file in _files_of(storage, run_id):
            file.unlink(missing_ok=True)
    if deleted:
        _give_back_room(storage)
    return len(deleted)


def _runs(
    instance: dg.DagsterInstance, statuses: list[dg.DagsterRunStatus], before: datetime
) -> list[str]:
    wanted = dg.RunsFilter(statuses=statuses, created_before=before)
    return [run.run_id for run in instance.get_runs(wanted)]


def _runs_of_the_present(storage: SqlEventLogStorage) -> Iterator[str]:
    """The runs of the newest event of each partition and of the newest result of its checks.

    A check that a failed run was going to execute is no result.
    """
    made, checked = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
    queries: tuple[Select[tuple[str]], ...] = (
        select(made.run_id).where(
            made.id.in_(
                select(func.max(made.id))
                .where(made.dagster_event_type == _MATERIALIZED)
                .group_by(made.asset_key, made.partition)
            )
        ),
        select(checked.run_id).where(
            checked.id.in_(
                select(func.max(checked.id))
                .where(checked.execution_status != _PLANNED)
                .group_by(checked.asset_key, checked.check_name, checked.partition)
            )
        ),
    )
    with storage.index_connection() as connection:
        for query in queries:
            for (run_id,) in connection.execute(query.distinct()):
                yield str(run_id)


def _files_of(storage: SqlEventLogStorage, run_id: str) -> Iterator[Path]:
    """The database that the embedded event log keeps for one run."""
    if isinstance(storage, SqliteEventLogStorage):
        database = Path(storage.path_for_shard(run_id))
        yield from (database.with_name(database.name + end) for end in ("", "-wal", "-shm"))


def _give_back_room(storage: SqlEventLogStorage) -> None:
    """Shrink the embedded index; where somebody is writing, the room is used by what comes next."""
    if isinstance(storage, SqliteEventLogStorage):
        with closing(sqlite3.connect(storage.path_for_shard("index"), timeout=1)) as connection:
            try:
                connection.execute("VACUUM")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
