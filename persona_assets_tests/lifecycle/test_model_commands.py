"""`persona models`, `tune`, `promote` and `rollback`, as a person would use them."""

import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import click
import polars as pl
import pytest
from click.testing import CliRunner, Result

from persona_assets.cli.models import COMMANDS
from persona_assets.errors import DataError, InfrastructureError, PersonaError, UserError
from persona_assets.lake import key_record
from persona_assets.lifecycle.configurations import configured_models
from persona_assets.lifecycle.validation import weekly_task
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.protocol import Recommender
from persona_assets.tables.lifecycle import TUNING_TRIALS
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.models import REGISTRY
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS

persona = click.Group("persona", commands={str(each.name): each for each in COMMANDS})


def run(*arguments: str) -> Result:
    """The command's outcome; what it refuses is raised, as `persona` itself is given it."""
    result = CliRunner().invoke(persona, list(arguments))
    if isinstance(result.exception, PersonaError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def tuned(home) -> Callable[..., Result]:
    return lambda *more: run("tune", "directional", "--trials", "4", "--seed", "3", *more)


@pytest.fixture
def weaker(monkeypatch) -> Recommender:
    """The directional model with a default that looks mostly the wrong way; others are better."""
    found = MODELS["directional"].configured(
        forward_decay=1.2, backward_share=1.0, history_decay=1.0
    )
    monkeypatch.setitem(MODELS, "directional", found)
    return found


def promote_command(result: Result) -> list[str]:
    """The arguments of the command that `persona tune` names last."""
    last = result.stdout.strip().splitlines()[-1]
    assert last.startswith("To train with it: persona promote directional --study directional-")
    return last.split("persona ")[1].split()


def test_models_are_listed_with_or_without_a_home(home, monkeypatch, tmp_path):
    told = run("models").stdout
    for name in MODELS:
        assert f"\n{name}: " in f"\n{told}"
    assert "candidate, trained for 2024-02-05" in told
    parsed = json.loads(run("models", "--json").stdout)
    assert [each["model"] for each in parsed] == list(MODELS)
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path / "none"))
    assert run("models").stdout.count("never trained") == len(MODELS)
    assert not (tmp_path / "none").exists()


def test_a_model_that_could_not_learn_is_listed_with_its_reason_and_not_promoted(home):
    why = "no product has a name"
    home.train(MODELS["popularity"], MODELS["directional"], untrained={"directional": why})
    told = run("models").stdout
    assert f"candidate, trained for 2024-01-29; not trained for 2024-02-05: {why}\n" in told
    assert told.count("trained for 2024-02-05\n") == 1
    with pytest.raises(UserError, match=f"not trained for 2024-02-05: {why}"):
        run("promote", "directional")


def test_from_tuning_to_champion_and_what_was_decided_is_shown(home, weaker, tuned):
    result = tuned("--sampler", "random")
    begin, *progress = result.stderr.strip().splitlines()
    assert begin == (
        "directional: 480 interactions known before 2024-01-29, 60 users who did something in the "
        "week from it"
    )
    assert [line.split("  ")[0] for line in progress] == ["1/4", "2/4", "3/4", "4/4"]
    assert progress[0].endswith("  default")
    rows = home.store.read(TUNING_TRIALS)
    assert rows.height == 4
    [plot] = (home.path / "plots" / "models").glob("tuning_trials_directional-*.png")
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert str(plot) in result.stdout

    run(*promote_command(result))
    used = configured_models(home.store)["directional"]
    best = rows.sort("ndcg", descending=True).row(0, named=True)
    assert used.config.to_json() == best["parameters"]
    assert "with another configuration" in run("models").stdout

    with pytest.raises(UserError, match="materialize models/directional_model"):
        run("promote", "directional")
    home.train(MODELS["popularity"], used)
    told = run("promote", "directional").stdout
    assert told.startswith("directional is champion: ndcg@10 ")
    told = run("models").stdout
    assert "champion, trained for 2024-02-05" in told
    assert told.strip().splitlines()[-1] == f"champion: directional {used.config.to_json()}"

    run("promote", "directional", "--default")
    task = weekly_task("seen")
    assert configured_models(home.store, task=task)["directional"] == MODELS["directional"]


def test_a_trial_can_be_put_to_use_by_its_number(home, tuned):
    tuned()
    study = home.store.read(TUNING_TRIALS)["study"][0]
    run("promote", "directional", "--study", study, "--trial", "2")
    row = home.store.read(TUNING_TRIALS).filter(trial=2).row(0, named=True)
    assert configured_models(home.store)["directional"].config.to_json() == row["parameters"]


def test_rollback_returns_to_the_champion_before(home, weaker, tuned):
    task = weekly_task("seen")
    home.train(MODELS["popularity"], weaker)
    run("promote", "directional")
    run(*promote_command(tuned("--sampler", "random")))
    home.train(MODELS["popularity"], configured_models(home.store)["directional"])
    run("promote", "directional")
    told = run("rollback").stdout
    assert told.startswith("directional is champion again, directional is archived")
    again = weaker.for_task(task)
    assert told.strip().endswith(again.config.to_json())
    assert configured_models(home.store, task=task)["directional"] == again
    with pytest.raises(UserError, match=r"nothing to roll back to: 1 champion\(s\)"):
        run("rollback")


def test_a_default_that_stays_the_best_is_not_offered_for_promotion(home):
    told = run("tune", "popularity", "--trials", "1").stdout
    assert told.strip().endswith("there is nothing to promote.")


def test_the_same_study_again_changes_nothing(home, tuned):
    tuned()
    once = home.store.read(TUNING_TRIALS).drop("seconds")
    tuned()
    assert home.store.read(TUNING_TRIALS).drop("seconds").equals(once)


def test_nothing_at_or_after_the_newest_cut_off_moves_a_trial(home, tuned):
    tuned()
    quiet = home.store.read(TUNING_TRIALS).drop("seconds")
    cutoff = quiet["cutoff"][0]
    rows = home.store.read(USER_ITEM_INTERACTIONS)
    shift = timedelta(weeks=5)
    later = rows.with_columns(
        pl.col("event_date", "event_ts", "arrived_at") + shift,
        product_id=pl.lit("p01"),
        event_id="later" + pl.col("event_id"),
    )
    late = rows.with_columns(
        pl.col("arrived_at") + shift, product_id=pl.lit("p02"), event_id="late" + pl.col("event_id")
    )
    assert later["event_date"].min() >= cutoff
    planted = pl.concat([rows, later, late])
    days = planted["event_date"].unique().to_list()
    home.store.overwrite(USER_ITEM_INTERACTIONS, planted, partitions=days)
    tuned()
    assert home.store.read(TUNING_TRIALS).drop("seconds").equals(quiet)


def test_trials_go_to_mlflow_where_its_variable_is_set(home, tuned, monkeypatch):
    from mlflow import MlflowClient

    uri = f"sqlite:///{home.path}/runs.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tuned()
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("persona/directional")
    runs = client.search_runs([experiment.experiment_id])
    rows = home.store.read(TUNING_TRIALS)
    assert sorted(run.data.metrics["ndcg"] for run in runs) == pytest.approx(
        rows["ndcg"].sort().to_list()
    )


def test_trials_are_kept_although_mlflow_fails_on_the_way(home, tuned, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    honest = MlflowClient.create_run

    def full_after_one(self, experiment, run_name):
        if run_name.endswith("trial 1"):
            raise MlflowException("disk full")
        return honest(self, experiment, run_name=run_name)

    monkeypatch.setattr(MlflowClient, "create_run", full_after_one)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home.path}/runs.db")
    with pytest.raises(
        InfrastructureError, match=r"disk full; correct or unset MLFLOW_TRACKING_URI"
    ):
        tuned()
    assert home.store.read(TUNING_TRIALS)["trial"].sort().to_list() == [0, 1]


def test_without_mlflow_its_variable_stops_the_command_before_anything_is_tried(
    home, tuned, monkeypatch
):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///x.db")
    with pytest.raises(UserError, match=r"pip install 'persona_assets\[mlflow\]'"):
        tuned()
    assert not home.store.exists(TUNING_TRIALS)


def written(home) -> dict[Path, int]:
    """Files of the home and when they were written, but for the record of the lake's key."""
    return {
        path: path.stat().st_mtime_ns
        for path in home.path.rglob("*")
        if path.is_file() and key_record.NAME not in path.parts
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tune", "prophet"), "no recommender is called 'prophet'; choose one of popularity"),
        (("tune", "als", "--trials", "0"), "--trials is 0; try at least 1"),
        (("tune", "als", "--sampler", "cma"), "no sampler is called 'cma'; choose one of random"),
        (("promote", "prophet"), "no recommender is called 'prophet'"),
        (("promote", "als"), "als was never trained; materialize models/als_model"),
        (("promote", "als", "--study", "s"), "als has no study 's'; its studies: none; run"),
        (("promote", "als", "--trial", "1"), "--trial needs the --study that it is of; name it"),
        (("promote", "als", "--default", "--study", "s"), "exclude each other; leave one of them"),
        (("rollback",), r"nothing to roll back to: 0 champion\(s\) so far; promote a model"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(home, arguments, said):
    before = written(home)
    with pytest.raises(UserError, match=said):
        run(*arguments)
    assert written(home) == before


@pytest.mark.parametrize("arguments", [("tune", "als"), ("promote", "als"), ("rollback",)])
def test_a_home_that_is_not_there_is_named(tmp_path, monkeypatch, arguments):
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"there is no home at .*none; run `persona demo` first"):
        run(*arguments)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("arguments", [("tune", "als"), ("promote", "als")])
def test_a_home_without_trained_weeks_is_told_to_run(tmp_path, monkeypatch, arguments):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path / "empty"))
    with pytest.raises(UserError, match=r"no week was (trained|evaluated).*persona run"):
        run(*arguments)


def segmented(home, cutoff: date, names: tuple[str, ...]) -> None:
    """A segmentation of everybody at the cut-off, by the last digit of the name."""
    users = home.shop["user_id"].unique().sort().to_list()
    rows = [
        {"cutoff": cutoff, "user_id": user, "name": names[int(user[-1]) % len(names)]}
        for user in users
    ]
    filled = {"segment": 1, "distance": 0.5, "margin": 0.5, "components": [0.5]}
    filled |= {"outlier": False, "anomaly": 0.5}
    table = pl.DataFrame([filled | row for row in rows], schema=CUSTOMER_SEGMENTS.polars_schema)
    home.store.overwrite(CUSTOMER_SEGMENTS, table, partitions=[cutoff])


def test_a_model_of_segments_is_tuned_on_those_of_the_validation_week_alone(home):
    command = ("tune", "customer_segment_popularity", "--trials", "2", "--seed", "3")
    with pytest.raises(DataError, match="nobody's customer_segment"):
        run(*command)
    segmented(home, date(2024, 1, 29), ("even", "odd"))
    first = run(*command).stdout
    segmented(home, date(2024, 2, 5), ("later", "still later"))
    assert run(*command).stdout.splitlines()[0] == first.splitlines()[0]  # the same study
    segmented(home, date(2024, 1, 29), ("a", "b", "c"))
    assert run(*command).stdout.splitlines()[0] != first.splitlines()[0]


def test_a_week_without_anybody_to_evaluate_on_is_said(home):
    days = home.store.read(USER_ITEM_INTERACTIONS)["event_date"].unique().to_list()
    home.store.overwrite(USER_ITEM_INTERACTIONS, USER_ITEM_INTERACTIONS.empty(), partitions=days)
    with pytest.raises(DataError, match=r"0 row\(s\) are known before 2024-01-29"):
        run("tune", "popularity")
    assert home.store.exists(REGISTRY)
