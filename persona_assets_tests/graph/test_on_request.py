"""Assets that only people ask for."""

import functools

import pytest

from persona_assets.ab_testing.calibration import calibration
from persona_assets.orchestration.assets import experiments as assets
from persona_assets.orchestration.jobs import JOBS
from persona_assets.orchestration.runs.fingerprint import table_versions
from persona_assets.orchestration.runs.lineage import nodes
from persona_assets.tables.experiments import CALIBRATION
from persona_assets_tests.graph_under_test import OpenGraph, evaluations


def test_a_calibration_is_made_on_request_and_no_run_asks_for_it(
    open_graph: OpenGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = functools.partial(calibration, experiments=20)
    monkeypatch.setattr(assets, "method_calibration", few)
    graph = open_graph()
    before = table_versions(graph.store)
    result = graph.run("experiment_calibration")
    assert graph.store.read(CALIBRATION)["experiments"].unique().to_list() == [20]
    found = evaluations(result, CALIBRATION.path)
    assert found["promises_are_kept", ""].passed
    assert found["contract", ""].passed
    assert table_versions(graph.store) == before
    due = nodes(graph.defs.resolve_asset_graph(), {job.name: job.selection for job in JOBS}, None)
    assert CALIBRATION.path not in {node.path for node in due}
