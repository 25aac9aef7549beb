import json

import polars as pl
import pytest
from click.testing import CliRunner

from persona_assets.cli.main import persona
from persona_assets.errors import UserError


@pytest.fixture
def file(chains, tmp_path, monkeypatch):
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path / "home"))
    path = tmp_path / "log.parquet"
    chains.select(
        user="user_id", item="product_id", timestamp="event_ts", event="event_type"
    ).write_parquet(path)
    return path  # fmt: skip


def run(*words):
    return CliRunner().invoke(persona, ["benchmark", *map(str, words)], catch_exceptions=False)


def test_json_is_the_result_and_nothing_else(file):
    done = run(file, "--protocol", "leave_one_out", "--models", "popularity", "--json")

    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert told["data"]["file"] == "log.parquet"
    assert told["protocol"] == "leave_one_out"
    assert 0 <= told["models"]["popularity"]["test"]["recall@10"]["value"] <= 1


def test_the_counts_are_those_of_the_file(file, chains, tmp_path):
    rows = pl.read_parquet(file)
    twice = tmp_path / "twice.parquet"
    extra = rows.head(7).with_columns(user=pl.lit(None, pl.String))
    pl.concat([rows, rows.head(5), extra]).write_parquet(twice)
    words = (twice, "--models", "popularity")
    data = json.loads(run(*words, "--json").stdout)["data"]
    assert (data["file_rows"], data["rows"]) == (rows.height + 12, rows.height)
    assert (data["users"], data["products"]) == (rows["user"].n_unique(), rows["item"].n_unique())
    shown = " ".join(run(*words).stdout.split())
    assert f"twice.parquet: {rows.height + 12:,} rows, {rows.height:,} different ones" in shown


def test_the_table_shows_every_model_with_intervals(file):
    done = run(file, "--models", "popularity,directional", "--k", "5")

    assert done.exit_code == 0
    for word in ("popularity", "directional", "recall@5", "ndcg@5", "temporal", "–"):
        assert word in done.stdout


def test_nothing_is_left_behind(file, tmp_path):
    run(file, "--models", "popularity")
    assert {each.name for each in tmp_path.iterdir()} == {"log.parquet"}


def test_lengths_that_are_no_numbers_are_refused(file):
    with pytest.raises(UserError, match="give numbers with commas"):
        run(file, "--k", "ten")


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--models", "nosuch"), "there is no model 'nosuch'"), (("--k", "0"), "at least 1")],
)
def test_what_cannot_be_done_is_said_before_the_file_is_read(words, said):
    with pytest.raises(UserError, match=said):
        run("nosuch.csv", *words)


def test_a_result_gives_its_parameters_to_the_next_run(file, tmp_path):
    words = (file, "--protocol", "leave_one_out", "--models", "popularity", "--json")
    result = tmp_path / "result.json"
    result.write_text(run(*words).stdout)

    again = json.loads(run(*words, "--parameters", result).stdout)

    told = json.loads(result.read_text())["models"]["popularity"]
    assert again["models"]["popularity"]["test"] == told["test"]


@pytest.mark.parametrize("text", ["", "[]", '{"models": {"als": 1}}'])
def test_parameters_that_are_no_result_are_refused(file, tmp_path, text):
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"result\.json is not a result of `persona benchmark"):
        run(file, "--parameters", path)
