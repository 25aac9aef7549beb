"""The automation conditions "due" and "pending": what `persona run` asks, asked by the scheduler.

Belongs here: the custom conditions. Does not belong here: what is due (`runs/due.py`), or which
tables follow it at what time (`orchestration/automation.py`).

Dagster's own `eager()` looks at the newest partition alone, and at materializations, not at what
they hold: an older day that comes late never reaches its children, and a day that is delivered
again with the same rows makes everything again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import dagster as dg

from persona_assets.orchestration.dagster_internals.graph import (
    AssetGraphView,
    condition_holds_for,
    definitions_of,
    graph_of,
)
from persona_assets.orchestration.home import Home, Opened
from persona_assets.orchestration.jobs import JOBS
from persona_assets.orchestration.resources.provenance import settings_digest
from persona_assets.orchestration.runs.due import Due as DuePartitions
from persona_assets.orchestration.runs.due import Present, due, following
from persona_assets.orchestration.runs.lineage import Node, nodes


@dataclass(frozen=True)
class _Moment:
    """What is due in one evaluation of all conditions."""

    view: AssetGraphView
    nodes: Mapping[str, Node]
    due: DuePartitions
    waiting: DuePartitions
    """Due, or to follow from what is."""


class _Moments:
    """The evaluation under way, kept so that all conditions of a home share it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._moment: _Moment | None = None

    def of(self, view: AssetGraphView, now: datetime) -> _Moment:
        """What is due now: found once for all assets of an evaluation."""
        if self._moment is None or self._moment.view is not view:
            self._moment = _moment(self._home.opened(), view, now)
        return self._moment


class Pending(dg.AutomationCondition):
    """True for partitions that are due, or that read one that is and so may become due."""

    def __init__(self, moments: _Moments) -> None:
        self._moments = moments

    @property
    def description(self) -> str:
        """As the UI shows it."""
        return "Not what its inputs, code and settings now make, or one of its inputs is not"

    @property
    def name(self) -> str:
        """As the UI shows it."""
        return "pending"

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        """The partitions of the asset for which the condition holds."""
        view = graph_of(context)
        moment = self._moments.of(view, context.evaluation_time)
        return condition_holds_for(context, moment.waiting.get("/".join(context.key.path), {}))


class Due(dg.AutomationCondition):
    """True for partitions that are due and whose inputs are as they will be.

    An input that is due itself is waited for, unless it is requested in the same evaluation for the
    same partition, so that one run makes both.
    """

    def __init__(self, moments: _Moments) -> None:
        self._moments = moments

    @property
    def description(self) -> str:
        """As the UI shows it."""
        return "Not what its inputs, code and settings now make, and its inputs are not due"

    @property
    def name(self) -> str:
        """As the UI shows it."""
        return "due"

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        """The partitions of the asset for which the condition holds."""
        view = graph_of(context)
        moment = self._moments.of(view, context.evaluation_time)
        key = context.key
        path = "/".join(key.path)
        node = moment.nodes[path]
        requested = {
            "/".join(other.path): set(subset.expensively_compute_partition_keys())
            for other, subset in context.request_subsets_by_key.items()
            if isinstance(other, dg.AssetKey)
            and view.asset_graph.get(other).partitions_def
            == view.asset_graph.get(key).partitions_def
            and view.asset_graph.get(key).partitions_def is not None
        }
        found = (
            each
            for each in moment.due.get(path, {})
            if _inputs_are_settled(node, each, moment.waiting, requested)
        )
        return condition_holds_for(context, found)


def _inputs_are_settled(
    node: Node, key: str, waiting: DuePartitions, requested: Mapping[str, set[str]]
) -> bool:
    for path, window in node.windows.items():
        first, end = window.of(key)
        pending = {each for each in waiting.get(path, {}) if first <= each}
        pending = {each for each in pending if end is None or each < end}
        if not pending <= {key} & requested.get(path, set()):
            return False
    return True


def due_and_pending(home: Home) -> tuple[Due, Pending]:
    """The two conditions for the graph of `home`."""
    moments = _Moments(home)
    return Due(moments), Pending(moments)


def _moment(home: Opened, view: AssetGraphView, now: datetime) -> _Moment:
    found = recent(view, now, home.settings.operation.look_back_days)
    digests = {
        names: settings_digest(names, home.shop, home.lake.store)
        for names in {node.settings for node in found.values()}
        if names
    }
    settings = {path: digests.get(node.settings, "") for path, node in found.items()}
    records = home.lake.provenance.records()
    present = Present(records, home.lake.inputs(records), settings)
    ordered = list(found.values())
    now_due = due(ordered, present)
    return _Moment(view, found, now_due, following(ordered, now_due))


def recent(view: AssetGraphView, now: datetime, look_back_days: int) -> dict[str, Node]:
    """The nodes of the graph with the partitions that are not older than the look-back.

    It counts from the newest partition, as a closed calendar may have ended long ago.
    """
    jobs = {job.name: job.selection for job in JOBS}
    found = nodes(definitions_of(view), jobs, now)
    newest = max((key for node in found for key in node.partitions), default="")
    last = min(date.fromisoformat(newest), now.date()) if newest else now.date()
    oldest = (last - timedelta(days=look_back_days)).isoformat()
    return {
        node.path: replace(
            node, partitions=tuple(key for key in node.partitions if not key or key >= oldest)
        )
        for node in found
    }
