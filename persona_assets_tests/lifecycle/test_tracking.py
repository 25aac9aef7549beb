import json
import sys
from datetime import date

import polars as pl
import pytest

from persona_assets.errors import InfrastructureError, UserError
from persona_assets.lifecycle.study import Study
from persona_assets.lifecycle.tracking import MOST_CHARACTERS, Tracker
from persona_assets.lifecycle.validation import validation_week
from persona_assets.recommenders import MODELS
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.segmentation.tracking import track_comparison
from persona_assets.segmentation.trained import CustomerSegments
from persona_assets.tables.segmentation import CLUSTERING_COMPARISON


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """A real tracking store, in a file."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/runs.db"


@pytest.fixture(scope="module")
def rows(shop):
    validation = validation_week(shop, trained=date(2024, 2, 5), exclude="seen")
    return Study(MODELS["directional"], 3, "random", 3).run(validation)


def runs_of(uri, experiment):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    return {
        run.info.run_name: run
        for run in client.search_runs([found.experiment_id])
    }  # fmt: skip


def test_each_trial_is_a_run_with_its_parameters_metrics_and_tags(uri, rows):
    tracker = Tracker(uri, "directional")
    for row in rows.iter_rows(named=True):
        tracker.track(row)
    runs = runs_of(uri, "persona/directional")
    assert len(runs) == 3
    for row in rows.iter_rows(named=True):
        run = runs[f"{row['study']} trial {row['trial']}"]
        assert run.info.status == "FINISHED"
        assert run.data.params == {
            name: str(value) for name, value in json.loads(row["parameters"]).items()
        }
        for name in ("ndcg", "ndcg_low", "recall", "lift_high", "users", "seconds"):
            assert run.data.metrics[name] == pytest.approx(row[name])
        tags = {"study": row["study"], "cutoff": "2024-02-05", "seed": "3", "sampler": "random"}
        assert tags.items() <= run.data.tags.items()


def test_a_second_study_goes_to_the_same_experiment(uri, rows):
    for study in ("one", "two"):
        Tracker(uri, "twice").track({**rows.row(0, named=True), "study": study})
    assert set(runs_of(uri, "persona/twice")) == {"one trial 0", "two trial 0"}


def test_a_failed_trial_is_a_failed_run(uri, rows):
    failed = {
        **dict.fromkeys(rows.columns),
        **{
            "study": "s",
            "trial": 4,
            "parameters": json.dumps({"window": "9" * 9_000, "als": {"alpha": 2}}),
        },
        **{"users": 3, "seconds": 0.5, "error": "too many products"},
    }
    Tracker(uri, "failing").track(failed)
    run = runs_of(uri, "persona/failing")["s trial 4"]
    assert run.info.status == "FAILED"
    assert run.data.tags["error"] == "too many products"
    assert run.data.metrics == {"users": 3, "seconds": 0.5}
    assert len(run.data.params["window"]) == MOST_CHARACTERS
    assert run.data.params["als.alpha"] == "2"


def test_each_clustering_of_a_sweep_is_a_run(uri):
    of_row = dict.fromkeys(CLUSTERING_COMPARISON.polars_schema)
    of_row |= {"cutoff": date(2024, 2, 5), "noise_share": 0.0, "chosen": False}
    table = pl.DataFrame(
        [
            {**of_row, "method": "k_means", "k": 4, "silhouette": 0.31, "gap": 1.5, "chosen": True},
            {**of_row, "method": "hdbscan", "k": 0, "noise_share": 1.0},
        ],
        schema=CLUSTERING_COMPARISON.polars_schema,
    )
    track_comparison(uri, table, CustomerSegments(SegmentationConfig(outlier_share=0.1)))
    runs = runs_of(uri, "persona/customer_segments")
    assert set(runs) == {"2024-02-05 k_means 4", "2024-02-05 hdbscan 0"}
    chosen, noise = runs["2024-02-05 k_means 4"], runs["2024-02-05 hdbscan 0"]
    assert chosen.data.metrics == {"silhouette": 0.31, "gap": 1.5, "noise_share": 0.0}
    assert noise.data.metrics == {"noise_share": 1.0}
    assert (chosen.data.params["k"], chosen.data.params["method"]) == ("4", "k_means")
    assert chosen.data.params["outlier_share"] == "0.1"
    assert (chosen.data.tags["chosen"], noise.data.tags["chosen"]) == ("True", "False")
    assert chosen.data.tags["cutoff"] == "2024-02-05"
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_without_mlflow_the_extra_is_named(uri, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(UserError, match=r"MLFLOW_TRACKING_URI is set.*pip install 'persona_assets"):
        Tracker(uri, "als")


def test_a_store_that_does_not_take_it_is_named():
    with pytest.raises(InfrastructureError, match=r"nowhere://x does not take.*correct or unset"):
        Tracker("nowhere://x", "als")
