"""An analysis on the terminal.

Belongs here: the order of its lines and tables. Does not belong here: how numbers are written
(`wording.py`).
"""

from rich.console import Console
from rich.table import Table

from persona_assets.ab_testing import wording
from persona_assets.ab_testing.analysis import Analysis
from persona_assets.ab_testing.comparisons import Compared
from persona_assets.ab_testing.declaration import Metric
from persona_assets.experiments.verdict import SIGNIFICANT


def show(analysis: Analysis, out: Console) -> None:
    """Print the verdict, its numbers and its checks."""
    say(out, analysis.verdict.sentence)
    say(out, "")
    say(out, wording.looks_of(analysis))
    say(out, wording.assignment_of(analysis))
    for metric in analysis.declaration.metrics:
        rows = [each for each in analysis.comparisons if each.metric == metric.name]
        if rows:
            _metric(metric, rows, out)
    _further(analysis, out)
    for name, reason in analysis.evidence.left_out.items():
        say(out, f"{name} is left out: {reason}.")
    for note in analysis.evidence.notes:
        say(out, f"note: {note}")


def _further(analysis: Analysis, out: Console) -> None:
    """What decides nothing and explains."""
    metric = analysis.declaration.primary
    for mismatch in wording.mismatches_of(analysis):
        say(out, mismatch)
    for period in analysis.pre_periods:
        say(out, f"\nPre-period: {wording.pre_period_of(period)}")
    found = [each for each in analysis.segments if each.adjusted_p_value < SIGNIFICANT]
    if analysis.segments:
        say(
            out,
            f"\n{metric.name} within {len(analysis.segments)} segments: {len(found)} with an "
            "effect (false discovery rate 5 %)",
        )
    for each in found:
        shown = each.comparison
        say(
            out,
            f"  {each.column} = {each.value}, {each.arm}: "
            f"{wording.effect_of(metric, shown.effect)} "
            f"{wording.interval_of(metric, shown.low, shown.high)}",
        )
    for row in analysis.heterogeneity:
        say(out, f"  {wording.heterogeneity_of(row)}")
    for quantile in analysis.quantiles:
        control, value, effect = wording.quantile_of(quantile)
        say(
            out,
            f"{quantile.metric}, quantile {quantile.level:g}, {quantile.arm}: {effect} "
            f"({value}, control {control})",
        )
    for late in analysis.novelty:
        say(out, f"Over days, {wording.novelty_of(metric, late)}")


def say(out: Console, text: str) -> None:
    """Print a text as it is."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def _metric(metric: Metric, rows: list[Compared], out: Console) -> None:
    lower = ", less is better" if metric.direction == "decrease" else ""
    say(out, f"\n{metric.name} ({metric.kind}, {metric.role}{lower}); {rows[0].method}")
    grid = Table(box=None, pad_edge=False)
    for name in ("arm", "value", "against", "effect", "lift", "p", "shows"):
        grid.add_column(name, justify="left" if name in ("arm", "shows") else "right")
    for row in rows:
        shown = row.comparison
        grid.add_row(
            row.arm,
            wording.value_of(metric, shown.value),
            f"{row.against} {wording.value_of(metric, shown.control_value)}",
            f"{wording.effect_of(metric, shown.effect)}\n"
            f"{wording.interval_of(metric, shown.low, shown.high)}",
            wording.lift_of(row).replace(" [", "\n["),
            wording.p_of(row),
            wording.finding_of(metric, row),
        )
    out.print(grid, markup=False, highlight=False)
