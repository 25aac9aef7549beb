"""Plots of the tables of group `monitoring`.

Belongs here: one function per table, from its rows to a figure. Does not belong here: the house
style (`persona_assets.plotting`) or any number that is not in the table.
"""

from typing import TYPE_CHECKING

import polars as pl

from persona_assets.plotting import MUTED, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DARKEST = 2.0
"""Ratio of score to threshold that gets the end of the colour scale: twice the threshold is as
alarming as anything, and one wild column must not bleach the others."""


def drift_figure(data_drift: pl.DataFrame) -> "Figure":
    """Columns × weeks: distance in units of its threshold; drifted cells are outlined.

    Args:
        data_drift: rows of monitoring/data_drift of one or more weeks.
    """
    from matplotlib.patches import Rectangle

    weeks = sorted(data_drift["cutoff"].unique().to_list())
    columns = data_drift["column"].unique(maintain_order=True).to_list()
    figure = new_figure(3.6 + 0.62 * len(weeks), 1.5 + 0.36 * len(columns))
    axes = figure.subplots()
    ratio = [[float("nan")] * len(weeks) for _ in columns]
    for row in data_drift.iter_rows(named=True):
        x, y = weeks.index(row["cutoff"]), columns.index(row["column"])
        ratio[y][x] = row["score"] / row["threshold"]
        readable = "white" if ratio[y][x] > 0.6 * DARKEST else "black"
        axes.text(x, y, f"{ratio[y][x]:.2f}", ha="center", va="center", color=readable, fontsize=8)
        if row["drifted"]:
            axes.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, fill=False, linewidth=1.5))
    image = axes.imshow(ratio, cmap="Reds", vmin=0, vmax=DARKEST, aspect="auto")
    axes.set_xticks(range(len(weeks)), [f"{week:%d %b %y}" for week in weeks], rotation=45)
    axes.set_yticks(range(len(columns)), columns)
    axes.set_xlabel("week from", color=MUTED)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("Data drift against the weeks before", loc="left", fontsize=10)
    figure.colorbar(image, ax=axes, label="distance ÷ threshold", extend="max")
    return figure
