"""Dagster's graph, clock and contexts where its public names do not reach.

Belongs here: one function or name for each need, with its reason. Does not belong here: the record
of runs and events (`storage.py`), or decisions.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias, cast

import dagster as dg
from dagster._core.asset_graph_view.asset_graph_view import AssetGraphView
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.data_version import CODE_VERSION_TAG
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.execution.context.system import StepExecutionContext
from dagster._time import get_current_datetime
from dagster._utils.error import SerializableErrorInfo

__all__ = ["CODE_VERSION_TAG", "AssetGraph", "AssetGraphView"]

# What `Definitions.resolve_asset_graph` returns, and a condition's context gives; neither type is
# exported, nor is the tag under which a materialization says the version of its code.
AssetJob: TypeAlias = UnresolvedAssetJobDefinition
"""What `dg.define_asset_job` returns; the type is not exported."""
StepError: TypeAlias = SerializableErrorInfo
"""The error of a failed step, as its event holds it; the type is not exported."""
Target: TypeAlias = AssetCheckEvaluationTargetMaterializationData
"""The materialization that an evaluation is of. Without it `all_deps_blocking_checks_passed` stays
false, and evaluations of single partitions can be reported in no other way."""


def now() -> datetime:
    """The time by Dagster's clock, which partitions and conditions go by, in tests a frozen one."""
    return get_current_datetime()


def graph_of(context: dg.AutomationContext) -> AssetGraphView:
    """The graph that a condition is evaluated on; the same object in one evaluation of all."""
    return context.asset_graph_view


def definitions_of(view: AssetGraphView) -> AssetGraph:
    """The assets as they are defined; a condition sees them through a wider type."""
    return cast(AssetGraph, view.asset_graph)


def condition_holds_for(context: dg.AutomationContext, keys: Iterable[str]) -> dg.AutomationResult:
    """That a custom condition holds for these partitions of its asset.

    The public constructor wants a subset of the graph, which no public function makes.
    """
    view = graph_of(context)
    found = {AssetKeyPartitionKey(context.key, each or None) for each in keys}
    subset = view.get_asset_subset_from_asset_partitions(context.key, found)
    return dg.AutomationResult(context, context.candidate_subset.compute_intersection(subset))


def partitions_in_job(
    context: dg.AssetExecutionContext | dg.InputContext, key: dg.AssetKey
) -> dg.PartitionsDefinition | None:
    """The partitions of an asset that a step of the job reads; contexts tell only those read."""
    job = (
        context.job_def
        if isinstance(context, dg.AssetExecutionContext)
        else context.step_context.job_def
    )
    return job.asset_layer.get(key).partitions_def


class ResultOfPartitions(dg.AssetCheckResult):
    """A result about several partitions, the newest of which stands for all of them.

    Dagster looks for it among the partitions of the run, and fails in a run that names none.
    """

    def _get_target_materialization_data(
        self, step_context: StepExecutionContext, check_key: dg.AssetCheckKey
    ) -> Target | None:
        found = step_context.instance.fetch_materializations(check_key.asset_key, limit=1).records
        return target(found[0]) if found else None


def target(record: dg.EventLogRecord) -> Target:
    """The materialization of `record` as that which a check evaluated."""
    return Target(storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp)
