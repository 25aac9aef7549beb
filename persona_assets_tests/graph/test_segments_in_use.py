"""Segments of customers reach what uses them: models, metrics, the registry, MLflow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from persona_assets.evaluation.segments import NONE
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.tables import evaluation, models, segmentation
from persona_assets.tables.models import EVERY_SEGMENT

SEGMENTED = (
    segmentation.SEGMENTATION_MODEL,
    segmentation.CLUSTERING_COMPARISON,
    segmentation.CUSTOMER_SEGMENTS,
)


def test_the_model_counts_within_the_segments_of_its_own_cutoff(whole: Any) -> None:
    segments = whole.store.read(segmentation.CUSTOMER_SEGMENTS)
    artefact = whole.store.read(models.CUSTOMER_SEGMENT_POPULARITY_MODEL)
    members = artefact.filter(pl.col("entity") == "user").select("cutoff", "id", "segment")
    told = segments.select("cutoff", id="user_id", segment="name")
    assert members.sort("cutoff", "id").equals(told.sort("cutoff", "id"))
    counted = artefact.filter(pl.col("entity") == "product", pl.col("segment") != EVERY_SEGMENT)
    assert counted.select("cutoff", "segment").unique().height > segments["cutoff"].n_unique()


def test_metrics_are_told_by_segment_for_every_model(whole: Any) -> None:
    metrics = whole.store.read(evaluation.SEGMENT_METRICS).filter(kind="customer_segment")
    segments = whole.store.read(segmentation.CUSTOMER_SEGMENTS)
    assert set(metrics["model"]) == set(whole.store.read(evaluation.OFFLINE_METRICS)["model"]) - {
        "planted_optimum"
    }
    for (cutoff,), of_week in metrics.partition_by("cutoff", as_dict=True).items():
        names = set(segments.filter(pl.col("cutoff") == cutoff)["name"])
        assert set(of_week["segment"]) <= names | {NONE}
    assert metrics["segment"].n_unique() > 1


def test_the_segmentation_is_registered_with_the_hash_of_its_model(whole: Any) -> None:
    rows = whole.store.read(models.REGISTRY).filter(model="customer_segments")
    found = {str(row["cutoff"]): row for row in rows.iter_rows(named=True)}
    made = whole.hashes["segmentation/segmentation_model"]
    assert {cutoff: row["artefact_hash"] for cutoff, row in found.items()} == made
    learned_from = whole.hashes["segmentation/customer_features"]
    assert {cutoff: row["input_hash"] for cutoff, row in found.items()} == learned_from
    assert {row["parameters"] for row in found.values()} == {SegmentationConfig().to_json()}


def test_sweeps_are_tracked_once_per_cutoff_with_the_homes_configuration(
    open_graph: Callable[..., Any], copy_tables: Callable[..., None], whole: Any, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/runs.db"
    asked = SegmentationConfig(most_k=4, bootstraps=2)
    graph = open_graph(tracking_uri=uri, segmentation=asked)
    copy_tables(whole.store, graph, segmentation.CUSTOMER_FEATURES.path)
    graph.run(
        "weekly_training", "2025-01-20", "2025-01-27", assets=[table.path for table in SEGMENTED]
    )
    tried = graph.store.read(segmentation.CLUSTERING_COMPARISON)
    client = MlflowClient(tracking_uri=uri)
    [experiment] = [
        each for each in client.search_experiments() if each.name == "persona/customer_segments"
    ]
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.info.run_name for run in runs) == sorted(
        f"{cutoff} {method} {k}" for cutoff, method, k in tried["cutoff", "method", "k"].rows()
    )
    assert {run.data.params["most_k"] for run in runs} == {"4"}
