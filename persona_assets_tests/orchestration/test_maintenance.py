"""A home that is run again and again stays small, and the UI's state of it stays true."""

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from persona_assets import run_record
from persona_assets.orchestration.maintenance.home import maintain_home
from persona_assets.orchestration.maintenance.old_files import delete_old_files
from persona_assets.orchestration.maintenance.old_runs import delete_old_runs

NOTHING = timedelta(0)
SOON = timedelta(minutes=1)
RAW_AND_MART = [
    "raw/events", "raw/orders", "raw/search_logs", "raw/products", "raw/users",
    "raw/product_history", "raw/user_history", "mart/user_item_interactions", "mart/quarantine",
]  # fmt: skip
"""Enough tables, of both kinds of partitions, to see what becomes of a home that reruns them."""
THE_SHOP = (
    "run", "--source", "synthetic", "--start", "2025-01-01", "--end", "2025-01-29",
    "--users", "150", "--products", "80", "--seed", "7",
)  # fmt: skip


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def state(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What the UI shows of assets: partitions that are there, and the newest checks."""
    storage = instance.event_log_storage
    return {
        key.to_user_string(): (
            instance.get_materialized_partitions(key),
            instance.get_latest_materialization_event(key) is not None,
        )
        for key in instance.all_asset_keys()
    } | {"runs to come": storage.get_maximum_record_id() is not None}


@pytest.fixture
def filled(
    whole: Any, tmp_path: Path, open_graph_of_home: Callable[..., AbstractContextManager[Any]]
) -> Any:
    """The graph of a copy of the complete home, with its record of runs."""
    home = Path(shutil.copytree(whole.settings.home, tmp_path / "home"))
    with open_graph_of_home(home) as graph:
        yield graph


@pytest.fixture
def begun(tmp_path: Path, open_graph_of_home: Callable[..., AbstractContextManager[Any]]) -> Any:
    """The graph of a home with three days of raw data and the mart."""
    with open_graph_of_home(tmp_path / "home") as graph:
        make(graph, "2025-01-01", "2025-01-03")
        yield graph


def make(graph: Any, first: str, last: str | None = None) -> None:
    graph.run("daily_tables", first, last, assets=RAW_AND_MART)


def test_a_home_stays_small_over_ten_reruns(begun: Any) -> None:
    home = begun.settings.home
    first, hashes, shown = size(home), begun.hashes(), state(begun.instance)
    unattended = 0
    for _ in range(10):
        before = size(home)
        make(begun, "2025-01-01", "2025-01-03")
        unattended += size(home) - before
        maintain_home(
            begun.settings, begun.store, begun.instance,
            now=datetime.now(UTC) + SOON, retention=NOTHING, history=NOTHING,
        )  # fmt: skip
        assert size(home) < 1.5 * first
    assert first + unattended > 1.5 * first  # it would not have stayed small by itself
    assert begun.hashes() == hashes
    assert state(begun.instance) == shown


def test_a_run_goes_when_all_that_it_made_was_made_again(begun: Any) -> None:
    instance, later = begun.instance, datetime.now(UTC) + timedelta(hours=1)
    [all_days] = instance.get_runs()
    make(begun, "2025-01-01", "2025-01-02")
    shown = state(instance)
    # One day of it is still the newest there is.
    assert delete_old_runs(instance, before=later) == 0
    logs = Path(instance.root_directory) / "storage" / all_days.run_id
    assert not logs.exists()
    make(begun, "2025-01-03")
    begun.run("daily_tables", "2025-01-03", assets=["raw/events"])
    assert delete_old_runs(instance, before=datetime.now(UTC) - timedelta(days=1)) == 0
    assert delete_old_runs(instance, before=later) == 1
    assert instance.get_run_by_id(all_days.run_id) is None
    assert len(instance.get_runs()) == 3
    assert not list(Path(instance.root_directory).rglob(f"*{all_days.run_id}*"))
    assert state(instance) == shown


def test_a_run_that_was_replaced_goes_sooner_than_one_that_failed(begun: Any) -> None:
    instance, now = begun.instance, datetime.now(UTC) + timedelta(days=1)
    make(begun, "2025-01-01", "2025-01-03")
    failed = instance.create_run_for_job(
        begun.defs.resolve_job_def("daily_tables"), status=dg.DagsterRunStatus.FAILURE
    )
    long_ago = now - timedelta(days=90)
    assert delete_old_runs(instance, before=long_ago, replaced_before=now) == 1
    assert instance.get_run_by_id(failed.run_id) is not None
    assert delete_old_runs(instance, before=now) == 1
    assert instance.get_run_by_id(failed.run_id) is None
    assert len(instance.get_runs()) == 1


def test_old_reports_plots_of_nothing_and_old_logs_go(filled: Any) -> None:
    home = filled.settings.home
    reports = home / "reports" / "monitoring" / "data_drift"
    there = {file.name for file in reports.iterdir()}
    assert "2025-01-20.html" in there
    (reports / "2024-10-07.html").write_text("old")
    (home / "plots" / "monitoring" / "renamed_table_plot.png").write_bytes(b"")
    (home / "logs").mkdir()
    for name, age in (("failure-old.log", 100), ("failure-new.log", 1)):
        file = home / "logs" / name
        file.write_text("")
        then = (datetime.now(UTC) - timedelta(days=age)).timestamp()
        os.utime(file, (then, then))
    plots = {file for file in (home / "plots").rglob("*.png") if "renamed" not in file.name}
    assert delete_old_files(home, timedelta(days=90), now=datetime.now(UTC)) == 3
    assert {file.name for file in reports.iterdir()} == there
    assert set((home / "plots").rglob("*.png")) == plots
    assert [file.name for file in (home / "logs").iterdir()] == ["failure-new.log"]
    # Those that are too old in the eyes of the setting are not missed afterwards.
    assert delete_old_files(home, timedelta(days=6), now=datetime.now(UTC)) == 2
    record = run_record.load(home)
    assert record is not None
    assert "reports/monitoring/data_drift/2025-01-13.html" not in record.files
    assert "reports/monitoring/data_drift/2025-01-20.html" in record.files


def test_the_job_and_the_command_change_no_row_and_make_nothing_due(
    filled: Any, start_persona: Callable[..., Any]
) -> None:
    hashes = filled.hashes()
    job = filled.defs.resolve_job_def("maintenance")
    assert job.execute_in_process(instance=filled.instance).success
    process = start_persona(filled.settings.home, "maintenance")
    _, errors = process.communicate(timeout=1_200)
    assert process.returncode == 0, errors
    assert "Dagster: 0 runs deleted" in errors
    assert filled.hashes() == hashes
    process = start_persona(filled.settings.home, *THE_SHOP)
    _, errors = process.communicate(timeout=1_200)
    assert "Nothing changed since the last run: no work done." in errors
