"""Executing planned runs and collecting their results.

Belongs here: running jobs in this process or beside it, and turning Dagster's results into a
record or one clear error. Does not belong here: which runs (`plan.py`), arguments and printing
(`cli/run.py`).
"""

import builtins
import ctypes
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path

import dagster as dg

from persona_assets import errors, run_record
from persona_assets.errors import FailedChecksError, InfrastructureError
from persona_assets.notification import notice
from persona_assets.orchestration.dagster_internals.graph import StepError
from persona_assets.orchestration.resources import instance as instance_module
from persona_assets.orchestration.resources.stopwatch import STOPWATCH
from persona_assets.orchestration.runs import owners
from persona_assets.orchestration.runs.fingerprint import (
    fingerprint,
    source_files,
    store_of,
    table_versions,
)
from persona_assets.orchestration.runs.missing import files_of
from persona_assets.orchestration.runs.plan import PlannedRun
from persona_assets.run_record import CheckOutcome, Outcome, RunRecord
from persona_assets.settings import Settings

_PR_SET_PDEATHSIG = 1
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def execute(
    settings: Settings,
    defs: dg.Definitions,
    planned: Sequence[PlannedRun],
    *,
    due: Iterable[PlannedRun] | None = None,
    side_by_side: bool = False,
    files: str | None = None,
    child_died: Callable[[str], None] | None = None,
) -> RunRecord:
    """Execute `planned`, or those that are `due`, in their order and remember what they did.

    Args:
        settings: of the home.
        defs: the graph, with the home's resources or others.
        planned: all runs of the home; see `plan`.
        due: what to run of it, asked for one run after the other; None: all.
        side_by_side: give each run that may go `in_subprocess` a process of its own, beside those
            that follow it. That process loads the home's own definitions, so `defs` must be
            those. On a distributed engine it stays in this process, which has the only JVM.
        files: the source's files as `fingerprint.source_files` gave them before it was read; None:
            as they are now.
        child_died: called from another thread with what to say, as soon as that process is gone
            before its runs are done; it may end this process too. Without it, the runs of this
            process are completed first.

    Raises:
        DataError: a step failed, or a blocking check did.
        InfrastructureError: the process for runs side by side was killed.
    """
    files = files or source_files(settings)
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    done: list[_Done] = []
    side_by_side = side_by_side and not store_of(defs).engine.distributed
    with (
        instance_module.of(settings.home) as instance,
        ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=_end_with_parent
        ) as pool,
    ):
        elsewhere: list[tuple[PlannedRun, Future[_Done]]] = []
        if side_by_side and any(planned_run.in_subprocess for planned_run in planned):
            pool.submit(_import_ahead)
        try:
            for planned_run in planned if due is None else due:
                if side_by_side and planned_run.in_subprocess:
                    future = pool.submit(_execute_in_subprocess, planned_run)
                    if child_died:
                        future.add_done_callback(partial(_tell_if_killed, planned_run, child_died))
                    elsewhere.append((planned_run, future))
                else:
                    done.append(_execute(planned_run, defs, instance))
            done += [_result(planned_run, future) for planned_run, future in elsewhere]
        finally:
            owners.release(instance)
    checks = tuple(outcome for each in done for outcome in each.checks)
    record = RunRecord(
        started=started,
        total=time.perf_counter() - clock,
        framework=sum(each.framework for each in done),
        seconds=_added(each.seconds for each in done),
        checks=checks if due is None else _with_earlier(run_record.load(settings.home), checks),
        fingerprint=fingerprint(settings, defs, planned, files=files),
        versions=table_versions(store_of(defs)),
        files=files_of(settings.home),
    )
    run_record.save(settings.home, record)
    return record


@dataclass(frozen=True)
class _Done:
    """What one run did."""

    seconds: Mapping[str, float]
    framework: float
    checks: tuple[CheckOutcome, ...]


def _execute(planned_run: PlannedRun, defs: dg.Definitions, instance: dg.DagsterInstance) -> _Done:
    clock = time.perf_counter()
    STOPWATCH.seconds.clear()
    result = defs.resolve_job_def(planned_run.job).execute_in_process(
        instance=instance,
        tags={**planned_run.tags, **owners.tags(instance)},
        run_config=_QUIET,
        asset_selection=[dg.AssetKey(path.split("/")) for path in planned_run.assets]
        if planned_run.assets
        else None,
        raise_on_error=False,
    )
    checks = tuple(_outcomes(result))
    if not result.success:
        raise FailedChecksError(_failure(result, checks), notice.failed(checks))
    seconds = dict(STOPWATCH.seconds)
    wall = time.perf_counter() - clock
    return _Done(seconds, max(0.0, wall - sum(seconds.values())), checks)


def _execute_in_subprocess(planned_run: PlannedRun) -> _Done:
    """`_execute` in a process of its own, on the home that the environment names."""
    from persona_assets.definitions import defs

    home = Path(os.environ["PERSONA_HOME"])
    with instance_module.of(home) as instance:
        try:
            return _execute(planned_run, defs, instance)
        finally:
            owners.release(instance)


def _result(planned_run: PlannedRun, future: "Future[_Done]") -> _Done:
    """What the run of another process did.

    Raises:
        InfrastructureError: that process was killed.
    """
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise InfrastructureError(_killed(planned_run)) from error


def _tell_if_killed(
    planned_run: PlannedRun, tell: Callable[[str], None], future: "Future[_Done]"
) -> None:
    if isinstance(future.exception(), BrokenProcessPool):
        tell(_killed(planned_run))


def _killed(planned_run: PlannedRun) -> str:
    return (
        f"the process that computed {planned_run.job} was killed, perhaps because memory ran out; "
        "what was written is whole, run again to complete it"
    )


def _end_with_parent() -> None:
    """Make this process end when its parent does, however that ends.

    A pool's process waits for work on a pipe that it holds open itself: a parent that is killed
    leaves it waiting for ever, and until then at work on a home that the next run thinks its own.
    Ctrl-C goes to all processes of a terminal; this one leaves the answer to its parent.
    """
    os.setpgrp()
    parent = parent_process()
    assert parent is not None  # noqa: S101 - for the type checker
    if sys.platform == "linux":
        # At once, even within a long native call, which the thread below would wait for.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _import_ahead() -> None:
    """Load what the other process will need while the first runs keep only one core busy."""
    importlib.import_module("persona_assets.definitions")
    importlib.import_module("evidently")


def _with_earlier(
    earlier: RunRecord | None, checks: Sequence[CheckOutcome]
) -> tuple[CheckOutcome, ...]:
    """`checks`, and what earlier runs found where this one did not look."""
    looked = {(each.asset, each.check, each.partition) for each in checks}
    kept = [
        each
        for each in (earlier.checks if earlier else ())
        if (each.asset, each.check, each.partition) not in looked
    ]
    return (*kept, *checks)


def _added(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for asset, seconds in part.items():
            total[asset] = total.get(asset, 0.0) + seconds
    return total


def _outcomes(result: dg.ExecuteInProcessResult) -> Iterator[CheckOutcome]:
    """Check results per partition; the summary that a range run adds is left out."""
    evaluations = result.get_asset_check_evaluations()
    split = {(each.asset_key, each.check_name) for each in evaluations if each.partition}
    for each in evaluations:
        if each.partition is None and (each.asset_key, each.check_name) in split:
            continue
        outcome: Outcome = "passed"
        if not each.passed:
            outcome = "warned" if each.severity is dg.AssetCheckSeverity.WARN else "failed"
        yield CheckOutcome(
            asset="/".join(each.asset_key.path),
            check=each.check_name,
            partition=each.partition or "",
            outcome=outcome,
            description=each.description or "",
        )


def _failure(result: dg.ExecuteInProcessResult, outcomes: Sequence[CheckOutcome]) -> str:
    """The first failed step's own words, or those of the checks that stopped the run."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return f"{data.user_failure_data.description} [step {event.step_key}]"
            error = _telling(data.error)
            if error is not None and not any(each.outcome == "failed" for each in outcomes):
                said = " ".join(error.message.split())
                if _is_our_own(error):
                    said = said.partition(": ")[2]  # its name is of no use to a reader
                what = "; check room, permissions and what lies there, then run it again"
                return f"step {event.step_key} failed: {said}{what * _of_the_system(error)}"
    failed = [each for each in outcomes if each.outcome == "failed"]
    if failed:
        return "blocked by failed checks: " + "; ".join(
            f"{each.asset} {each.check} {each.partition}: {each.description}" for each in failed[:3]
        )
    return f"run {result.run_id} failed; open the UI (`persona ui`) to see where"


def _telling(error: StepError | None) -> StepError | None:
    """Of an error and its causes the package's own, which says what to do, else the first cause."""
    while error is not None and error.cause is not None and not _is_our_own(error):
        error = error.cause
    return error


def _is_our_own(error: StepError) -> bool:
    kind = getattr(errors, error.cls_name or "", None)
    return isinstance(kind, type) and issubclass(kind, errors.PersonaError)


def _of_the_system(error: StepError) -> bool:
    """Did the operating system refuse something?"""
    kind = getattr(builtins, error.cls_name or "", None)
    return isinstance(kind, type) and issubclass(kind, OSError)
