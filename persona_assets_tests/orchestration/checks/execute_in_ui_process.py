"""Checks of partitioned assets, launched as the web UI does; prints JSON.

A script, not a test: the UI's server loads the graph of the home that the environment names.
`test_execute_in_ui.py` runs it with a home of its own and checks what it prints: launch → status
of the run, its evaluations as `[check, partition, passed, evaluated a materialization]`.
"""

import json
import sys
from typing import Any

import dagster as dg
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.dagster_run import RunsFilter
from dagster._core.test_utils import in_process_test_workspace, instance_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_graphql.client.query import LAUNCH_PIPELINE_EXECUTION_MUTATION
from dagster_graphql.test.utils import execute_dagster_graphql

from persona_assets.definitions import defs

DAYS = ("2025-01-01", "2025-01-03")
RANGE = [
    {"key": "dagster/asset_partition_range_start", "value": DAYS[0]},
    {"key": "dagster/asset_partition_range_end", "value": DAYS[1]},
]
ASSETS = ("raw/events", "mart/user_item_interactions", "models/popularity_model")
AT_ONCE = {
    name: {"module": each.__module__, "class": each.__name__}
    for name, each in (
        ("run_launcher", SyncInMemoryRunLauncher),
        ("run_coordinator", DefaultRunCoordinator),
    )
}
"""Runs are executed in this process while they are launched."""


def named(path: str) -> dict[str, list[str]]:
    """The asset key as GraphQL takes it."""
    return {"path": path.split("/")}


def launch(context: Any, *, assets: list[str], checks: list[tuple[str, str]], tags: Any) -> str:
    """What "Materialize" and "Execute" send; the run that it starts, which has ended."""
    location = context.code_locations[0]
    parameters = {
        "selector": {
            "repositoryLocationName": location.name,
            "repositoryName": next(iter(location.get_repositories())),
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [named(path) for path in assets],
            "assetCheckSelection": [
                {"assetKey": named(path), "name": name} for path, name in checks
            ],
        },
        "mode": "default",
        "runConfigData": "{}",
        "executionMetadata": {"tags": tags},
    }
    result = execute_dagster_graphql(
        context, LAUNCH_PIPELINE_EXECUTION_MUTATION, {"executionParams": parameters}
    )
    launched = result.data["launchPipelineExecution"]
    if launched["__typename"] != "LaunchRunSuccess":
        sys.exit(json.dumps(launched))
    run: str = launched["run"]["runId"]
    return run


def outcome(instance: dg.DagsterInstance, run: str) -> dict[str, Any]:
    """How the run ended and what its checks found."""
    events = instance.all_logs(run, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = [each.dagster_event.asset_check_evaluation_data for each in events]
    (record,) = instance.get_run_records(RunsFilter(run_ids=[run]))
    return {
        "status": record.dagster_run.status.value,
        "evaluations": sorted(
            [
                each.check_name,
                each.partition or "",
                each.passed,
                each.target_materialization_data is not None,
            ]
            for each in found
        ),
    }


def main() -> None:
    """Materialize three days, then execute each check alone, and those of an asset together."""
    graph = defs.resolve_asset_graph()
    checks = sorted(
        ("/".join(each.asset_key.path), each.name)
        for each in graph.asset_check_keys
        if "/".join(each.asset_key.path) in ASSETS
    )
    origin = LoadableTargetOrigin(
        executable_path=sys.executable, module_name="persona_assets.definitions"
    )
    with (
        instance_for_test(overrides=AT_ONCE) as instance,
        in_process_test_workspace(instance, origin) as context,
    ):
        unpartitioned = ["raw/users", "raw/user_history", "raw/products", "raw/product_history"]
        launch(context, assets=unpartitioned, checks=[], tags=[])
        daily = ["raw/events", "mart/user_item_interactions", "mart/quarantine"]
        made = launch(context, assets=daily, checks=[], tags=RANGE)
        found = {"materialize": outcome(instance, made)}
        for each in checks:
            run = launch(context, assets=[], checks=[each], tags=[])
            found["/".join(each)] = outcome(instance, run)
        for path in ASSETS:
            together = [each for each in checks if each[0] == path]
            run = launch(context, assets=[], checks=together, tags=[])
            found[path] = outcome(instance, run)
        json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
