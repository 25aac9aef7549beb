"""The pooled event log keeps the records that Dagster's own would, and keeps them whole."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from persona_assets.orchestration.resources import instance as instance_module
from persona_assets.orchestration.resources.event_log import PooledSqliteEventLogStorage

DAYS = ("2025-01-01", "2025-01-02", "2025-01-03")
EVENTS = dg.AssetKey(["raw", "events"])
CONTRACT = dg.AssetCheckKey(EVENTS, "contract")
ASSETS = ["raw/users", "raw/product_history", "raw/events"]


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folder of an instance as `persona run` makes it."""
    for name in ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    yield instance_module.prepare(tmp_path / "pooled")


def recorded(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """What an instance knows of a run over a range, times and run identifiers left out."""
    log = instance.event_log_storage
    materializations = instance.fetch_materializations(EVENTS, limit=100).records
    checks = log.get_asset_check_execution_history(CONTRACT, limit=100)
    return {
        "events": sorted(
            event.dagster_event.event_type_value
            for event in instance.all_logs(run_id)
            if event.dagster_event
        ),
        "materializations": [
            (record.partition_key, sorted(record.asset_materialization.metadata))
            for record in materializations
        ],
        "partitions": instance.get_materialized_partitions(EVENTS),
        "checks": [(each.partition, each.status, each.id) for each in checks],
    }


def test_run_over_days_leaves_the_records_of_the_stock_log(
    prepared: Path, tmp_path: Path, open_graph: Callable[..., Any]
) -> None:
    graph = open_graph()
    stock_home = tmp_path / "stock"
    stock_home.mkdir()
    found = []
    for folder in (prepared, stock_home):
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            mine = type(graph)(graph.settings, graph.defs, instance)
            result = mine.run("ingestion", DAYS[0], DAYS[-1], assets=ASSETS)
            found.append(recorded(instance, result.run_id))
            pooled = isinstance(instance.event_log_storage, PooledSqliteEventLogStorage)
            assert pooled is (folder == prepared)
    assert found[0] == found[1]
    assert found[0]["partitions"] == set(DAYS)


def test_stock_log_can_read_what_the_pooled_log_wrote(
    prepared: Path, open_graph: Callable[..., Any]
) -> None:
    """Nobody is locked in: the files are those of Dagster's own storage."""
    graph = open_graph()
    with dg.DagsterInstance.from_config(str(prepared)) as instance:
        result = type(graph)(graph.settings, graph.defs, instance).run(
            "ingestion", DAYS[0], DAYS[-1], assets=ASSETS
        )
        written = instance.event_log_storage.get_logs_for_run(result.run_id)
    stock = SqliteEventLogStorage(str(prepared / "history" / "runs"))
    try:
        assert stock.get_logs_for_run(result.run_id) == written
        assert stock.get_materialized_partitions(EVENTS) == set(DAYS)
    finally:
        stock.dispose()


def entries(instance: dg.DagsterInstance, run_id: str) -> list[EventLogEntry]:
    """Materializations of the days as a run would log them."""
    from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData

    return [
        EventLogEntry(
            error_info=None,
            level="debug",
            user_message="",
            run_id=run_id,
            timestamp=1.0 + position,
            job_name="ingestion",
            dagster_event=DagsterEvent(
                DagsterEventType.ASSET_MATERIALIZATION.value,
                "ingestion",
                event_specific_data=StepMaterializationData(
                    dg.AssetMaterialization(EVENTS, partition=day)
                ),
            ),
        )
        for position, day in enumerate(DAYS)
    ]


def test_batch_is_stored_whole_or_not_at_all(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that fails takes back those before it, in the run's shard and in the index."""
    run_id = "00000000-0000-0000-0000-000000000001"
    with dg.DagsterInstance.from_config(str(prepared)) as instance:
        log = instance.event_log_storage
        stored: list[EventLogEntry] = []
        store = log.store_event

        def fail_on_the_third(entry: EventLogEntry) -> None:
            if len(stored) == 2:
                raise OSError("no space left")
            store(entry)
            stored.append(entry)

        monkeypatch.setattr(log, "store_event", fail_on_the_third)
        with pytest.raises(OSError, match="no space left"):
            log.store_event_batch(entries(instance, run_id))
        assert len(stored) == 2
        assert log.get_logs_for_run(run_id) == []
        assert log.get_materialized_partitions(EVENTS) == set()

        monkeypatch.setattr(log, "store_event", store)
        log.store_event_batch(entries(instance, run_id))
        assert len(log.get_logs_for_run(run_id)) == len(DAYS)
        assert log.get_materialized_partitions(EVENTS) == set(DAYS)


WRITER = """
import sys
import dagster as dg
with dg.DagsterInstance.get() as instance:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(sys.argv[2])):
        instance.report_runless_asset_event(
            dg.AssetMaterialization("shared", partition=f"{sys.argv[1]}-{number}")
        )
"""


def test_two_processes_write_at_once_and_nothing_is_lost(prepared: Path) -> None:
    events = 60
    environment = os.environ | {
        "DAGSTER_HOME": str(prepared),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    # Dagster's own run storage cannot be created by two processes at once.
    dg.DagsterInstance.from_config(str(prepared)).dispose()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name, str(events)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("first", "second")
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n", writer.communicate()[1][-3000:]
    for writer in writers:
        _, errors = writer.communicate("go\n", timeout=1_200)
        assert writer.returncode == 0, errors[-3000:]
    with dg.DagsterInstance.from_config(str(prepared)) as instance:
        assert len(instance.get_materialized_partitions(dg.AssetKey("shared"))) == 2 * events
