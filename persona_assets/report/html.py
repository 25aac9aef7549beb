"""The report on a home as ONE self-contained page: `write_html`.

Belongs here: the order of its chapters, and what its head says. Does not belong here: the chapters
(`data_chapters.py`, `model_chapters.py` …), what every page has (`page.py`), sentences
(`findings.py`).
"""

from pathlib import Path

from persona_assets.notation import count, duration, share
from persona_assets.report import (
    comparison_chapters,
    customer_chapters,
    data_chapters,
    findings,
    live_experiment_chapter,
    model_chapters,
    shop_chapter,
)
from persona_assets.report.checks import with_outcome
from persona_assets.report.collect import Report
from persona_assets.report.content import Tile
from persona_assets.report.page import Page, write_page

CHAPTERS = (
    shop_chapter.shop,
    data_chapters.conservation,
    data_chapters.skipped,
    model_chapters.models,
    model_chapters.example_lists,
    comparison_chapters.pairs,
    comparison_chapters.segments,
    model_chapters.beyond_accuracy,
    model_chapters.replay,
    comparison_chapters.ages,
    customer_chapters.customers,
    data_chapters.drift,
    model_chapters.experiment,
    live_experiment_chapter.live_experiments,
    data_chapters.checks,
    data_chapters.time,
    data_chapters.tables,
)


def write_html(report: Report, path: Path) -> None:
    """Write the page to `path`, whole or not at all; folders are made.

    Raises:
        UserError: `path` cannot be written.
    """
    started = f"; last run {report.run.started}" if report.run else ""
    write_page(
        Page(
            title=f"Personalization report: {report.source.name}",
            heading="Personalization report",
            outcome=findings.outcome(report),
            about=f"{findings.origin(report)}{started}",
            tiles=_tiles(report),
            chapters=[chapter(report) for chapter in CHAPTERS],
        ),
        path,
    )


def _tiles(report: Report) -> list[Tile]:
    rows = report.conservation
    tiles = [
        Tile("Events delivered", count(rows.raw_rows), "raw rows, dirt included"),
        Tile(
            "Rejected",
            share(rows.quarantine_rows, rows.raw_rows),
            f"{count(rows.quarantine_rows)} rows, each with its reason",
        ),
    ]
    if report.run is None:
        return tiles
    failed, warned = with_outcome(report, "failed"), with_outcome(report, "warned")
    passed = len(report.run.checks) - len(failed) - len(warned)
    return [
        *tiles,
        Tile(
            "Checks passed",
            f"{count(passed)} of {count(len(report.run.checks))}",
            f"{len(failed)} failed, {len(warned)} warned",
            kind="bad" if failed else "warn" if warned else "good",
        ),
        Tile(
            "Last run",
            duration(report.run.total),
            f"{duration(report.run.framework)} outside of assets",
        ),
    ]
