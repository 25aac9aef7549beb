"""Which process executes which Dagster run, so that the runs of dead processes can be closed.

Belongs here: the tag by which a run names its process, that process's lock file, and closing runs
whose process is gone. Does not belong here: the locks themselves (`process_lock.py`), executing
(`execute.py`).

Dagster believes a run to be under way until its own process says otherwise. A process that is
killed says nothing, its runs count against `max_concurrent_runs` for ever, and backfills wait. So
each process that executes runs holds a lock file in `<DAGSTER_HOME>/processes`, named by the tag
`persona/process` of its runs; a run whose lock nobody holds is over.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import dagster as dg

from persona_assets import process_lock

TAG = "persona/process"
FOLDER = "processes"
SUFFIX = ".lock"
UNFINISHED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# A run is tagged when its first step begins, at the latest: seconds after its start. One without a
# tag a day later is of a version that knew no tags, or died before its first step.
_UNTAGGED_FOR = timedelta(days=1)


@dataclass
class _Process:
    """This process's lock, taken when it first executes a run."""

    locks: dict[Path, tuple[str, IO[str]]] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)

    def token(self, folder: Path) -> str:
        """The name of this process in `folder`, which it is locked under from now on."""
        if folder not in self.locks:
            folder.mkdir(parents=True, exist_ok=True)
            token = f"{os.getpid()}-{secrets.token_hex(8)}"
            self.locks[folder] = (token, process_lock.born_locked(folder / f"{token}{SUFFIX}"))
        return self.locks[folder][0]


_THIS = _Process()


def folder_of(instance: dg.DagsterInstance) -> Path:
    """Where the lock files of the instance's processes lie."""
    return Path(instance.root_directory) / FOLDER


def tags(instance: dg.DagsterInstance) -> dict[str, str]:
    """Tags of a run that this process is about to execute."""
    return {TAG: _THIS.token(folder_of(instance))}


def claim(instance: dg.DagsterInstance, run_id: str) -> None:
    """Say that this process executes the run, whoever started it; called by every step."""
    if run_id not in _THIS.claimed:
        instance.add_run_tags(run_id, tags(instance))
        _THIS.claimed.add(run_id)


def release(instance: dg.DagsterInstance) -> None:
    """Give up this process's lock: all its runs are over."""
    if held := _THIS.locks.pop(folder_of(instance), None):
        token, lock = held
        (folder_of(instance) / f"{token}{SUFFIX}").unlink(missing_ok=True)
        lock.close()


def close_own(instance: dg.DagsterInstance, reason: str) -> None:
    """Close this process's unfinished runs as canceled: it is about to end."""
    if held := _THIS.locks.get(folder_of(instance)):
        for run in _unfinished(instance):
            if run.tags.get(TAG) == held[0]:
                instance.report_run_canceled(run, reason)


def close_dead(instance: dg.DagsterInstance, *, now: datetime) -> list[str]:
    """Close runs whose process is gone as failed; their ids.

    Runs that are alive in another process stay as they are, and so do those of other machines
    where several share an instance: their lock files are not here.
    """
    closed = []
    # Here, because it imports SQLAlchemy: 0.3 s that loading the definitions can do without.
    from persona_assets.orchestration.dagster_internals.storage import keeps_runs_in_files

    folder = folder_of(instance)
    for run in _unfinished(instance):
        token = run.tags.get(TAG)
        if token is None:
            if _untagged_for_long(instance, run, now):
                closed.append(_close(instance, run))
            continue
        lock = folder / f"{token}{SUFFIX}"
        with process_lock.if_abandoned(lock) as abandoned:
            lost = not lock.exists() and keeps_runs_in_files(instance)
            if abandoned or lost:
                closed.append(_close(instance, run))
    for lock in abandoned_locks(folder):
        lock.unlink(missing_ok=True)
    return closed


def abandoned_locks(folder: Path) -> list[Path]:
    """Lock files in `folder` that nobody holds: of processes that ended without a word."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with process_lock.if_abandoned(path) as abandoned:
            if abandoned:
                found.append(path)
    return found


def _unfinished(instance: dg.DagsterInstance) -> Iterator[dg.DagsterRun]:
    yield from instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.NOT_STARTED])):
        if TAG in run.tags:
            yield run


def _close(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    instance.report_run_failed(
        run,
        "The process that executed this run ended without saying so: it was killed, or the machine "
        "went down. What it had written is whole; run it again to complete it.",
    )
    return run.run_id


def _untagged_for_long(instance: dg.DagsterInstance, run: dg.DagsterRun, now: datetime) -> bool:
    record = instance.get_run_record_by_id(run.run_id)
    return record is not None and now - record.create_timestamp > _UNTAGGED_FOR
