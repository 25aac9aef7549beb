"""The graph's outward form, compared with `golden_graph.json`.

Names, partitions and dependencies are an interface: the UI, schedules, dashboards and people's
scripts use them. A change of them must be seen in a diff. To accept one:

    pytest persona_assets_tests/graph/test_golden_graph.py --update-golden
"""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from persona_assets.definitions import ASSETS, HOME, defs
from persona_assets.orchestration.jobs import JOBS

DAILY = HOME.calendar.daily
EVALUATED = HOME.calendar.evaluated
WEEKLY = HOME.calendar.weekly

SCHEDULES, SENSORS = defs.schedules or (), defs.sensors or ()
GOLDEN = Path(__file__).parent / "golden_graph.json"
BUILT = {"/".join(spec.key.path): spec for asset in ASSETS for spec in asset.specs}
CALENDARS = {
    id(None): "none",
    id(DAILY): "days",
    id(WEEKLY): "cut-offs",
    id(EVALUATED): "evaluated",
}
CONDITIONS = {
    id(None): "none",
    id(BUILT["models/als_model"].automation_condition): "train on Monday",
    id(BUILT["evaluation/offline_metrics"].automation_condition): "evaluate on Monday",
    id(BUILT["mart/sessions"].automation_condition): "follow inputs",
}


def path(key: dg.AssetKey) -> str:
    return "/".join(key.path)


def mapping(dependency: dg.AssetDep) -> str:
    match dependency.partition_mapping:
        case dg.TimeWindowPartitionMapping(start_offset=start, end_offset=end):
            return f"{start}..{end}"
        case None:
            return "whole"
        case other:
            return str(other)


def described_assets() -> dict[str, Any]:
    return {
        path(spec.key): {
            "group": spec.group_name,
            "owners": list(spec.owners),
            "kinds": sorted(spec.kinds),
            "tags": {name: tag for name, tag in sorted(spec.tags.items()) if tag},
            "partitions": CALENDARS[id(spec.partitions_def)],
            "condition": CONDITIONS[id(spec.automation_condition)],
            "reads": {path(dep.asset_key): mapping(dep) for dep in sorted(spec.deps)},
        }
        for asset in ASSETS
        for spec in asset.specs
    }


def described_checks() -> dict[str, Any]:
    return {
        f"{path(spec.asset_key)}: {spec.name}": {
            "blocking": spec.blocking,
            "partitions": CALENDARS[id(spec.partitions_def)],
        }
        for checks in defs.asset_checks or ()
        for spec in checks.check_specs
    }


def described_graph() -> dict[str, Any]:
    graph = defs.resolve_asset_graph()
    return {
        "assets": described_assets(),
        "checks": described_checks(),
        "jobs": {
            job.name: sorted(path(key) for key in job.selection.resolve(graph)) for job in JOBS
        },
        "schedules": {
            schedule.name: {
                "cron": defs.resolve_schedule_def(schedule.name).cron_schedule,
                "job": defs.resolve_schedule_def(schedule.name).job_name,
            }
            for schedule in SCHEDULES
        },
        "sensors": {
            sensor.name: sorted(path(key) for key in selection.resolve(graph))
            if isinstance(selection := getattr(sensor, "asset_selection", None), dg.AssetSelection)
            else []
            for sensor in SENSORS
        },
    }


def test_graph_is_the_golden_one(request: pytest.FixtureRequest) -> None:
    found = json.dumps(described_graph(), indent=1, sort_keys=True) + "\n"
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert json.loads(found) == json.loads(GOLDEN.read_text(encoding="utf-8")), (
        f"the graph changed; if that is meant, run this test with --update-golden and commit "
        f"{GOLDEN.name}"
    )
