"""What a finished home has lost is noticed, and just that is made again."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from deltalake import DeltaTable

from persona_assets import run_record
from persona_assets.lake import DeltaStore
from persona_assets.orchestration.runs import missing
from persona_assets.serving.online.opening import open_store
from persona_assets.settings import Settings
from persona_assets.tables import TABLES

THE_SHOP = (
    "run", "--source", "synthetic", "--start", "2025-01-01", "--end", "2025-01-29",
    "--users", "150", "--products", "80", "--seed", "7",
)  # fmt: skip


@pytest.fixture
def home(whole: Any, tmp_path: Path) -> Path:
    """A finished home, moved."""
    return Path(shutil.copytree(whole.settings.home, tmp_path / "moved home"))


def live_files(home: Path) -> dict[str, Path]:
    """Name in messages → file, of all that runs made and did not replace."""
    lake = home / "lake"
    found = {
        f"{path}: {unquote(name)}": lake / path / unquote(name)
        for path in TABLES
        if (lake / path / "_delta_log").is_dir()
        for name in DeltaTable(str(lake / path)).get_add_actions().column("path").to_pylist()
    }
    folders = (home / "plots", home / "reports", home / "online")
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return found | {file.relative_to(home).as_posix(): file for file in files}


def lost(home: Path) -> set[str]:
    store = DeltaStore(str(home / "lake"))
    found = missing.lost(Settings(home=home), store, run_record.load(home))
    return {each.file for each in found}


@pytest.mark.parametrize("damage", ["deleted", "cut", "emptied"])
def test_every_file_that_is_lost_or_cut_is_noticed(damage: str, home: Path) -> None:
    assert lost(home) == set()
    files = live_files(home)
    assert len(files) > 100
    for file in files.values():
        if damage == "deleted":
            file.unlink()
        else:
            content = file.read_bytes()
            file.write_bytes(content[: -max(1, len(content) // 3)] if damage == "cut" else b"")
    assert lost(home) == set(files)


def test_what_is_lost_is_made_again_and_nothing_else(
    whole: Any, home: Path, start_persona: Callable[..., Any]
) -> None:
    before = {path: whole.store.version(table) for path, table in TABLES.items()}
    lake = home / "lake"
    for folder in ("mart/sessions/event_date=2025-01-10", "evaluation/model_comparison"):
        next((lake / folder).glob("*.parquet")).unlink()
    cut = next((lake / "feature_store/user_features/as_of=2025-01-12").glob("*.parquet"))
    cut.write_bytes(cut.read_bytes()[:100])
    report = home / "reports/monitoring/data_quality/2025-01-13.html"
    plot = home / "plots/experiments/ab_test_results_plot.png"
    page = home / "report.html"
    online = next((home / "online/snapshots").glob("*/data.mdb"))
    for file in (report, plot, online):
        file.unlink()
    process = start_persona(home, *THE_SHOP)
    _, errors = process.communicate(timeout=1_200)
    assert process.returncode == 0, errors
    said = " ".join(errors.split())
    assert "lost since the last run: mart/sessions: event_date=2025-01-10/" in said
    assert "made mart: 1 day 2025-01-10 (it was lost)" in said
    assert all(file.is_file() for file in (report, plot, page))
    assert open_store(home).read_many("item_features", []) == []
    assert lost(home) == set()
    store = DeltaStore(str(lake))
    made = {path for path, table in TABLES.items() if store.version(table) != before[path]}
    assert made == {
        "mart/sessions", "evaluation/model_comparison", "feature_store/user_features",
        "monitoring/data_quality", "experiments/ab_test_results",
    }  # fmt: skip
    assert store.digests(TABLES["mart/sessions"]) == whole.store.digests(TABLES["mart/sessions"])


def test_lost_page_alone_is_written_without_a_run(
    home: Path, start_persona: Callable[..., Any]
) -> None:
    page = home / "report.html"
    process = start_persona(home, *THE_SHOP)
    _, errors = process.communicate(timeout=1_200)
    assert process.returncode == 0, errors
    assert "Nothing changed since the last run: no work done." in errors
    assert page.stat().st_size > 0


@pytest.mark.parametrize("lost_file", ["history/runs.db", "history/runs/index.db", "history"])
def test_lost_record_of_runs_is_noticed_and_knows_the_lake_again(
    lost_file: str, home: Path, start_persona: Callable[..., Any],
    open_graph_of_home: Callable[[Path], Any],
) -> None:  # fmt: skip
    def shown() -> dict[str, set[str]]:
        with open_graph_of_home(home) as graph:
            keys = graph.instance.all_asset_keys()
            return {
                key.to_user_string(): graph.instance.get_materialized_partitions(key)
                for key in keys
                if graph.instance.get_latest_materialization_event(key)
            }

    before = shown()
    assert before["mart/sessions"]
    record = home / "dagster" / lost_file
    shutil.rmtree(record) if record.is_dir() else record.unlink()
    process = start_persona(home, *THE_SHOP)
    _, errors = process.communicate(timeout=1_200)
    assert process.returncode == 0, errors
    assert "lost: Dagster's record of runs" in errors
    assert "no work done" in errors
    assert shown() == before


def test_lost_and_damaged_logs_of_runs_are_said_once(
    home: Path, start_persona: Callable[..., Any]
) -> None:
    logs = sorted((home / "dagster/history/runs").glob("*-*.db"))
    logs[0].unlink()
    logs[1].write_bytes(b"no database")
    for said in (True, False):
        process = start_persona(home, *THE_SHOP)
        _, errors = process.communicate(timeout=1_200)
        assert process.returncode == 0, errors
        assert ("lost: the logs of 2 Dagster run(s)" in errors) is said
