"""The page's chapters on data and run: what came in, drift, checks, time, tables.

Belongs here: what each of these chapters shows, from a `Report` to a `Section`. Does not belong
here: chapters on models (`model_chapters.py`) or sentences (`findings.py`).
"""

import polars as pl

from persona_assets.monitoring.drift_plots import drift_figure
from persona_assets.notation import NOTHING, count, duration, number
from persona_assets.report import findings, report_plots
from persona_assets.report.checks import Problem, problems
from persona_assets.report.collect import Report, TableState
from persona_assets.report.content import (
    Cell,
    Content,
    Paragraph,
    Section,
    Small,
    Table,
    Value,
    picture,
)
from persona_assets.report.skipped import gaps, not_delivered, summary, when_of

NEWEST_WEEKS = 12
"""Weeks in the drift plot: more would be too small to read."""


def conservation(report: Report) -> Section:
    """What came in, and what was rejected why."""
    body: list[Content] = [Paragraph(findings.conservation(report), "finding")]
    if reasons := report.conservation.by_reason:
        listed = ", ".join(f"{reason} {rows}" for reason, rows in reasons.items())
        body += [
            Paragraph("A row is rejected by the first rule that it breaks."),
            picture(report_plots.rejected_figure(reasons), f"Rejected rows by reason: {listed}"),
        ]
    return Section("data", "What came in", body)


def skipped(report: Report) -> Section:
    """What the shop's data were insufficient for, and why."""
    body: list[Content] = [Paragraph(summary(report), "finding")]
    if found := gaps(report):
        rows: list[list[Cell]] = [
            [
                gap.subject,
                Value(gap.outcome, [Small(when_of(gap), kind="days")]),
                Value(gap.reason, [", ".join(gap.tables)]),
            ]
            for gap in found
        ]
        columns = ["what", "outcome", "because"]
        body.append(Table(columns, rows, left=len(columns)))
    if (lacking := not_delivered(report)) is not None:
        body.append(Paragraph(lacking))
    return Section("skipped", "What was skipped", body)


def drift(report: Report) -> Section:
    """Drift by week, and the newest week column by column."""
    body: list[Content] = [Paragraph(findings.drift(report), "finding")]
    if not report.drift.is_empty():
        weeks = report.drift["cutoff"].unique().sort().tail(NEWEST_WEEKS)
        shown = report.drift.filter(pl.col("cutoff").is_in(weeks.implode()))
        newest = report.drift.filter(pl.col("cutoff") == weeks[-1])
        body += [
            Paragraph(
                "Each week is compared with the up to four weeks before it. A column has drifted "
                "when its distance reaches the threshold."
            ),
            picture(
                drift_figure(shown), "Distance of each column by week, in units of its threshold"
            ),
            Table(
                [f"week from {weeks[-1]}", "method", "distance", "threshold", "drifted"],
                [
                    [
                        row["column"],
                        row["method"],
                        number(row["score"]),
                        number(row["threshold"]),
                        Value("yes", kind="bad") if row["drifted"] else "no",
                    ]
                    for row in newest.iter_rows(named=True)
                ],
                left=2,
            ),
        ]
    return Section("drift", "Drift of the data", body)


def checks(report: Report) -> Section:
    """How many checks passed, and each that did not by name."""
    body: list[Content] = [Paragraph(findings.checks(report), "finding")]
    if found := problems(report):
        rows = [_problem(problem) for problem in found]
        body.append(Table(["outcome", "table", "check", "what is wrong"], rows, left=4))
    return Section("checks", "Checks", body)


def _problem(problem: Problem) -> list[Cell]:
    return [
        Value(problem.outcome, kind="bad" if problem.outcome == "failed" else "warn"),
        problem.asset,
        Value(problem.check, [problem.where]),
        problem.description or NOTHING,
    ]


def time(report: Report) -> Section:
    """Seconds of the last run."""
    if report.run is None:
        body: list[Content] = [Paragraph("No complete run is on record.", "finding")]
    else:
        run = report.run
        body = [
            Paragraph(
                f"{duration(run.total)} in all, {duration(run.framework)} of it outside of assets.",
                "finding",
            ),
            picture(
                report_plots.seconds_figure(run.seconds, run.framework),
                "Seconds per asset, the slowest first; all are in the table below",
            ),
        ]
    return Section("time", "Where the time went", body)


def tables(report: Report) -> Section:
    """What lies in the lake."""
    seconds = report.run.seconds if report.run else {}
    rows: list[list[Cell]] = [
        [
            path,
            Value(_partitions(state), kind="days"),
            count(state.rows),
            str(state.version),
            duration(seconds[path]) if path in seconds else NOTHING,
        ]
        for path, state in report.tables.items()
    ]
    body: list[Content] = [Paragraph("No table has been made yet.", "finding")]
    if rows:
        body = [Table(["table", "partitions", "rows", "version", "seconds"], rows, left=2)]
    return Section("tables", "Tables of the lake", body)


def _partitions(state: TableState) -> str:
    return f"{state.partitions}: {state.first} to {state.last}" if state.first else NOTHING
