"""The report in the terminal: at most 100 columns, readable without colour.

Belongs here: layout with Rich. Does not belong here: sentences (`findings.py`) or formats of
numbers (`notation.py`). Texts are never parsed as Rich's markup: a path may hold brackets.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from persona_assets.evaluation.evaluation_plots import SHOWN_K, TITLES
from persona_assets.notation import NOTHING, count, counted, duration, number, share
from persona_assets.report import findings, skipped
from persona_assets.report.champion import champion
from persona_assets.report.checks import Problem, problems
from persona_assets.report.collect import Report, TableState
from persona_assets.report.skipped import gaps, when_of
from persona_assets.segmentation.choice import is_stable
from persona_assets.settings import DEFAULT_HOME

WIDTH = 100
MOST_PROBLEMS = 10
"""Problems listed before the rest is only counted: the page and the JSON have all."""
_MARKS = {
    "better": "▲",
    "worse": "▼",
    "not distinguishable": "≈",
    "baseline": " ",
    "ceiling": " ",
}


def print_report(report: Report, console: Console) -> None:
    """Print the whole report; parts that do not exist yet are named as such."""
    out = _Printer(console)
    out.line(str(report.home), style="bold", path=True)
    out.line(findings.origin(report))
    out.heading("Tables")
    if report.tables:
        out.grid(_tables(report))
    else:
        out.line("None yet; `persona run` makes them.")
    out.heading("Conservation")
    out.line(findings.conservation(report))
    if report.conservation.by_reason:
        out.grid(_reasons(report.conservation.by_reason))
    _print_skipped(out, report)
    out.heading(f"Models, 95 % intervals{_at_cutoff(report)}")
    if not report.comparison.is_empty():
        out.grid(_models(report))
        out.line("▲ better than popularity, ▼ worse, ≈ cannot be told apart (Holm's correction)")
    out.line(findings.against_popularity(report))
    if (untrained := findings.untrained(report)) is not None:
        out.line(untrained)
    out.line(findings.pairs(report))
    out.line(findings.replay(report))
    out.line(findings.ages(report))
    out.line(findings.cold_start(report))
    _print_customers(out, report)
    out.heading("Drift")
    out.line(findings.drift(report))
    out.heading("A/B test")
    out.line(findings.experiment(report))
    if not report.live_verdicts.is_empty():
        out.heading("Experiments on customers")
        for row in report.live_verdicts.iter_rows(named=True):
            out.line(findings.live_experiment(row))
    if (served := champion(report)) is not None:
        out.heading("Champion")
        out.line(served)
    out.heading("Checks")
    out.line(findings.checks(report))
    _print_problems(out, problems(report))
    _print_time(out, report)
    _print_places(out, report.home)


class _Printer:
    """Prints texts as they are."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(WIDTH, console.width)

    def heading(self, title: str) -> None:
        self._console.print()
        self._console.print(Text(title, style="bold underline"), width=self._width)

    def line(self, text: str, style: str = "", *, path: bool = False) -> None:
        """A paragraph; one with a path is never broken, so that it can be copied."""
        if path:
            self._console.print(Text(text, style), soft_wrap=True)
        else:
            self._console.print(Text(text, style), width=self._width)

    def grid(self, grid: Grid) -> None:
        self._console.print(grid, width=self._width)


def _grid(columns: Sequence[str], *, left: int = 1) -> Grid:
    """An unruled table whose first `left` columns hold text and the others numbers."""
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, column in enumerate(columns):
        grid.add_column(Text(column), justify="left" if place < left else "right", overflow="fold")
    return grid


def _tables(report: Report) -> Grid:
    grid = _grid(["table", "partitions", "rows", "version", "seconds"], left=2)
    seconds = report.run.seconds if report.run else {}
    for path, state in report.tables.items():
        spent = duration(seconds[path]) if path in seconds else NOTHING
        _row(grid, path, _partitions(state), count(state.rows), str(state.version), spent)
    return grid


def _partitions(state: TableState) -> str:
    if not state.first:
        return NOTHING
    if state.first == state.last:
        return f"1: {state.first}"
    return f"{state.partitions}: {state.first} to {state.last}"


def _reasons(by_reason: Mapping[str, int]) -> Grid:
    grid = _grid(["rejected because", "rows"])
    for reason, rows in by_reason.items():
        _row(grid, reason, count(rows))
    return grid


def _at_cutoff(report: Report) -> str:
    return "" if report.comparison.is_empty() else f", week from {report.comparison['cutoff'][0]}"


def _models(report: Report) -> Grid:
    coverage = _coverage(report.analysis)
    grid = _grid(
        [
            "model",
            *(f"{TITLES[name]}@{SHOWN_K}" for name in findings.METRICS),
            f"Coverage@{SHOWN_K}",
        ]
    )
    rows = {
        (row["model"], row["metric"]): row
        for row in report.comparison.filter(pl.col("k") == SHOWN_K).iter_rows(named=True)
    }
    for model in findings.models(report):
        cells = [_cell(rows[model, metric]) for metric in findings.METRICS]
        _row(grid, model, *cells, number(coverage.get(model)))
    return grid


def _cell(row: Mapping[str, Any]) -> str:
    """Value with its mark, and the interval below it."""
    mark = _MARKS[row["against_popularity"]]
    return f"{mark} {number(row['value'])}\n{number(row['low'])}–{number(row['high'])}"


def _coverage(analysis: pl.DataFrame) -> dict[str, float | None]:
    rows = analysis.filter(pl.col("metric") == "catalog_coverage", pl.col("k") == SHOWN_K)
    return dict(rows.select("model", "value").iter_rows())


def _print_customers(out: _Printer, report: Report) -> None:
    """Segments with what to do, the largest revenue first; then how the customers were chosen."""
    out.heading("Customer segments")
    out.line(findings.customers(report))
    found = report.customers
    if found.profiles.is_empty():
        return
    grid = _grid(["segment", "customers", "of all", "of revenue", "who they are → what to do"])
    grid.columns[-1].justify = "left"
    advised = is_stable(found.chosen)
    ranked = found.profiles.sort("revenue", "segment", descending=[True, False])
    for row in ranked.iter_rows(named=True):
        _row(
            grid,
            row["name"],
            count(row["customers"]),
            share(row["customer_share"], 1),
            share(row["revenue_share"], 1),
            f"{row['description']}\n→ {row['action']}" if advised else row["description"],
        )
    out.grid(grid)
    out.line(findings.churn(report))
    out.line(findings.cleaning(report))
    if not found.steps.is_empty():
        steps = _grid(["cleaning step", "rows", "rows left", "customers left"])
        for row in found.steps.iter_rows(named=True):
            taken = count(row["rows"]) if row["removes"] else f"({count(row['rows'])} marked)"
            left = (count(row["rows_left"]), count(row["customers_left"]))
            _row(steps, row["step"], taken, *left)
        out.grid(steps)


def _print_skipped(out: _Printer, report: Report) -> None:
    """What the shop's data were insufficient for; nothing where they sufficed for everything."""
    found, not_delivered = gaps(report), skipped.not_delivered(report)
    if not found:
        return
    out.heading("Skipped")
    out.line(skipped.summary(report))
    for gap in found:
        when = f" ({when_of(gap)})" if gap.partitions else ""
        out.line(f"- {gap.sentence}{when}")
    if not_delivered is not None:
        out.line(not_delivered)


def _print_problems(out: _Printer, found: Sequence[Problem]) -> None:
    for problem in found[:MOST_PROBLEMS]:
        where = f" {problem.where}" if problem.where else ""
        title = f"{problem.outcome.upper()} {problem.asset} {problem.check}{where}"
        out.line(f"{title}: {problem.description}")
    if len(found) > MOST_PROBLEMS:
        out.line(f"and {len(found) - MOST_PROBLEMS} more: see `persona report --html`")


def _print_time(out: _Printer, report: Report) -> None:
    if report.run is None:
        return
    out.heading("Time")
    out.line(
        f"{duration(report.run.total)} in all, {duration(report.run.framework)} of it outside of "
        f"assets; {counted(len(report.run.seconds), 'asset')}, started {report.run.started}"
    )


def _print_places(out: _Printer, home: Path) -> None:
    """Where to look further; only what is there."""
    out.heading("Look further")
    places = {
        "plots": home / "plots",
        "HTML reports": home / "reports",
        "this report": home / "report.html",
    }
    for name, path in places.items():
        if path.exists():
            out.line(f"{name:<13}{path}", path=True)
    ours = home.absolute() == Path(DEFAULT_HOME).absolute()
    named = "" if ours else f"PERSONA_HOME={shlex.quote(str(home))} "
    out.line(f"{'the graph':<13}{'make ui' if ours else f'{named}persona ui'}", path=True)
    serve = "make serve" if ours else f"PERSONA_API_KEYS=off {named}persona serve"
    out.line(f"{'the service':<13}{serve}", path=True)
    out.line(f"{'a demo shop':<13}http://127.0.0.1:8000/demo, while the service runs", path=True)


def _row(grid: Grid, *cells: str) -> None:
    grid.add_row(*map(Text, cells))
