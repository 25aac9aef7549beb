"""Experiments on customers, and what lists earn, on the page, in the terminal and as JSON."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from persona_assets.report import findings
from persona_assets.report.as_json import as_json
from persona_assets.report.champion import next_step
from persona_assets.report.collect import Report
from persona_assets.report.console import print_report
from persona_assets.report.html import write_html
from persona_assets.report.shop_chapter import earned
from persona_assets.tables.serving import CHAMPION


@pytest.fixture
def report(half: Callable[..., Report]) -> Report:
    return half("experiment", "live experiments")


def test_each_experiment_has_its_verdict_and_how_far_it_is(report: Report) -> None:
    said = [findings.live_experiment(row) for row in report.live_verdicts.iter_rows(named=True)]
    assert said == [
        "spring (over, 28 of 28 days, 3,900 of 4,000 planned users; 2 users of two arms left out): "
        "Ship <i>challenger</i>.",
        "summer (running, 3 of 14 days, 1 of 50 planned users): Go on: too few.",
    ]


def test_page_terminal_and_json_show_them(report: Report, tmp_path: Path) -> None:
    write_html(report, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Experiments on customers" in page
    assert "Ship &lt;i&gt;challenger&lt;/i&gt;." in page
    for shown in ("+2.00 pp", "[0.500, 3.500]", "12.00 %", "challenger (1,950)", "[–, –]"):
        assert shown in page
    told = io.StringIO()
    print_report(report, Console(file=told, width=100))
    assert "spring (over, 28 of 28 days" in told.getvalue()
    spring, summer = json.loads(as_json(report))["live_experiments"]
    assert [each["effect"] for each in spring["results"]] == [0.02, 0.0]
    assert spring["results"][1]["low"] is None
    assert (summer["decision"], summer["results"]) == ("go_on", [])


def test_a_home_without_one_says_so_on_the_page_alone(
    half: Callable[..., Report], tmp_path: Path
) -> None:
    report = half("experiment")
    write_html(report, tmp_path / "page.html")
    assert "nobody was served a list of one" in (tmp_path / "page.html").read_text("utf-8")
    told = io.StringIO()
    print_report(report, Console(file=told, width=100))
    assert "Experiments on customers" not in told.getvalue()
    assert json.loads(as_json(report))["live_experiments"] == []


def test_what_customers_did_outweighs_what_simulated_ones_would_do(report: Report) -> None:
    assert next_step(report) == (
        "Next: `persona promote bpr`, which the experiment spring on your customers would ship."
    )
    row = dict.fromkeys(CHAMPION.polars_schema.names()) | {
        "model": "bpr", "parameters": "{}", "action": "promotion", "evidence": "{}",
        "since": None, "cutoff": date(2025, 1, 20),
    }  # fmt: skip
    champion = pl.DataFrame([row], schema=CHAMPION.polars_schema)
    said = next_step(replace(report, champion=champion))
    assert said is not None
    assert "which the experiment would ship" in said  # bpr serves already
    running = report.live_verdicts.with_columns(running=pl.lit(value=True))
    said = next_step(replace(report, live_verdicts=running))
    assert said is not None
    assert "spring" not in said


def test_what_the_lists_earn_is_that_of_the_model_that_served(report: Report) -> None:
    assert earned(report) == (
        "In a simulated week 5.0 % of the users bought from the list that popularity shows them, "
        "for 0.05 per user; whether they would have bought it anyway, an experiment on customers "
        "says."
    )
    unpriced = report.ab_test.filter(pl.col("metric") != "revenue_per_user")
    said = earned(replace(report, ab_test=unpriced))
    assert said is not None
    assert "per user" not in said
    assert earned(replace(report, ab_test=report.ab_test.clear())) is None
