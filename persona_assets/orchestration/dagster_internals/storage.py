"""Dagster's embedded record of runs and events, in SQLite: to keep it small, fast and whole.

Belongs here: names only, with the reason for each. Does not belong here: the storage made of them
(`resources/event_log.py`), forgetting old runs (`maintenance/old_runs.py`).

Dagster exports no storage. A deployment's `dagster.yaml` names storages by module and class, so a
storage of one's own is foreseen, but its base classes are here. Which runs the present still rests
on is asked of the tables of checks and events themselves: no public query knows. Importing this
imports SQLAlchemy.
"""

import dagster as dg
from dagster._core.errors import DagsterHomeNotSetError
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.runs.sqlite import SqliteRunStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData

__all__ = [
    "FINISHED_STATUSES",
    "INDEX_SHARD_NAME",
    "SQLITE_BUSY_TIMEOUT_SECONDS",
    "AssetCheckExecutionRecordStatus",
    "AssetCheckExecutionsTable",
    "ConfigurableClassData",
    "DagsterHomeNotSetError",
    "EventLogEntry",
    "SqlEventLogStorage",
    "SqlEventLogStorageTable",
    "SqliteEventLogStorage",
    "create_engine",
]


def keeps_runs_in_files(instance: dg.DagsterInstance) -> bool:
    """Is the record of runs the embedded one, and no database of a deployment?"""
    return isinstance(instance.run_storage, SqliteRunStorage)
