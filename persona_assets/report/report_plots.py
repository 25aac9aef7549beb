"""Plots that only the report has: rejected rows and seconds.

Belongs here: figures of what no table holds as such. Does not belong here: plots of tables, which
stand beside the code that makes the tables.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from persona_assets.notation import count, duration, share
from persona_assets.plotting import MUTED, colour, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ASSETS = 15
"""Bars of the slowest assets; the rest, seldom worth a look, share one."""
_FRAMEWORK = "outside of assets"


def rejected_figure(by_reason: Mapping[str, int]) -> "Figure":
    """Quarantined rows per reason, the most frequent on top.

    Args:
        by_reason: rows per rule, in descending order.
    """
    total = sum(by_reason.values())
    return _bars(
        [reason.replace("_", " ") for reason in by_reason],
        list(by_reason.values()),
        [f"{count(rows)}  ({share(rows, total)})" for rows in by_reason.values()],
        [colour(1)] * len(by_reason),
    )


def seconds_figure(seconds: Mapping[str, float], framework: float) -> "Figure":
    """Seconds of the slowest assets, of all others together, and outside of assets.

    Args:
        seconds: per asset path.
        framework: wall time that no asset accounts for.
    """
    ranked = sorted(seconds.items(), key=lambda each: (-each[1], each[0]))
    bars = dict(ranked[:MOST_ASSETS])
    own = len(bars)
    if others := ranked[MOST_ASSETS:]:
        bars[f"{len(others)} others"] = sum(value for _, value in others)
    bars[_FRAMEWORK] = framework
    return _bars(
        list(bars),
        list(bars.values()),
        [duration(value) for value in bars.values()],
        [colour(0)] * own + [MUTED] * (len(bars) - own),
    )


def _bars(
    names: Sequence[str], values: Sequence[float], labels: Sequence[str], colours: Sequence[str]
) -> "Figure":
    """Horizontal bars from the top down, each with its label at its end."""
    figure = new_figure(8.6, 0.4 + 0.28 * len(names))
    axes = figure.subplots()
    bars = axes.barh(range(len(names)), values, color=colours, height=0.68)
    axes.bar_label(bars, labels, padding=4, fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.invert_yaxis()
    axes.margins(x=0.16, y=0.01)  # room for the labels
    axes.set_xticks([])  # every bar is labelled
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure
