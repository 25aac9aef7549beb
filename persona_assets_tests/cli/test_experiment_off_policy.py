"""`persona experiment off-policy`: files by mapping, text and JSON, refusals, bad files."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from persona_assets.cli.experiment_off_policy import off_policy
from persona_assets.cli.main import persona
from persona_assets.errors import UserError


@pytest.fixture
def files(tmp_path):
    """A log and a target policy whose columns have names of their own."""
    rng = np.random.default_rng(3)
    shown = rng.integers(4, size=1200)
    log = pl.DataFrame(
        {
            "item": shown,
            "clicked": rng.random(1200) < 0.1 * (1 + shown),
            "p": 0.25,
            "who": np.arange(1200) % 400,
        }
    )
    policy = pl.DataFrame({"item": [2, 3], "share": [0.5, 0.5]})
    log.write_parquet(tmp_path / "log.parquet")
    policy.write_csv(tmp_path / "policy.csv")
    return tmp_path


NAMES = ("--action", "item", "--reward", "clicked", "--propensity", "p", "--probability", "share")


def run(files, *arguments):
    return CliRunner().invoke(
        off_policy,
        [str(files / "log.parquet"), "--policy", str(files / "policy.csv"), *NAMES, *arguments],
    )


def test_it_is_a_command_of_experiments():
    assert persona.commands["experiment"].commands["off-policy"] is off_policy


def test_json_holds_estimates_and_support(files):
    result = run(files, "--unit", "who", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert [row["estimator"] for row in told["estimates"]] == ["ips", "snips"]
    assert told["estimates"][1]["low"] < 0.35 < told["estimates"][1]["high"]
    assert told["support"]["units"] == 400
    assert told["refused"] == []
    assert told["left_out"]["replay"] == "the target policy draws actions at random"


def test_text_says_the_same(files):
    result = run(files)
    assert result.exit_code == 0
    said = result.output
    assert "1,200 exposures of 1,200 rows, taken to be independent" in said
    assert "snips" in said
    assert "Without dm: the target policy has no predictions of rewards." in said


def test_a_refusal_is_a_reason_and_no_number(files):
    pl.DataFrame({"item": [9], "share": [1.0]}).write_csv(files / "policy.csv")
    result = run(files, "--json")
    told = json.loads(result.output)
    assert told["estimates"] == []
    assert told["refused"] == ["the log never shows what the target policy would have shown"]
    said = run(files).output
    assert "No estimate, because" in said
    assert "snips" not in said


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("log.txt", "a,b\n1,2\n", "ends with '.txt'"),
        ("absent.csv", None, "there is no file"),
        ("broken.parquet", "not a table", "cannot be read as parquet"),
    ],
)
def test_bad_files_are_named(files, name, content, text):
    if content is not None:
        (files / name).write_text(content)
    result = CliRunner().invoke(
        off_policy, [str(files / name), "--policy", str(files / "policy.csv")]
    )
    assert isinstance(result.exception, UserError)
    assert text in str(result.exception)
    assert name in str(result.exception)
