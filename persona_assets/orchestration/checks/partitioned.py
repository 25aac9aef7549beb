"""Asset checks that evaluate every partition of a run on its own.

Belongs here: the one bridge to Dagster's partitioned checks (preview in 1.13). Does not belong
here: any rule.

In a single-run range backfill Dagster records one evaluation per check with no partition, so every
targeted partition stays PLANNED and `all_deps_blocking_checks_passed()` never opens. This bridge
reports one evaluation per partition, each pointing at the materialization it evaluated.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import dagster as dg

from persona_assets.lake import DeltaStore
from persona_assets.lake.day_batches import day_batches
from persona_assets.orchestration.dagster_internals.graph import ResultOfPartitions, Target, target
from persona_assets.orchestration.partitions import days_of
from persona_assets.orchestration.resources.lake import Lake, LakeIOManager
from persona_assets.orchestration.resources.stopwatch import STOPWATCH
from persona_assets.tables import Table


class CheckedPartitions:
    """The partitions that a check evaluates, with the lake and the instance they are in."""

    def __init__(
        self, store: DeltaStore, instance: dg.DagsterInstance, keys: Sequence[str]
    ) -> None:
        self.store = store
        self.instance = instance
        self.keys = keys

    def divided(self, table: Table) -> "Iterator[CheckedPartitions]":
        """The partitions some at a time, as they were written; all at once on a cluster."""
        rows = {} if self.store.engine.distributed else self.store.partition_rows(table)
        for batch in day_batches(days_of(self.keys), rows):
            yield CheckedPartitions(self.store, self.instance, [str(day) for day in batch])


Evaluate = Callable[[CheckedPartitions], Mapping[str, dg.AssetCheckResult]]
"""One result per key of the checked partitions; `""` is the key of an unpartitioned asset."""


def asset_check(
    table: Table,
    partitions: dg.PartitionsDefinition | None,
    evaluate: Evaluate,
    *,
    name: str,
    description: str,
    blocking: bool,
    divide: bool = True,
) -> dg.AssetChecksDefinition:
    """An asset check of `table` with one evaluation per partition.

    With `divide`, partitions are evaluated some at a time, as many as memory holds rows of. A check
    that reads no rows and whose evaluations depend on how many there are does without.
    """
    key = dg.AssetKey([table.group, table.name])

    @dg.asset_check(
        asset=key,
        name=name,
        description=description,
        blocking=blocking,
        partitions_def=partitions,
    )
    def check(context: dg.AssetCheckExecutionContext, lake: Lake) -> dg.AssetCheckResult:
        keys = _keys(context, key) if partitions else [""]
        checked = CheckedPartitions(lake.store, context.op_execution_context.instance, keys)
        results: dict[str, dg.AssetCheckResult] = {}
        with STOPWATCH.measure(table.path, "check"):
            parts = checked.divided(table) if divide and partitions and keys else [checked]
            for part in parts if keys else ():
                results |= evaluate(part)
        if blocking:
            _remember(lake, table, name, results)
        # A range of one day has no partition key either: Dagster would not say which day it was.
        if partitions is None or context.op_execution_context.has_partition_key:
            return results[keys[0]]
        _report_each(context, key, name, blocking, results)
        return _summary(results)

    return check


def _keys(context: dg.AssetCheckExecutionContext, asset: dg.AssetKey) -> list[str]:
    """The partitions of the run, or, in a run without any, all that are materialized.

    "Execute" on the Checks tab of the UI starts a run that names no partition.
    """
    run = context.op_execution_context
    if run.has_partition_key or run.has_partition_key_range:
        return list(context.partition_keys)
    return sorted(run.instance.get_materialized_partitions(asset))


def _remember(
    lake: LakeIOManager,
    table: Table,
    name: str,
    results: Mapping[str, dg.AssetCheckResult],
) -> None:
    """Tell the lake what a blocking check found, so that no later run builds on a bad partition."""
    passed = {
        key: result.passed or result.severity is dg.AssetCheckSeverity.WARN
        for key, result in results.items()
    }
    lake.provenance.check(table.path, name, passed)


def _summary(results: Mapping[str, dg.AssetCheckResult]) -> dg.AssetCheckResult:
    """The range as a whole; partitions are named only where they fail."""
    failed = {key: result for key, result in results.items() if not result.passed}
    worst = dg.AssetCheckSeverity.WARN
    if any(result.severity is dg.AssetCheckSeverity.ERROR for result in failed.values()):
        worst = dg.AssetCheckSeverity.ERROR
    description = "; ".join(f"{key}: {result.description}" for key, result in failed.items())
    return ResultOfPartitions(
        passed=not failed,
        severity=worst if failed else dg.AssetCheckSeverity.ERROR,
        description=description or None,
        metadata={"partitions": len(results), "failed_partitions": sorted(failed)},
    )


def _report_each(
    context: dg.AssetCheckExecutionContext,
    key: dg.AssetKey,
    name: str,
    blocking: bool,
    results: Mapping[str, dg.AssetCheckResult],
) -> None:
    targets = _targets(context, key, list(results))
    with _one_transaction(context):
        for partition, result in results.items():
            # The annotation does not list evaluations, but a step yields them for a check.
            context.op_execution_context.log_event(
                dg.AssetCheckEvaluation(  # type: ignore[arg-type]
                    asset_key=key,
                    check_name=name,
                    partition=partition,
                    passed=result.passed,
                    severity=result.severity,
                    metadata=result.metadata,
                    description=result.description,
                    blocking=blocking,
                    target_materialization_data=targets.get(partition),
                )
            )


def _one_transaction(context: dg.AssetCheckExecutionContext) -> AbstractContextManager[None]:
    """Store what follows at once, where the event log can; Postgres does well without."""
    # Here, because it imports SQLAlchemy: 0.3 s that loading the definitions can do without.
    from persona_assets.orchestration.resources.event_log import PooledSqliteEventLogStorage

    storage = context.op_execution_context.instance.event_log_storage
    if isinstance(storage, PooledSqliteEventLogStorage):
        return storage.transaction([context.op_execution_context.run_id])
    return nullcontext()


def _targets(
    context: dg.AssetCheckExecutionContext, key: dg.AssetKey, partitions: Sequence[str]
) -> dict[str, Target]:
    """The newest materialization of each partition, in two queries whatever their number."""
    instance = context.op_execution_context.instance
    newest = instance.event_log_storage.get_latest_storage_id_by_partition(
        key, dg.DagsterEventType.ASSET_MATERIALIZATION, set(partitions)
    )
    if not newest:
        return {}
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=key, storage_ids=list(newest.values())), limit=len(newest)
    ).records
    return {
        record.partition_key: target(record)
        for record in records
        if record.partition_key is not None
    }
