"""The report on somebody's A/B test as ONE self-contained page: `write_experiment_page`.

Belongs here: its chapters, and what its head says. Does not belong here: how numbers are written
(`ab_testing/wording.py`), what every page has (`page.py`).
"""

from pathlib import Path

from persona_assets.ab_testing import wording
from persona_assets.ab_testing.analysis import Analysis
from persona_assets.ab_testing.comparisons import Compared
from persona_assets.ab_testing.declaration import Metric
from persona_assets.ab_testing.figures import course_figure, lifts_figure
from persona_assets.notation import count, p_value
from persona_assets.report.content import (
    Cell,
    Content,
    Paragraph,
    Section,
    Table,
    Tile,
    Value,
    picture,
)
from persona_assets.report.page import Page, write_page

_DECISIONS = {
    "ship": ("Ship", "good"),
    "keep": ("Keep control", "warn"),
    "go_on": ("Go on", "warn"),
    "invalid": ("Invalid", "bad"),
}


def write_experiment_page(analysis: Analysis, path: Path) -> None:
    """Write the page to `path`, whole or not at all; folders are made.

    Raises:
        UserError: `path` cannot be written.
    """
    write_page(experiment_page(analysis), path)


def experiment_page(analysis: Analysis) -> Page:
    """What the page says."""
    chapters = [
        Section(anchor, title, body)
        for anchor, title, body in (
            ("results", "Results", _results(analysis)),
            ("assignment", "Who was in which arm", _assignment(analysis)),
            ("course", "From day to day", _course(analysis)),
            ("before", "What was before", _before(analysis)),
            ("segments", "Segments", _segments(analysis)),
            ("quantiles", "Quantiles", _quantiles(analysis)),
            ("bayesian", "As probabilities", _bayesian(analysis)),
            ("notes", "Notes", _notes(analysis)),
        )
        if body
    ]
    title = f"Experiment: {analysis.declaration.name}"
    return Page(
        title=title,
        heading=title,
        outcome=analysis.verdict.sentence,
        about=wording.looks_of(analysis),
        tiles=_tiles(analysis),
        chapters=chapters,
    )


def _tiles(analysis: Analysis) -> list[Tile]:
    said, kind = _DECISIONS[analysis.verdict.decision]
    units = sum(analysis.assignment.units.values())
    return [
        Tile("Decision", said, analysis.verdict.arm or "", kind),
        Tile("Units", count(units), f"in {len(analysis.evidence.arms)} arms"),
        Tile(
            "Sizes of arms",
            f"p {_said(analysis.assignment.p_value)}",
            "below 0.001 nothing can be read",
            "bad" if analysis.verdict.decision == "invalid" else "good",
        ),
    ]


def _results(analysis: Analysis) -> list[Content]:
    body: list[Content] = []
    if (figure := lifts_figure(analysis)) is not None:
        body.append(picture(figure, "Lift of every arm over control with its interval"))
    for metric in analysis.declaration.metrics:
        rows = [each for each in analysis.comparisons if each.metric == metric.name]
        if not rows:
            continue
        less = ", less is better" if metric.direction == "decrease" else ""
        body += [
            Paragraph(f"{metric.name} ({metric.kind}, {metric.role}{less})", "finding"),
            Table(
                ("arm", "effect", "shows", "lift", "value", "p", "could see"),
                [_row(metric, row) for row in rows],
            ),
            Paragraph(f"{rows[0].method}; {_corrected(rows[0])}.", "note"),
        ]
    return body


def _row(metric: Metric, row: Compared) -> list[Cell]:
    shown = row.comparison
    lift, _, interval = wording.lift_of(row).partition(" [")
    return [
        _two(row.arm, f"over {row.against}"),
        _two(
            wording.effect_of(metric, shown.effect),
            wording.interval_of(metric, shown.low, shown.high),
        ),
        wording.finding_of(metric, row),
        _two(lift, f"[{interval}" if interval else ""),
        _two(
            wording.value_of(metric, shown.value),
            f"over {wording.value_of(metric, shown.control_value)}",
        ),
        wording.p_of(row),
        wording.detectable_of(metric, row),
    ]


def _corrected(row: Compared) -> str:
    return f"p corrected by {row.correction}" if row.correction else "judged by its interval"


def _two(first: str, second: str) -> Value:
    """A cell of two lines."""
    return Value(first, small=[second] if second else [])


def _assignment(analysis: Analysis) -> list[Content]:
    check = analysis.assignment
    body: list[Content] = [
        Table(
            ("arm", "units", "expected"),
            [
                [arm, count(size), count(round(check.expected[arm]))]
                for arm, size in check.units.items()
            ],
        ),
        Paragraph(
            f"p {_said(check.p_value)} for one look (Pearson's χ²), "
            f"p {_said(check.sequential_p_value)} for any number of looks (Lindon and Malek 2022)."
        ),
    ]
    if check.segment_values:
        body.append(
            Paragraph(
                f"Within {check.segment_values} values of segments, {len(check.segments)} have "
                "sizes that are not as planned."
            )
        )
    return [*body, *map(Paragraph, wording.mismatches_of(analysis))]


def _course(analysis: Analysis) -> list[Content]:
    if len({each.day for each in analysis.course}) < 2:
        return []
    metric = analysis.declaration.primary
    body: list[Content] = [
        Paragraph(
            f"{metric.name} over control with all that was known at the end of each day. Dark: the "
            "interval for one look; light: for any number of them (Waudby-Smith et al. 2024, "
            "eq. 9)."
        ),
        picture(course_figure(analysis.course, metric), "Effect by day with its intervals"),
    ]
    return [*body, *(Paragraph(wording.novelty_of(metric, each)) for each in analysis.novelty)]


def _before(analysis: Analysis) -> list[Content]:
    body: list[Content] = []
    for period in analysis.pre_periods:
        body += [
            Paragraph(f"{wording.adjustment_of(period)}."),
            Table(
                ("check", "outcome", "what it found"),
                [[check.name, check.outcome, check.text] for check in period.checks],
                left=3,
            ),
        ]
    return body


def _segments(analysis: Analysis) -> list[Content]:
    if not analysis.segments:
        return []
    metric = analysis.declaration.primary
    rows: list[list[Cell]] = [
        [
            f"{each.column} = {each.value}",
            each.arm,
            count(each.units + each.control_units),
            _two(
                wording.effect_of(metric, each.comparison.effect),
                wording.interval_of(metric, each.comparison.low, each.comparison.high),
            ),
            p_value(each.adjusted_p_value),
        ]
        for each in analysis.segments
    ]
    return [
        Paragraph(
            f"{metric.name} over control. Segments decide nothing; p is corrected for all of them "
            "(Benjamini and Hochberg)."
        ),
        Table(("segment", "arm", "units", "effect", "p"), rows, left=2),
        *(Paragraph(wording.heterogeneity_of(each), "note") for each in analysis.heterogeneity),
    ]


def _quantiles(analysis: Analysis) -> list[Content]:
    rows: list[list[Cell]] = [
        [
            f"{each.metric}, {each.level:g}",
            each.arm,
            *wording.quantile_of(each),
        ]
        for each in analysis.quantiles
    ]
    if not rows:
        return []
    return [Table(("quantile", "arm", "control", "value", "effect"), rows, left=2)]


def _bayesian(analysis: Analysis) -> list[Content]:
    prior = analysis.declaration.plan.prior_deviation
    rows: list[list[Cell]] = [
        [f"{row.metric}: {row.arm}", *wording.posterior_of(metric, row)]
        for metric in analysis.declaration.metrics
        for row in analysis.comparisons
        if row.metric == metric.name and row.against == analysis.evidence.control
    ]
    return [
        Paragraph(
            "Before the data, lifts are taken to be normal around 0 % with a standard deviation "
            f"of {100 * prior:g} % (the plan's prior_deviation). Of the verdict this is no part."
        ),
        Table(("arm", "a gain", "95 % credible", "loss if shipped", "loss if kept"), rows),
    ]


def _notes(analysis: Analysis) -> list[Content]:
    left_out = [f"{name}: {why}." for name, why in analysis.evidence.left_out.items()]
    return [Paragraph(text) for text in (*left_out, *analysis.evidence.notes)]


def _said(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"
