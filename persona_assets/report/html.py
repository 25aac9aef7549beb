"""The report as ONE self-contained page: `write_html`.

Belongs here: the order of its chapters, and what its head says. Does not belong here: the chapters
(`data_chapters.py`, `model_chapters.py` …), markup and style sheet (`templates/`), sentences
(`findings.py`).
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
from persona_assets.report.content import Tile

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
    from jinja2 import (  # the command line starts without
        Environment,
        PackageLoader,
        StrictUndefined,
    )

    templates = Environment(
        loader=PackageLoader("persona_assets.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    started = f"; last run {report.run.started}" if report.run else ""
    return templates.get_template("page.html.j2").render(
        source=report.source.name,
        outcome=findings.outcome(report),
        about=f"{findings.origin(report)}{started}",
        tiles=_tiles(report),
        chapters=[chapter(report) for chapter in CHAPTERS],
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
