"""Shops that lack something: the whole graph ends, and says what it skipped and why."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from persona_assets.definitions import HOME
from persona_assets.errors import DataError
from persona_assets.lake import DeltaStore
from persona_assets.orchestration.resources.lake import SKIPPED_METADATA
from persona_assets.orchestration.runs.plan import plan
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.models.content import Content
from persona_assets.report.as_json import as_json
from persona_assets.report.collect import collect
from persona_assets.report.skipped import gaps
from persona_assets.skipped import CHECK
from persona_assets.sources.files import FilesSource
from persona_assets.tables import evaluation, experiments, models
from persona_assets.tables.monitoring import SKIPPED
from persona_assets_tests.graph.sparse_shops import KINDS, START, WHOLE, TinyShop
from persona_assets_tests.sources.mapping_files import read_mapping

REASONS: Mapping[str, Mapping[str, str]] = {
    "events alone": {
        "content": "no product of raw/products",
        "segment_popularity": "nobody's country is known",
        "revenue per user (A/B test)": "has no price",
    },
    "views only, empty country": {
        "segment_popularity": "nobody's country is known",
        "customer_segment_popularity": "nobody's customer segment is known",
        "customer segments": "nobody bought",
        "purchase amount (drift)": "there is no value",
    },
    "one user": {
        "A/B test": "two users in each",
        "customer segments": "at least 3 customers",
        "customer_segment_popularity": "nobody's customer segment is known",
    },
    "one product, all alike": {
        "metrics of the models": "no user known before the cut-off interacted",
        "comparison of the models": "no week has been evaluated",
        "A/B test": "no week has been evaluated",
        "customer segments": "at least 3 customers who differ",
    },
    "a week without events, purchases only": {
        "metrics of the models": "no user known before the cut-off interacted",
        "drift": "no rows for the evaluated week",
        "data quality": "no rows for the evaluated week",
    },
    "nothing accepted before a cut-off": {
        **dict.fromkeys(MODELS, "no row with a positive weight"),
        "recommendations": "no model could be trained",
        "embeddings": "no product was interacted with",
    },
}
"""Kind of shop → subject → part of the reason why it is skipped."""
KEY = b"of the sparse shops"
"""A key of their own: the arms of an A/B test follow from it, and with a key made by chance one arm
of three has now and then fewer than two of the twelve people, and nothing is compared."""
Materialize = Callable[[TinyShop], tuple[Any, list[Any]]]


def source_of(shop: TinyShop, folder: Path) -> FilesSource:
    mapping = read_mapping(shop.write(folder))
    return FilesSource(folder, mapping, START, shop.end, today=date(2025, 3, 1))


@pytest.fixture(scope="module")
def materialize(open_shared_graph: Any, tmp_path_factory: pytest.TempPathFactory) -> Materialize:
    """materialize(shop) → its graph after the runs of a home, and what the checks found."""

    def run(shop: TinyShop) -> tuple[Any, list[Any]]:
        source = source_of(shop, tmp_path_factory.mktemp("shop") / "exports")
        graph = open_shared_graph("sparse", source, hash_key=KEY)
        found: list[Any] = []
        for planned in plan(1, HOME.calendar):
            first, last = (planned.partitions or [None])[0], (planned.partitions or [None])[-1]
            result = graph.run(planned.job, first, last, assets=planned.assets)
            found += result.get_asset_check_evaluations()
        return graph, found

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_a_shop_that_lacks_something_is_told_what_is_skipped_and_why(
    kind: str, materialize: Materialize
) -> None:
    graph, checks = materialize(KINDS[kind])  # every run must succeed
    report = collect(graph.store, graph.settings, None, content_hashes=False)
    said = {gap.subject: gap.reason for gap in gaps(report)}
    for subject, reason in REASONS[kind].items():
        assert reason in said.get(subject, "not said"), f"{subject}: {said.get(subject)}"
    assert json.loads(as_json(report))["skipped"] == report.skipped.to_dicts()
    assert_each_reason_is_a_warning_and_metadata(report.skipped, checks, graph.instance)
    assert_nothing_fails(checks)
    assert_a_model_that_is_not_trained_is_left_out_of_everything(graph.store)
    if kind == "events alone":
        assert_conversions_are_compared_and_revenue_is_not(graph.store)


def assert_each_reason_is_a_warning_and_metadata(
    skipped: pl.DataFrame, checks: Sequence[Any], instance: Any
) -> None:
    warned = {
        ("/".join(each.asset_key.path), each.partition or "")
        for each in checks
        if each.check_name == CHECK and not each.passed
    }
    assert set(skipped.select("table", "partition").iter_rows()) <= warned
    key = dg.AssetKey(["evaluation", "model_comparison"])
    told = instance.get_latest_materialization_event(key).asset_materialization.metadata
    for reason in skipped.filter(table="evaluation/model_comparison")["reason"]:
        assert reason in told[SKIPPED_METADATA].text


def assert_nothing_fails(checks: Sequence[Any]) -> None:
    """A shop that lacks something is not a broken one."""
    assert [each for each in checks if not each.passed and each.severity.value != "WARN"] == []


def assert_a_model_that_is_not_trained_is_left_out_of_everything(store: DeltaStore) -> None:
    registry = store.read(models.REGISTRY).filter(pl.col("model").is_in(list(MODELS)))
    untrained = registry.filter(pl.col("not_trained").is_not_null())
    assert registry.filter(pl.col("artefact_rows") == 0).equals(untrained)
    for table in (models.TOP_K, evaluation.OFFLINE_METRICS, evaluation.PAIRWISE_COMPARISON):
        rows = store.read(table).join(untrained, on=["cutoff", "model"], how="semi")
        assert rows.is_empty(), table.path


def assert_conversions_are_compared_and_revenue_is_not(store: DeltaStore) -> None:
    assert set(store.read(experiments.AB_TEST_RESULTS)["metric"]) == {"ctr", "conversion"}
    simulated = store.read(experiments.AB_TEST_SIMULATION)
    assert simulated["revenue"].null_count() == simulated.height > 0


def test_a_model_that_is_wrong_fails_loudly(
    open_graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only data that are insufficient are a reason to skip; a promise that is broken is not."""
    graph = open_graph(source=source_of(WHOLE, tmp_path / "exports"))
    graph.run("daily_tables", "2025-01-01", "2025-01-12")

    def broken(*_: object, **__: object) -> pl.DataFrame:
        raise DataError("the catalogue breaks its contract")

    monkeypatch.setattr(Content, "fit", broken)
    assets = ["models/content_model"]
    result = graph.run(
        "weekly_training", "2025-01-13", "2025-01-13", assets=assets, must_succeed=False
    )
    assert not result.success
    assert not graph.store.exists(models.CONTENT_MODEL)
    assert not graph.store.exists(SKIPPED)


@pytest.mark.parametrize("days", [1, 10])
def test_a_shop_that_began_lately_has_daily_tables_and_lists(
    days: int, start_persona: Any, tmp_path: Path
) -> None:
    mapping = TinyShop(days=days).write(tmp_path / "exports")
    arguments = ("--source", "files", "--path", str(mapping.parent), "--mapping", str(mapping))
    process = start_persona(tmp_path / "home", "run", *arguments)
    said, errors = process.communicate(timeout=1_200)
    assert process.returncode == 0, errors
    assert "No week is over yet" in said
    store = DeltaStore(str(tmp_path / "home" / "lake"))
    listed = set(store.read(models.TOP_K)["model"])
    # On the first day nobody may have a segment yet.
    assert listed | {"customer_segment_popularity"} == set(MODELS)
    [reason] = store.read(SKIPPED).filter(table="evaluation/model_comparison")["reason"]
    assert "no week has been evaluated" in reason
