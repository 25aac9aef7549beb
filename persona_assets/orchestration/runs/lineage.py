"""The asset graph as input of "what is due": nodes, their partitions and windows.

Belongs here: reading assets, mappings, code versions and blocking checks off Dagster's graph. Does
not belong here: what follows from them (`due.py`), or when it is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from persona_assets.lake.windows import Windows
from persona_assets.orchestration.dagster_internals.graph import AssetGraph
from persona_assets.orchestration.partitions import ON_REQUEST, begun
from persona_assets.orchestration.resources.provenance import names_of, said_of_windows, window


@dataclass(frozen=True)
class Node:
    """One asset.

    Attributes:
        path: group/name.
        cadence: `daily`, `weekly` or `unpartitioned`.
        job: name of the job that a run of it belongs to.
        step: names the step that makes it, together with others or alone.
        partitions: keys that the calendar has, oldest first; `("",)` where it is unpartitioned.
        windows: what it reads of its inputs, by their path.
        code_version: of the code as it is.
        settings: names of the settings behind it.
        blocking: names of its blocking checks.
    """

    path: str
    cadence: str
    job: str
    step: str
    partitions: tuple[str, ...]
    windows: Windows
    code_version: str
    settings: tuple[str, ...]
    blocking: frozenset[str]

    @property
    def is_raw(self) -> bool:
        """Does it come from the source?"""
        return self.path.startswith("raw/")


def nodes(
    graph: AssetGraph, jobs: Mapping[str, dg.AssetSelection], now: datetime | None
) -> list[Node]:
    """Every asset that runs keep up to date, inputs before what reads them.

    Args:
        graph: of the definitions.
        jobs: what each job selects; an asset belongs to the last one that selects it.
        now: decides which partitions of an open calendar there are; None: the clock.
    """
    job_of = {key: name for name, chosen in jobs.items() for key in chosen.resolve(graph)}
    blocking: dict[dg.AssetKey, set[str]] = {}
    for check in graph.asset_check_keys:
        if graph.get_check_spec(check).blocking:
            blocking.setdefault(check.asset_key, set()).add(check.name)
    found = []
    for key in graph.toposorted_asset_keys:
        asset = graph.get(key)
        if not asset.is_materializable or asset.tags.get("cadence") == ON_REQUEST:
            continue
        partitions = asset.partitions_def
        found.append(
            Node(
                path="/".join(key.path),
                cadence=asset.tags.get("cadence", "unpartitioned"),
                job=job_of[key],
                step="/".join(min(asset.execution_set_asset_keys).path),
                partitions=tuple(begun(partitions, now)) if partitions else ("",),
                windows={
                    "/".join(parent.path): window(
                        partitions,
                        graph.get(parent).partitions_def,
                        graph.get_partition_mapping(key, parent),
                        "/".join(parent.path),
                        said_of_windows(asset.metadata).get("/".join(parent.path)),
                    )
                    for parent in sorted(asset.parent_keys)
                },
                code_version=asset.code_version or "",
                settings=names_of(asset.metadata),
                blocking=frozenset(blocking.get(key, ())),
            )
        )
    return found
