"""What a shop's data were insufficient for is told once, by subject, in each form of the report."""

import io
import json
from dataclasses import replace
from datetime import date
from html import unescape

import polars as pl
import pytest
from rich.console import Console

from persona_assets.report import findings
from persona_assets.report.as_json import as_json
from persona_assets.report.checks import problems
from persona_assets.report.collect import Report
from persona_assets.report.console import print_report
from persona_assets.report.html import write_html
from persona_assets.report.skipped import Gap, gaps, summary
from persona_assets.run_record import CheckOutcome
from persona_assets.settings import SourceSettings
from persona_assets.skipped import CHECK
from persona_assets.tables.monitoring import SKIPPED

ROWS = [
    ("recommendations/top_k", "2025-01-13", "content", "no catalogue"),
    ("evaluation/model_comparison", "", "content", "no catalogue"),
    ("segmentation/segment_profiles", "2025-01-13", "", "no customer has a segment"),
    ("segmentation/customer_features", "2025-01-13", "", "nobody bought anything"),
    ("models/content_model", "2025-01-13", "", "no catalogue"),
    ("experiments/ab_test_simulation", "", "revenue_per_user", "no price"),
    ("experiments/ab_test_results", "", "revenue_per_user", "no price"),
]


def lacking(report: Report, rows: list[tuple[str, str, str, str]] = ROWS) -> Report:
    return replace(report, skipped=pl.DataFrame(rows, SKIPPED.polars_schema, orient="row"))


def test_tables_about_one_subject_are_one_gap_whose_reason_is_the_first_tables(full):
    assert gaps(lacking(full)) == [
        Gap(
            "content",
            "not trained",
            "no catalogue",
            ("2025-01-13",),
            ("models/content_model", "recommendations/top_k", "evaluation/model_comparison"),
        ),
        Gap(
            "revenue per user (A/B test)",
            "skipped",
            "no price",
            (),
            ("experiments/ab_test_simulation", "experiments/ab_test_results"),
        ),
        Gap(
            "customer segments",
            "skipped",
            "nobody bought anything",
            ("2025-01-13",),
            ("segmentation/customer_features", "segmentation/segment_profiles"),
        ),
    ]


def test_reasons_that_differ_from_week_to_week_are_apart(full):
    rows = [
        ("monitoring/data_drift", "2025-01-13", "", "a"),
        ("monitoring/data_drift", "2025-01-20", "", "b"),
        ("monitoring/data_drift", "2025-01-27", "", "a"),
    ]
    found = [(gap.reason, gap.partitions) for gap in gaps(lacking(full, rows))]
    assert found == [("a", ("2025-01-13", "2025-01-27")), ("b", ("2025-01-20",))]


def test_every_form_of_the_report_says_what_and_why(full, tmp_path):
    report = lacking(full)
    out = io.StringIO()
    print_report(report, Console(file=out, width=200))
    write_html(report, tmp_path / "report.html")
    page = unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    for gap in gaps(report):
        assert gap.sentence in out.getvalue()
        assert gap.subject in page
        assert gap.reason in page
    assert summary(report) in page
    told = json.loads(as_json(report))["skipped"]
    assert [tuple(row.values()) for row in told] == ROWS


def test_a_shop_that_lacks_nothing_has_no_word_of_it_in_the_terminal(full):
    out = io.StringIO()
    print_report(full, Console(file=out, width=100))
    assert "Skipped" not in out.getvalue()
    assert findings.untrained(full) is None
    assert summary(full) == "Nothing: the shop's data sufficed for everything."


def test_warnings_of_it_are_not_listed_a_second_time(full):
    warned = CheckOutcome("models/content_model", CHECK, "2025-01-13", "warned", "skipped, because")
    report = replace(full, run=replace(full.run, checks=(*full.run.checks, warned)))
    assert problems(report) == problems(full)
    assert "5 warned" in findings.checks(report)


@pytest.mark.parametrize(
    ("sentence", "table"),
    [
        (findings.drift, "monitoring/data_drift"),
        (findings.experiment, "experiments/ab_test_results"),
        (findings.customers, "segmentation/segmentation_model"),
        (findings.ages, "evaluation/staleness"),
        (findings.against_popularity, "evaluation/offline_metrics"),
    ],
)
def test_a_chapter_without_rows_says_why(bare, sentence, table):
    assert sentence(bare).endswith("yet.")
    report = lacking(bare, [(table, "2025-01-20", "", "the shop was closed")])
    assert sentence(report).endswith(": skipped, because the shop was closed.")
    assert "yet" not in sentence(report)


def test_a_history_too_short_to_evaluate_says_when_the_first_week_begins(bare):
    source = SourceSettings("files", date(2024, 1, 1), date(2024, 1, 4), {})
    said = findings.against_popularity(replace(bare, source=source))
    assert "first begins on 2024-01-08" in said
    assert "data end on 2024-01-03" in said
    over = replace(bare, source=replace(source, end=date(2024, 1, 15)))
    assert findings.against_popularity(over) == "No model has been evaluated yet."
