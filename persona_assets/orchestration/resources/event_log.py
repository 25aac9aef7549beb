"""Dagster's embedded event log, fit for runs over many partitions.

Belongs here: storage of events only; which instance uses it is said in `instance.py`.

The stock storage builds an SQLAlchemy engine for each statement and commits every event in several
transactions with `synchronous=FULL`. This one keeps an engine per shard, commits with
`synchronous=NORMAL` in WAL mode (safe when a process dies; after a power loss the file is intact
with the last commits missing), and writes a batch of events in one transaction per shard.
`performance/event_log.py` compares the two. Deployments use Postgres instead: see the README.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from persona_assets.orchestration.dagster_internals.storage import (
    INDEX_SHARD_NAME,
    SQLITE_BUSY_TIMEOUT_SECONDS,
    ConfigurableClassData,
    DagsterHomeNotSetError,
    EventLogEntry,
    SqliteEventLogStorage,
    create_engine,
)
from persona_assets.orchestration.resources import record_errors
from persona_assets.orchestration.resources.record_errors import refused_by_the_system


def _materializes(entry: EventLogEntry) -> bool:
    return entry.dagster_event is not None and entry.dagster_event.is_step_materialization


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """SQLite event log with lasting connections and batched transactions."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._known_tables: dict[str, bool] = {}
        self._has_index_columns = False
        # Shards whose transaction a batch holds open, per thread.
        self._held = threading.local()
        self._refused: DatabaseError | None = None
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledSqliteEventLogStorage":
        """Build it from the `config` of dagster.yaml; the stock method would build a stock one.

        A relative `base_dir` lies below DAGSTER_HOME: a home may be moved.
        """
        base = Path(os.environ.get("DAGSTER_HOME", "")) / config_value["base_dir"]
        if not base.is_absolute():
            raise DagsterHomeNotSetError(
                f"base_dir {config_value['base_dir']} is relative to DAGSTER_HOME, which is not "
                "set; set it to the folder of dagster.yaml"
            )
        return cls(inst_data=inst_data, base_dir=str(base))

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store `events` in one transaction per shard."""
        newest = {
            entry.get_dagster_event().asset_key: entry for entry in events if _materializes(entry)
        }
        kept = {id(entry) for entry in newest.values()}
        self._held.superseded = {
            id(entry) for entry in events if _materializes(entry) and id(entry) not in kept
        }
        try:
            with self.transaction({entry.run_id for entry in events}):
                for entry in events:
                    self.store_event(entry)
        except DatabaseError as error:
            if not refused_by_the_system(error):
                raise
            self._refused = error
        finally:
            self._held.superseded = set()
        if self._refused is not None:
            raise record_errors.refused(self._refused)

    def store_event(self, event: EventLogEntry) -> None:
        """Store one event; raises the error of what was refused before."""
        if self._refused is None:
            try:
                super().store_event(event)
                return
            except DatabaseError as error:
                if self._held_open() or not refused_by_the_system(error):
                    raise
                self._refused = error
        if event.is_dagster_event:
            raise record_errors.refused(self._refused)

    def _held_open(self) -> bool:
        """Is a batch being stored, whose transactions have to end first?"""
        return bool(self._held.__dict__.get("connections"))

    def _store_asset_event(self, conn: Connection, event: EventLogEntry, event_id: int) -> None:
        """Write the asset's own row, which holds its last materialization, once per batch."""
        if id(event) not in self._held.__dict__.get("superseded", ()):
            super()._store_asset_event(conn, event, event_id)

    @contextmanager
    def transaction(self, runs: Iterable[str]) -> Iterator[None]:
        """Everything this thread stores of `runs` within the block is one transaction a shard.

        Keep the block short: other processes wait for the index meanwhile.
        """
        with ExitStack() as stack:
            # The index is always taken last, as store_event does, so that writers cannot deadlock.
            for shard in (*sorted(runs), INDEX_SHARD_NAME):
                stack.enter_context(self._hold(shard))
            yield

    @contextmanager
    def _hold(self, shard: str) -> Iterator[None]:
        with self._connect(shard) as connection:
            held = self._held.__dict__.setdefault("connections", {})
            held[shard] = connection
            try:
                yield
            finally:
                del held[shard]

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        held = self._held.__dict__.get("connections", {})
        if shard in held:
            yield held[shard]
            return
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine, for_index_shard=shard == INDEX_SHARD_NAME)
                self._initialized_dbs.add(shard)
        with engine.connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                max_overflow=8,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=NORMAL"))
            self._engines[shard] = engine
        return self._engines[shard]

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        """Asked for every asset event by inspecting the table; a migration only adds columns."""
        if not self._has_index_columns:
            self._has_index_columns = super()._has_asset_key_index_cols_on_connection(conn)
        return self._has_index_columns

    def has_table(self, table_name: str) -> bool:
        """Does the index hold `table_name`; asked for every event, so the answer is kept."""
        if not self._known_tables.get(table_name):
            self._known_tables[table_name] = super().has_table(table_name)
        return self._known_tables[table_name]

    def dispose(self) -> None:
        """Close the kept connections."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()
