"""Running the whole graph of a home.

Belongs here: the order of the runs, what counts as "nothing to do", and turning Dagster's results
into a record or one clear error. Does not belong here: arguments and printing (`cli.py`).
"""

import hashlib
import importlib
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context, parent_process
from pathlib import Path

import dagster as dg

from persona_assets import run_record
from persona_assets.errors import DataError
from persona_assets.lake import DeltaStore
from persona_assets.partitions import DAILY, JUDGED, WEEKLY
from persona_assets.resources.stopwatch import STOPWATCH
from persona_assets.run_record import CheckOutcome, Outcome, RunRecord
from persona_assets.settings import Settings
from persona_assets.tables import TABLES
from persona_assets.tables.tuning import PROMOTIONS, TUNING_TRIALS

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_START = "dagster/asset_partition_range_start"
_END = "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class Leg:
    """One Dagster run: a job over a range of partitions (empty: unpartitioned).

    `assets` narrows the job down. A leg that is `apart` feeds none of those after it.
    """

    job: str
    partitions: Sequence[str] = ()
    assets: Sequence[str] | None = None
    apart: bool = False

    @property
    def tags(self) -> dict[str, str]:
        """The tags by which Dagster knows the range."""
        if not self.partitions:
            return {}
        return {_START: self.partitions[0], _END: self.partitions[-1]}


def plan(weeks: int) -> list[Leg]:
    """The runs that bring a whole home up to date, replaying the last `weeks` judged cut-offs."""
    judged = JUDGED.get_partition_keys()[-weeks:]
    trained = [key for key in WEEKLY.get_partition_keys() if not judged or key >= judged[0]]
    if not judged:
        trained = trained[-1:]
    legs = [Leg("daily_tables", DAILY.get_partition_keys())]
    if judged:
        # Evidently keeps one core busy for as long as the trainings leave one idle.
        legs.append(Leg("weekly_monitoring", judged, apart=True))
    if trained:
        legs.append(Leg("weekly_training", trained))
    if judged:
        legs += [Leg("weekly_evaluation", judged), Leg("reports")]
    else:
        legs.append(Leg("reports", assets=["feature_store/online_features"]))
    return legs


def run(
    settings: Settings, defs: dg.Definitions, legs: Sequence[Leg], *, side_by_side: bool = False
) -> RunRecord:
    """Execute `legs` in their order and remember what they did.

    Args:
        settings: of the home.
        defs: the graph, with the home's resources or others.
        legs: what to run; see `plan`.
        side_by_side: give each leg with `apart` a process of its own, beside those that follow
            it. That process loads the home's own definitions, so `defs` must be those. On a
            distributed engine it stays in this process, which then has the only JVM.

    Raises:
        DataError: a step failed, or a blocking check did.
    """
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    done: list[_Done] = []
    side_by_side = side_by_side and not _store(defs).engine.distributed
    with (
        dg.DagsterInstance.get() as instance,
        ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=_end_with_parent
        ) as pool,
    ):
        apart: list[Future[_Done]] = []
        if side_by_side and any(leg.apart for leg in legs):
            pool.submit(_import_ahead)
        for leg in legs:
            if side_by_side and leg.apart:
                apart.append(pool.submit(_execute_apart, leg))
            else:
                done.append(_execute(leg, defs, instance))
        done += [future.result() for future in apart]
    record = RunRecord(
        started=started,
        total=time.perf_counter() - clock,
        framework=sum(each.framework for each in done),
        seconds=_added(each.seconds for each in done),
        checks=tuple(outcome for each in done for outcome in each.checks),
        fingerprint=fingerprint(settings, defs, legs),
        versions=_versions(_store(defs)),
    )
    run_record.save(settings.home, record)
    return record


@dataclass(frozen=True)
class _Done:
    """What one leg did."""

    seconds: Mapping[str, float]
    framework: float
    checks: tuple[CheckOutcome, ...]


def _execute(leg: Leg, defs: dg.Definitions, instance: dg.DagsterInstance) -> _Done:
    clock = time.perf_counter()
    STOPWATCH.seconds.clear()
    result = defs.resolve_job_def(leg.job).execute_in_process(
        instance=instance,
        tags=leg.tags,
        run_config=_QUIET,
        asset_selection=[dg.AssetKey(path.split("/")) for path in leg.assets]
        if leg.assets
        else None,
        raise_on_error=False,
    )
    checks = tuple(_outcomes(result))
    if not result.success:
        raise DataError(_failure(result, checks))
    seconds = dict(STOPWATCH.seconds)
    wall = time.perf_counter() - clock
    return _Done(seconds, max(0.0, wall - sum(seconds.values())), checks)


def _execute_apart(leg: Leg) -> _Done:
    """`_execute` in a process of its own, on the home that the environment names."""
    from persona_assets.definitions import defs

    with dg.DagsterInstance.get() as instance:
        return _execute(leg, defs, instance)


def _end_with_parent() -> None:
    """Make this process end when its parent does, however that ends.

    A pool's process waits for work on a pipe that it holds open itself: a parent that is killed
    leaves it waiting for ever, and until then at work on a home that the next run thinks its own.
    """
    parent = parent_process()
    assert parent is not None  # noqa: S101 - for the type checker

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _import_ahead() -> None:
    """Load what the other process will need while the first runs keep only one core busy."""
    importlib.import_module("persona_assets.definitions")
    importlib.import_module("evidently")


def _added(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for asset, seconds in part.items():
            total[asset] = total.get(asset, 0.0) + seconds
    return total


def up_to_date(settings: Settings, defs: dg.Definitions, legs: Sequence[Leg]) -> bool:
    """Did the last run do just this with this code and source, and is it all still there?"""
    last = run_record.load(settings.home)
    return (
        last is not None
        and last.fingerprint == fingerprint(settings, defs, legs)
        and dict(last.versions) == _versions(_store(defs))
    )


def fingerprint(settings: Settings, defs: dg.Definitions, legs: Sequence[Leg]) -> str:
    """Digest of code, settings, source files and partitions."""
    versions = {
        key.to_user_string(): version
        for asset in defs.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        for key, version in asset.code_versions_by_key.items()
    }
    parts = (
        sorted(versions.items()),
        settings.source,
        settings.top_k,
        settings.exclude,
        settings.seed,
        sorted(settings.event_weights.items()),
        settings.segmentation,
        hashlib.blake2b(settings.hash_key or b"").hexdigest(),
        list(_files(settings.source.options.get("path"))),
        list(_files(settings.source.options.get("mapping"))),
        legs,
    )
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _files(path: str | None) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of the source's files: enough to see that one was changed."""
    if path is None:
        return
    root = Path(path)
    for file in sorted(root.rglob("*")) if root.is_dir() else [root]:
        if file.is_file():
            stat = file.stat()
            yield str(file), stat.st_size, stat.st_mtime_ns


def _store(defs: dg.Definitions) -> DeltaStore:
    assert defs.resources is not None  # noqa: S101 - for the type checker
    store: DeltaStore = defs.resources["lake"].store
    return store


def _versions(store: DeltaStore) -> dict[str, int]:
    # Trials and stages change nothing that the graph makes; configurations do.
    versions = {
        path: store.version(table)
        for path, table in TABLES.items()
        if table not in (TUNING_TRIALS, PROMOTIONS)
    }
    return {path: version for path, version in versions.items() if version is not None}


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
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            if error is not None and not any(each.outcome == "failed" for each in outcomes):
                return f"step {event.step_key} failed: {error.message.strip()}"
    failed = [each for each in outcomes if each.outcome == "failed"]
    if failed:
        return "blocked by failed checks: " + "; ".join(
            f"{each.asset} {each.check} {each.partition}: {each.description}" for each in failed[:3]
        )
    return f"run {result.run_id} failed; open the UI (`persona ui`) to see where"
