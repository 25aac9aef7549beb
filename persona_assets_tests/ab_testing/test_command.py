"""`persona experiment` at a prompt, with the mappings that the documentation shows."""

import json
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from persona_assets.ab_testing.declaration_file import declared
from persona_assets.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")
HILLSTROM, ASOS, *_ = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def persona(tmp_path, monkeypatch, capsys):
    """persona(*arguments) → exit code, standard output, standard error; in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path / "home"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["persona", *arguments])
        code = 0
        try:
            main()
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def customers(units=3000):
    """The columns of Hillstrom's file."""
    generator = np.random.default_rng(1)
    arm = generator.choice(["Mens E-Mail", "Womens E-Mail", "No E-Mail"], units)
    visit = generator.random(units) < np.where(arm == "No E-Mail", 0.1, 0.2)
    return pl.DataFrame(
        {
            "recency": generator.integers(1, 13, units),
            "history_segment": generator.choice(["1) $0 - $100", "2) $100 - $200"], units),
            "history": generator.lognormal(5, 1, units).round(2),
            "mens": generator.integers(0, 2, units),
            "womens": generator.integers(0, 2, units),
            "zip_code": generator.choice(["Urban", "Surburban", "Rural"], units),
            "newbie": generator.integers(0, 2, units),
            "channel": generator.choice(["Web", "Phone", "Multichannel"], units),
            "segment": arm,
            "visit": visit.astype(int),
            "conversion": (visit * (generator.random(units) < 0.3)).astype(int),
            "spend": (visit * generator.gamma(2.0, 30.0, units)).round(2),
        }
    )


def test_documented_mapping_of_e_mails(persona, tmp_path):
    customers().write_csv("hillstrom.csv")
    Path("email.toml").write_text(HILLSTROM, encoding="utf-8")
    told = ("experiment", "analyze", "hillstrom.csv", "--mapping", "email.toml")
    code, out, _ = persona(*told, "--html", "report.html")
    assert code == 0
    assert "Ship Mens E-Mail" in out
    assert "cannot be told apart" in out
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    found = json.loads(persona(*told, "--json")[1])
    assert (found["decision"], found["shipped_arm"]) == ("ship", "Mens E-Mail")
    assert {each["metric"] for each in found["comparisons"]} == {"visit", "conversion", "spend"}
    assert len(found["segments"]) == 2 * 6


def test_documented_mapping_of_checkpoints(persona):
    pl.DataFrame(
        [
            {
                "experiment_id": "036afc", "variant_id": 1, "metric_id": metric,
                "time_since_start": day / 2, "count_c": 1000.0 * day, "count_t": 1000.0 * day,
                "mean_c": 0.10, "mean_t": 0.13, "variance_c": 0.09, "variance_t": 0.1131,
            }
            for metric in (1, 4)
            for day in range(1, 21)
        ]
    ).write_parquet("asos.parquet")  # fmt: skip
    Path("asos.toml").write_text(ASOS, encoding="utf-8")
    code, out, _ = persona(
        "experiment", "analyze", "asos.parquet", "--mapping", "asos.toml", "--json"
    )
    found = json.loads(out)
    assert (code, found["decision"], found["shipped_arm"]) == (0, "ship", "1")
    assert len(found["course"]) == 20
    code, _, err = persona(
        "experiment", "analyze", "asos.parquet", "--mapping", "asos.toml", "--where",
        "experiment_id=bac0d3",
    )  # fmt: skip
    assert code == 1
    assert "no row has 'bac0d3' in column 'experiment_id'; it has '036afc'" in err


def test_without_a_declaration_the_columns_and_an_example_are_shown(persona):
    customers(200).write_csv("hillstrom.csv")
    code, out, err = persona("experiment", "analyze", "hillstrom.csv")
    assert (code, out) == (2, "")
    assert "Neither --mapping nor --arm nor --control nor --metric is given" in err
    assert "segment (3 texts), visit (0 or 1)" in err
    line = re.search(r"^ +persona (experiment analyze .*)$", err, re.MULTILINE).group(1)
    words = re.findall(r"'[^']*'|\S+", line)
    assert persona(*(word.strip("'") for word in words))[0] == 0
    example = tomllib.loads(err[err.index("[units]") :].replace("\n    ", "\n"))
    example["units"].pop("unit")
    assert declared(example, where="m", name="n").control == "No E-Mail"


def test_options_that_cannot_be_meant(persona):
    customers(200).write_csv("hillstrom.csv")
    Path("email.toml").write_text(HILLSTROM, encoding="utf-8")
    plain = ("experiment", "analyze", "hillstrom.csv", "--arm", "segment", "--control", "No E-Mail")
    for more, said in (
        (("--metric", "visit"), "give NAME:KIND"),
        (("--metric", "visit:proportion:first"), "'first' is no role"),
        (("--metric", "visit:proportion:guardrail:much"), "'much' is no margin"),
        (("--metric", "visits:proportion"), "has no column 'visits'; it has recency, "),
        (("--metric", "visit:proportion", "--where", "channel"), "give COLUMN=VALUE"),
        (("--metric", "visit:proportion", "--monitoring", "daily"), "use one of fixed"),
        (("--mapping", "email.toml"), "--arm and --mapping are both given"),
    ):
        code, _, err = persona(*plain, *more)
        assert code == 2
        assert said in " ".join(err.split())
    code, _, err = persona("experiment", "analyze", "none.csv", *plain[3:], "--metric", "v:mean")
    assert (code, "there is no file none.csv" in err) == (2, True)


def test_plan_prints_units_and_days(persona):
    code, out, _ = persona(
        "experiment", "plan", "--baseline", "0.03", "--lift", "0.05", "--daily-units", "4000"
    )
    assert code == 0
    assert "a lift of 5 %: " in out
    assert " days)" in out
    found = json.loads(
        persona("experiment", "plan", "--baseline", "0.03", "--units", "9", "--json")[1]
    )
    assert found["sizes"] == []
    assert found["lift"] > 1
