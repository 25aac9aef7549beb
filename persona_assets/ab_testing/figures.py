"""Pictures of an experiment: effects with their intervals, and their course over days.

Belongs here: what is drawn. Does not belong here: the look of all plots (`plotting.py`), where they
stand (`report/experiment_page.py`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from persona_assets.ab_testing.analysis import Analysis
from persona_assets.ab_testing.comparisons import Compared
from persona_assets.ab_testing.declaration import Metric
from persona_assets.ab_testing.over_time import AtDay
from persona_assets.plotting import MUTED, colour, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_LABELS = 8


def lifts_figure(analysis: Analysis) -> "Figure | None":
    """Every arm's lift over control with its interval, in percent; None where none is bounded."""
    rows = [
        each
        for each in analysis.comparisons
        if each.against == analysis.evidence.control and _bounded(each)
    ]
    if not rows:
        return None
    figure = new_figure(7.0, 1.1 + 0.38 * len(rows))
    axes = figure.subplots()
    axes.axvline(0, color=MUTED, linewidth=1)
    for place, row in enumerate(reversed(rows)):
        lift = row.relative
        if lift is None:
            continue
        tint = colour(analysis.evidence.challengers.index(row.arm))
        axes.plot([100 * lift.low, 100 * lift.high], [place, place], color=tint, linewidth=2)
        axes.plot([100 * lift.lift], [place], "o", color=tint)
    axes.set_yticks(range(len(rows)), [f"{each.metric}: {each.arm}" for each in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel("% over control")
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def course_figure(course: Sequence[AtDay], metric: Metric) -> "Figure":
    """The effect at the end of each day, with the interval that may be looked at at any time."""
    figure = new_figure(7.0, 3.4)
    axes = figure.subplots()
    axes.axhline(0, color=MUTED, linewidth=1)
    times = 100 if metric.kind == "proportion" else 1
    days = list(dict.fromkeys(each.day for each in course))
    for number, arm in enumerate(dict.fromkeys(each.arm for each in course)):
        rows = [each for each in course if each.arm == arm]
        places = [days.index(each.day) for each in rows]
        tint = colour(number)
        axes.plot(places, [times * each.fixed.effect for each in rows], color=tint, label=arm)
        for kind, alpha in (("sequential", 0.13), ("fixed", 0.25)):
            ends = [getattr(each, kind) for each in rows]
            axes.fill_between(
                places,
                [times * each.low for each in ends],
                [times * each.high for each in ends],
                color=tint,
                alpha=alpha,
                linewidth=0,
            )
    # The first days know next to nothing, and would flatten all others.
    later = [each.sequential for each in course if days.index(each.day) >= len(days) // 5]
    if later and len(days) > 4:
        low, high = min(each.low for each in later), max(each.high for each in later)
        room = 0.1 * (high - low) or 1.0
        axes.set_ylim(times * (low - room), times * (high + room))
    step = max(1, len(days) // _MOST_LABELS)
    axes.set_xticks(range(0, len(days), step), days[::step], rotation=30, ha="right")
    axes.set_ylabel("effect, percentage points" if times == 100 else "effect")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def _bounded(row: Compared) -> bool:
    lift = row.relative
    return lift is not None and abs(lift.low) < 100 and abs(lift.high) < 100
