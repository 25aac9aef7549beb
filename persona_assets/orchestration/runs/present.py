"""The present state that partitions are compared with: records, settings and source.

Belongs here: asking the lake, the settings and the source. Does not belong here: the comparison
(`due.py`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

import dagster as dg

from persona_assets.lake.provenance import PartitionRecord, Records
from persona_assets.orchestration.jobs import JOBS
from persona_assets.orchestration.resources.build import resources_of
from persona_assets.orchestration.resources.lake import LakeIOManager
from persona_assets.orchestration.resources.provenance import settings_digest
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.orchestration.runs.due import Present
from persona_assets.orchestration.runs.lineage import Node, nodes
from persona_assets.orchestration.runs.missing import ONLINE_ASSETS, Lost, by_partition
from persona_assets.orchestration.runs.plan import PlannedRun
from persona_assets.orchestration.runs.work import Work, within
from persona_assets.tables import TABLES


def work(
    defs: dg.Definitions,
    planned: Sequence[PlannedRun],
    *,
    lost: Iterable[Lost] = (),
    now: datetime | None = None,
) -> Work:
    """What of the runs `planned` is due in the home of the definitions' resources.

    Args:
        defs: the graph and its resources.
        planned: all runs of the home; see `plan`.
        lost: what is no longer there; see `missing`.
        now: decides which partitions of an open calendar there are; None: the clock.

    Raises:
        UserError: the source cannot be read.
    """
    jobs = {job.name: job.selection for job in JOBS}
    graph = within(nodes(defs.resolve_asset_graph(), jobs, now), planned)
    resources = resources_of(defs)
    lake, shop = resources["lake"], resources["shop"]
    gone = by_partition(lost, graph)
    if gone.keys() & set(ONLINE_ASSETS) or not resources["online_store"].is_there():
        gone |= {path: {""} for path in ONLINE_ASSETS}
    in_subprocess = frozenset(run.job for run in planned if run.in_subprocess)
    return Work(graph, asking(graph, lake, shop, gone), in_subprocess)


def asking(
    graph: Sequence[Node],
    lake: LakeIOManager,
    shop: ShopResource,
    lost: Mapping[str, Collection[str]] | None = None,
) -> Callable[[], Present]:
    """A function that gives the home as it is each time it is called.

    Files of the lake, settings and source are looked at once, now; afterwards only records, since
    nothing but runs changes the rest.
    """
    known = lake.provenance.records()
    # What was never made is new, not lost.
    gone = {path: known.get(path, {}).keys() & set(keys) for path, keys in (lost or {}).items()}
    tables = [TABLES[node.path] for node in graph if node.path in TABLES]
    verified = lake.provenance.verified(tables, lost=gone)
    # Records that do not agree with the lake, until the partition is written again.
    refused = {
        path: {
            key: record
            for key, record in records.items()
            if key in gone.get(path, ()) or (path in verified and key not in verified[path])
        }
        for path, records in known.items()
    }
    settings = settings_digests(graph, lake, shop)
    delivered = {
        node.path: shop.versions(TABLES[node.path], lake.store) for node in graph if node.is_raw
    }

    def present() -> Present:
        records = _without(lake.provenance.records(), refused)
        return Present(records, lake.inputs(records), settings, delivered, gone)

    return present


def settings_digests(
    graph: Sequence[Node], lake: LakeIOManager, shop: ShopResource
) -> dict[str, str]:
    """Path → digest of the settings behind it, as they are."""
    digests = {
        names: settings_digest(names, shop, lake.store)
        for names in {node.settings for node in graph}
        if names
    }
    return {node.path: digests.get(node.settings, "") for node in graph}


def _without(records: Records, refused: Mapping[str, Mapping[str, PartitionRecord]]) -> Records:
    """`records` but for those that are still the refused ones."""
    return {
        path: {
            key: record
            for key, record in held.items()
            if refused.get(path, {}).get(key) is not record
        }
        for path, held in records.items()
    }
