"""Evaluates the automation conditions of a home whose calendar has no end; prints JSON.

A script, not a test: partitions are made at import, and those of the tests' own process have an
end. `test_automation.py` runs it with PERSONA_HOME at a live home and checks what it prints: a
list of `[scenario, tick, sorted asset paths requested]`.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from persona_assets.definitions import ASSETS, HOME, defs
from persona_assets.lake.provenance import PartitionRecord
from persona_assets.orchestration.jobs import JOBS
from persona_assets.orchestration.resources.provenance import settings_digest
from persona_assets.orchestration.runs.lineage import nodes

DAILY = HOME.calendar.daily

MONDAY = datetime(2025, 1, 20, tzinfo=UTC)
SPECS = {spec.key: spec for asset in ASSETS for spec in asset.specs}


def materialize_days(instance: dg.DagsterInstance, until: str, *, but: str = "") -> None:
    """Report every daily table for the days before `until`, and the unpartitioned raw tables.

    `but` is the one day that raw/events and the mart lack.
    """
    for key, spec in SPECS.items():
        if spec.partitions_def is DAILY:
            for day in DAILY.get_partition_keys(current_time=datetime(2025, 1, 27, tzinfo=UTC)):
                if day < until and not (day == but and key.path[0] in ("raw", "mart")):
                    report(instance, key, day)
        elif spec.partitions_def is None and key.path[0] == "raw":
            report(instance, key, None)


def report(instance: dg.DagsterInstance, key: dg.AssetKey, partition: str | None) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition))
    REPORTED.setdefault("/".join(key.path), set()).add(partition or "")


REPORTED: dict[str, set[str]] = {}
"""Path → partitions that were reported and that the lake is still to know of."""


def remember(now: datetime) -> None:
    """Tell the lake that the reported partitions were made from what there is, and are good."""
    home = HOME.opened()
    jobs = {job.name: job.selection for job in JOBS}
    for node in nodes(defs.resolve_asset_graph(), jobs, now):
        keys = REPORTED.pop(node.path, set())
        inputs = home.lake.inputs()
        settings = settings_digest(node.settings, home.shop, home.lake.store)
        records = {
            key: PartitionRecord(
                0, f"{0:016x}", "", node.code_version, settings if node.settings else "",
                inputs.of(key, node.windows),
            )
            for key in sorted(keys)
        }  # fmt: skip
        home.lake.provenance.write(node.path, records)
        for name in node.blocking:
            home.lake.provenance.check(node.path, name, dict.fromkeys(records, True))


class Ticks:
    """The automation sensor's ticks over one instance."""

    def __init__(self, scenario: str, instance: dg.DagsterInstance) -> None:
        self._scenario = scenario
        self._instance = instance
        self._cursor = None

    def at(self, when: datetime) -> list[object]:
        """Evaluate every condition at `when`; weekly tables that are requested, with cut-offs."""
        remember(when)
        result = dg.evaluate_automation_conditions(
            defs, self._instance, evaluation_time=when, cursor=self._cursor
        )
        self._cursor = result.cursor
        requested = {
            "/".join(key.path): sorted(result.get_requested_partitions(key))
            for key, spec in SPECS.items()
            if "cutoffs" in spec.tags and result.get_num_requested(key)
        }
        return [self._scenario, when.isoformat(), requested]


def scenarios() -> Iterator[list[object]]:
    """What `test_automation.py` names."""
    before, at_four, at_five = (MONDAY + timedelta(hours=hour) for hour in (3, 4.02, 5.02))
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = Ticks("all days there before the tick", instance)
        materialize_days(instance, "2025-01-20")
        for cutoff in ("2025-01-13",):
            for key, spec in SPECS.items():
                if spec.tags.get("cutoffs") == "trained":
                    report(instance, key, cutoff)
        for when in (before, at_four, at_five, at_five + timedelta(hours=1)):
            yield ticks.at(when)
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = Ticks("a day is missing", instance)
        materialize_days(instance, "2025-01-20", but="2025-01-17")
        for when in (before, at_four):
            yield ticks.at(when)
        for key in SPECS:
            if key.path[-1] in ("events", "user_item_interactions", "quarantine", "sessions"):
                report(instance, key, "2025-01-17")
        yield ticks.at(at_five)


if __name__ == "__main__":
    json.dump(list(scenarios()), sys.stdout)
