"""What is due, and why: which partitions are not what the code, settings and inputs now make.

Belongs here: the comparison of records with the present, and what may follow from it. Does not
belong here: keeping records (`lake/provenance.py`), Dagster's graph (`lineage.py`), making runs of
it (`plan.py`). There is one answer for `persona run` and for the scheduler
(`orchestration/automation.py`).

A partition is due when it was never made or is gone, when its inputs, code or settings are not
those it was made from, or when a blocking check of it failed or never ran. Inputs are compared by
digests of their rows: what was made again with an equal result makes nothing else due.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from persona_assets.lake.input_digests import InputDigests
from persona_assets.lake.provenance import PartitionRecord, Records
from persona_assets.orchestration.resources.provenance import SOURCE
from persona_assets.orchestration.runs.lineage import Node
from persona_assets.sources.delivered_versions import NOTHING


class Reason(StrEnum):
    """Why a partition is due; the first that holds."""

    MISSING = "new"
    LOST = "it was lost"
    DELIVERED = "delivered again"
    INPUT = "its input changed"
    CODE = "its code changed"
    SETTINGS = "a setting changed"
    CHECKS = "its checks did not pass"
    FOLLOWS = "its input is made again"


@dataclass(frozen=True)
class Present:
    """What the partitions are compared with.

    Attributes:
        records: of the lake.
        inputs: digests of what partitions read, by the same records.
        settings: path → digest of the settings behind it as they are.
        delivered: path of a raw table → partition key → version of what the source has. A raw
            table that is not in it is taken as it is.
        lost: path → partitions without a record because their files are gone.
    """

    records: Records
    inputs: InputDigests
    settings: Mapping[str, str]
    delivered: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lost: Mapping[str, Collection[str]] = field(default_factory=dict)


Due = Mapping[str, Mapping[str, Reason]]
"""Path → partition key → why; paths in the order of the graph, nothing that is not due."""


def due(nodes: Iterable[Node], present: Present) -> dict[str, dict[str, Reason]]:
    """The partitions that are due as things are, without what may follow from making them."""
    found: dict[str, dict[str, Reason]] = {}
    for node in nodes:
        records = present.records.get(node.path, {})
        reasons = {}
        for key in node.partitions:
            record = records.get(key)
            if record is None:
                gone = key in present.lost.get(node.path, ())
                reasons[key] = Reason.LOST if gone else Reason.MISSING
                continue
            if reason := _reason(node, key, record, present):
                reasons[key] = reason
        if reasons:
            found[node.path] = reasons
    return found


def following(nodes: Sequence[Node], due: Due) -> dict[str, dict[str, Reason]]:
    """`due`, and every partition that reads one of them, directly or through others."""
    found: dict[str, dict[str, Reason]] = {}
    for node in nodes:
        reasons = dict(due.get(node.path, {}))
        for path, window in node.windows.items():
            waiting = sorted(found.get(path, {}))
            if not waiting:
                continue
            for key in node.partitions:
                first, end = window.of(key)
                if key not in reasons and _any_between(waiting, first, end):
                    reasons[key] = Reason.FOLLOWS
        if reasons:
            found[node.path] = dict(sorted(reasons.items()))
    return found


def _any_between(keys: Sequence[str], first: str, end: str | None) -> bool:
    return any(first <= key and (end is None or key < end) for key in keys)


def no_longer_delivered(nodes: Iterable[Node], present: Present) -> dict[str, list[str]]:
    """Path of a raw table → partitions that have rows of which the source has none any more."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        delivered = present.delivered.get(node.path, {})
        for key, record in present.records.get(node.path, {}).items():
            now = delivered.get(key, NOTHING)
            if node.path in present.delivered and record.rows and _is_gone(key, now):
                found.setdefault(node.path, []).append(key)
    return found


def _is_gone(key: str, delivered: str) -> bool:
    """Is it a day of which the source has no rows?

    Then its file has left the folder, as those of shops do that keep the newest exports only; that
    is no delivery of an empty day.
    """
    return bool(key) and delivered == NOTHING


def _reason(
    node: Node,
    key: str,
    record: PartitionRecord,
    present: Present,
) -> Reason | None:
    if node.path in present.delivered:
        delivered = present.delivered[node.path].get(key, NOTHING)
        if record.inputs.get(SOURCE) != delivered and not _is_gone(key, delivered):
            return Reason.DELIVERED
    elif not node.is_raw and dict(record.inputs) != present.inputs.of(key, node.windows):
        return Reason.INPUT
    if record.code_version != node.code_version:
        return Reason.CODE
    if record.settings != present.settings.get(node.path, ""):
        return Reason.SETTINGS
    if any(record.checks.get(name) is not True for name in node.blocking):
        return Reason.CHECKS
    return None
