"""The report as ONE self-contained page: `write_html`.

Belongs here: the page, its head and the order of its chapters. Does not belong here: the chapters
(`data_chapters.py`, `model_chapters.py` …), elements and escaping
(`markup.py`), the style sheet (`style.py`), sentences (`findings.py`).

The page runs no script and loads nothing: its content policy forbids both.
"""

from pathlib import Path

from persona_assets.errors import UserError
from persona_assets.notation import count, duration, share
from persona_assets.report import (
    comparison_chapters,
    customer_chapters,
    data_chapters,
    findings,
    model_chapters,
    shop_chapter,
)
from persona_assets.report.checks import with_outcome
from persona_assets.report.collect import Report
from persona_assets.report.markup import Markup, contents, element, paragraph, section
from persona_assets.report.style import CSS

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
    data_chapters.checks,
    data_chapters.time,
    data_chapters.tables,
)
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_html(report: Report, path: Path) -> None:
    """Write the page to `path`, whole or not at all; folders are made.

    Raises:
        UserError: `path` cannot be written.
    """
    page = _page(report)
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(page, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise UserError(
            f"cannot write the report to {path}: {error.strerror}; name a file that you may write"
        ) from error


def _page(report: Report) -> str:
    chapters = [chapter(report) for chapter in CHAPTERS]
    main = element("main", *map(section, chapters))
    body = element("div", _header(report), contents(chapters), main, kind="page")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"{element('title', f'Personalization report: {report.source.name}')}"
        f"<style>{CSS}</style></head><body>{body}</body></html>\n"
    )


def _header(report: Report) -> Markup:
    started = f"; last run {report.run.started}" if report.run else ""
    return element(
        "header",
        element("h1", "Personalization report"),
        paragraph(findings.outcome(report), "outcome"),
        paragraph(f"{findings.origin(report)}{started}", "about"),
        element("dl", *_tiles(report), kind="tiles"),
    )


def _tiles(report: Report) -> list[Markup]:
    rows = report.conservation
    tiles = [
        _tile("Events delivered", count(rows.raw_rows), "raw rows, dirt included"),
        _tile(
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
        _tile(
            "Checks passed",
            f"{count(passed)} of {count(len(report.run.checks))}",
            f"{len(failed)} failed, {len(warned)} warned",
            kind="bad" if failed else "warn" if warned else "good",
        ),
        _tile(
            "Last run",
            duration(report.run.total),
            f"{duration(report.run.framework)} outside of assets",
        ),
    ]


def _tile(title: str, value: str, note: str, kind: str = "") -> Markup:
    return element(
        "div",
        element("dt", title),
        element("dd", value, kind=kind),
        element("dd", note, kind="note"),
        kind="tile",
    )
