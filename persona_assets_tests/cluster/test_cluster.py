"""The graph on two workers, one of which is killed: the same tables as on one machine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from persona_assets import settings as settings_module
from persona_assets.lake import DeltaStore
from persona_assets.lake.content_hash import render
from persona_assets.recommenders import MODELS
from persona_assets.settings import Settings, SourceSettings
from persona_assets.tables import TABLES
from persona_assets.tables.evaluation import OFFLINE_METRICS

SCRIPT = Path(__file__).with_name("jobs_process.py")
# The days before one cut-off and of the week in which it is evaluated.
SHOP = SourceSettings(
    start=date(2025, 1, 1),
    end=date(2025, 1, 20),
    options={"users": 80, "products": 40, "seed": 7},
)
# Fits beside each other on a machine with two cores, and in an executor of 512 MB.
CONF = {
    "spark.driver.memory": "1g",
    "spark.driver.host": "127.0.0.1",
    "spark.executor.memory": "512m",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.ui.enabled": "false",
    # Hundreds of small queries: planning and compiling them well takes longer than running them.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    # A free core is worth more than the one that has a row in memory.
    "spark.locality.wait": "0s",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}
# A worker dies once this table has its first commit: those after it are yet to be made.
LAST_BEFORE_THE_KILL = "mart/sessions"
# MLlib draws other random numbers than implicit and gensim: these tables and what is made of them.
TRAINED_BY_MLLIB = {
    "features/item_embeddings",
    "features/user_embeddings",
    "models/als_model",
    "models/two_stage_model",  # learns from the artefact of ALS, as the next does
    "models/blend_model",
    "models/registry",
    "recommendations/top_k",
    "evaluation/offline_metrics",
    "evaluation/recommendation_analysis",
    "evaluation/segment_metrics",
    "evaluation/pairwise_comparison",
}
_PATIENCE_SECONDS = 1_200.0
# Four JVMs on two cores: a busy machine takes minutes.
pytestmark = pytest.mark.timeout(1_500)


@dataclass(frozen=True)
class Home:
    """A home in which a process runs the jobs, and that process."""

    folder: Path
    process: subprocess.Popen[str]

    @property
    def store(self) -> DeltaStore:
        return DeltaStore(str(self.folder / "lake"))

    def commits(self, path: str) -> int:
        return len(list((self.folder / "lake" / path / "_delta_log").glob("*.json")))

    def finish(self) -> None:
        _, errors = self.process.communicate(timeout=_PATIENCE_SECONDS)
        assert self.process.returncode == 0, errors[-3000:]

    def hashes(self) -> dict[str, dict[str, str]]:
        return {
            path: {
                key: render(rows, total) for key, (rows, total) in self.store.digests(table).items()
            }
            for path, table in TABLES.items()
            if self.store.exists(table)
        }


def started(folder: Path, **environment: str) -> Home:
    settings_module.save(Settings(home=folder, source=SHOP))
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        env=inherited | {"PERSONA_HOME": str(folder)} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    return Home(folder, process)


@pytest.fixture(scope="module")
def on_one_machine(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = started(tmp_path_factory.mktemp("polars"))
    home.finish()
    return home


@pytest.fixture(scope="module")
def on_the_cluster(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The jobs on the cluster, whose first worker dies in the middle of the daily tables."""
    home = started(
        tmp_path_factory.mktemp("spark"),
        PERSONA_ENGINE="spark",
        PERSONA_SPARK_MASTER=cluster.master,
        PERSONA_SPARK_CONF=json.dumps(CONF),
        SPARK_LOCAL_IP="127.0.0.1",
        PYSPARK_PYTHON=sys.executable,
    )
    while not home.commits(LAST_BEFORE_THE_KILL) > 1 and home.process.poll() is None:
        time.sleep(0.05)
    cluster.workers[0].kill()
    home.finish()
    return home


def test_run_outlives_a_worker_that_had_work_to_do(on_the_cluster: Home, cluster: Any) -> None:
    assert [worker.process.poll() is None for worker in cluster.workers] == [False, True]
    assert "Lost executor" in (on_the_cluster.folder / "spark.log").read_text(errors="replace")


WITH_ALS = {"als"} | {name for name, model in MODELS.items() if "als" in model.parts}


def test_every_table_but_mllibs_is_that_of_one_machine(
    on_the_cluster: Home, on_one_machine: Home
) -> None:
    made, expected = on_the_cluster.hashes(), on_one_machine.hashes()
    assert set(made) == set(expected)
    assert set(made) > TRAINED_BY_MLLIB
    for path in sorted(set(expected) - TRAINED_BY_MLLIB):
        assert made[path] == expected[path], path


def test_models_trained_by_mllib_are_as_good(on_the_cluster: Home, on_one_machine: Home) -> None:
    """Each lies in the other's interval; the models trained on the driver are the same."""
    spark, polars = (_metrics(home) for home in (on_the_cluster, on_one_machine))
    assert spark.keys() == polars.keys()
    for name, row in spark.items():
        if row["model"] in WITH_ALS:
            assert row["low"] <= polars[name]["value"] <= row["high"], name
            assert polars[name]["low"] <= row["value"] <= polars[name]["high"], name
        else:
            assert row == polars[name], name


def _metrics(home: Home) -> dict[tuple[str, str, int], Mapping[str, Any]]:
    rows = home.store.read(OFFLINE_METRICS).sort(pl.all())
    return {(row["model"], row["metric"], row["k"]): row for row in rows.iter_rows(named=True)}
