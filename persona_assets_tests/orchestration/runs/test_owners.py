"""Runs of killed processes are closed, runs that are alive in another process are not."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from persona_assets.orchestration.resources import instance as instance_module
from persona_assets.orchestration.runs import owners

EXECUTING = """
import sys
from pathlib import Path
import dagster as dg
from persona_assets.orchestration.runs import owners
from persona_assets.orchestration.resources import instance

with instance.of(Path(sys.argv[1])) as opened:
    run = dg.DagsterRun("job", status=dg.DagsterRunStatus.STARTED, tags=owners.tags(opened))
    opened.add_run(run)
    print(run.run_id, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    instance_module.prepare(tmp_path)
    return tmp_path


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with instance_module.of(home) as opened:
        yield opened


@pytest.fixture
def executing(home: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", EXECUTING, str(home)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate()


def status(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status.value


def close(instance: dg.DagsterInstance, later: timedelta = timedelta()) -> list[str]:
    return owners.close_dead(instance, now=datetime.now(UTC) + later)


def test_run_is_closed_when_its_process_is_killed_and_not_before(
    instance: dg.DagsterInstance, executing: "subprocess.Popen[str]"
) -> None:
    assert executing.stdout is not None
    run_id = executing.stdout.readline().strip()
    assert close(instance) == []
    assert status(instance, run_id) == "STARTED"
    executing.kill()
    executing.wait()
    assert close(instance) == [run_id]
    assert status(instance, run_id) == "FAILURE"
    assert close(instance) == []
    assert not list(owners.folder_of(instance).iterdir())


def test_own_run_is_alive(instance: dg.DagsterInstance) -> None:
    run = dg.DagsterRun("job", status=dg.DagsterRunStatus.STARTED)
    instance.add_run(run)
    owners.claim(instance, run.run_id)
    assert close(instance, timedelta(days=30)) == []
    owners.close_own(instance, "asked to end")
    assert status(instance, run.run_id) == "CANCELED"


def test_run_without_an_owner_is_closed_after_a_day(instance: dg.DagsterInstance) -> None:
    """Of an earlier version, or killed before its first step."""
    run = dg.DagsterRun("job", status=dg.DagsterRunStatus.STARTED)
    instance.add_run(run)
    assert close(instance) == []
    assert close(instance, timedelta(hours=25)) == [run.run_id]


def test_run_whose_lock_file_is_gone_is_closed(
    instance: dg.DagsterInstance, executing: "subprocess.Popen[str]"
) -> None:
    assert executing.stdout is not None
    run_id = executing.stdout.readline().strip()
    executing.kill()
    executing.wait()
    for lock in owners.folder_of(instance).glob("*.lock"):
        if lock.name.startswith(str(executing.pid)):
            lock.unlink()
    assert close(instance) == [run_id]


def test_step_names_the_process_that_executes_it(open_graph) -> None:
    """However the run was started: by a command, the UI or the daemon."""
    graph = open_graph()
    result = graph.run("ingestion", "2025-01-01", assets=["raw/products", "raw/users"])
    run = graph.instance.get_run_by_id(result.run_id)
    assert owners.TAG in run.tags
