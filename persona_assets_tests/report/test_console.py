import io
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from persona_assets.report import findings
from persona_assets.report.console import MOST_PROBLEMS, print_report
from persona_assets.run_record import CheckOutcome
from persona_assets.settings import DEFAULT_HOME


def printed(report, width=100, **options):
    file = io.StringIO()
    print_report(report, Console(file=file, width=width, **options))
    return file.getvalue()


def flat(text):
    return " ".join(text.split())


def test_a_report_fits_a_hundred_columns(full):
    home = replace(full, home=Path("/home"))
    assert max(map(len, printed(home).splitlines())) <= 100
    assert max(map(len, printed(home, width=200).splitlines())) <= 100


def test_revenue_that_is_not_known_is_told_as_such(full):
    unknown = [pl.lit(None, pl.Float64()).alias(name) for name in ("revenue", "revenue_share")]
    customers = replace(full.customers, profiles=full.customers.profiles.with_columns(unknown))
    text = flat(printed(replace(full, customers=customers)))
    assert "Champions 2 33.3 % – " in text
    assert "what they spend is not known, because no purchase has a price" in text


def test_it_reads_without_colour(full):
    assert "\x1b" not in printed(full)
    assert "\x1b" in printed(full, force_terminal=True, color_system="standard")


def test_every_finding_is_in_it_word_for_word(full, bare):
    for report in (full, bare):
        text = flat(printed(report))
        for say in (
            *(findings.origin, findings.conservation, findings.against_popularity),
            *(findings.replay, findings.drift, findings.experiment, findings.checks),
            findings.customers,
        ):
            assert flat(say(report)) in text, say


def test_tables_models_reasons_and_seconds_are_in_it(full):
    lines = [line.split() for line in printed(full).splitlines()]
    version = str(full.tables["raw/events"].version)
    days = ["3:", "2025-01-01", "to", "2025-01-03"]
    assert ["raw/events", *days, "30", version, "20.0", "s"] in lines
    assert ["no_consent", "2"] in lines
    assert ["als", *["▲", "0.400"] * 5, "1.400"] in lines
    assert ["item_knn", *["▼", "0.250"] * 5, "1.400"] in lines
    assert ["planted_optimum", *["0.700"] * 5, "–"] in lines
    assert ["0.370–0.440"] * 5 in lines
    assert "1 min 15 s in all, 15.0 s of it outside of assets" in flat(printed(full))


def test_brackets_in_texts_are_no_markup(full):
    home = Path("/data/[bold]shop[/bold]")
    checks = (CheckOutcome("a/b", "c", "", "failed", "[red]value[/red] [/]"),)
    rows = replace(full.conservation, by_reason={"[dim]rule": 7})
    run = replace(full.run, checks=checks)
    text = printed(replace(full, home=home, conservation=rows, run=run))
    assert text.splitlines()[0] == str(home)
    assert "[dim]rule" in text
    assert "FAILED a/b c: [red]value[/red] [/]" in text


def test_paths_are_never_broken(tmp_path, full):
    home = tmp_path / ("long " * 30).strip()
    (home / "plots").mkdir(parents=True)
    lines = printed(replace(full, home=home)).splitlines()
    assert f"plots        {home / 'plots'}" in lines
    assert f"the graph    PERSONA_HOME='{home}' persona ui" in lines
    assert f"the service  PERSONA_API_KEYS=off PERSONA_HOME='{home}' persona serve" in lines


def test_only_places_that_exist_are_named(tmp_path, full):
    (tmp_path / "reports").mkdir()
    text = printed(replace(full, home=tmp_path))
    assert str(tmp_path / "reports") in text
    assert str(tmp_path / "plots") not in text


@pytest.mark.parametrize("home", [Path(DEFAULT_HOME), Path(DEFAULT_HOME).absolute()])
def test_the_default_home_opens_with_make(full, home):
    assert printed(replace(full, home=home)).splitlines()[-3:] == [
        "the graph    make ui",
        "the service  make serve",
        "a demo shop  http://127.0.0.1:8000/demo, while the service runs",
    ]


def test_what_did_not_pass_is_named_up_to_a_limit(full):
    assert "WARNED mart/quarantine few 2025-01-01, 2025-01-02, 2025-01-03 and 1 more: many" in flat(
        printed(full)
    )
    checks = tuple(CheckOutcome("a/b", f"c{n}", "", "failed", "no") for n in range(13))
    text = printed(replace(full, run=replace(full.run, checks=checks)))
    assert text.count("FAILED") == MOST_PROBLEMS
    assert "and 3 more" in text


def test_segments_come_with_what_to_do_and_the_cleaning_step_by_step(full):
    text = flat(printed(full))
    assert "Champions 2 33.3 % 80.0 % They spend <far> more. → Act 1 & more." in text
    assert text.index("Champions 2") < text.index("Lapsing 4")
    assert "no_user 10 90 7 outliers (5 marked) 90 7" in text
    for say in (findings.churn, findings.cleaning):
        assert flat(say(full)) in text
