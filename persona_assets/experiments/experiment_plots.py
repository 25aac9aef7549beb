"""Plots of the tables of group `experiments`.

Belongs here: one function per table, from its rows to a figure. Does not belong here: the house
style (`persona_assets.plotting`) or any number that is not in the table.
"""

from typing import TYPE_CHECKING

import polars as pl

from persona_assets.experiments.analysis import TESTS, against_control
from persona_assets.plotting import MUTED, colour, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {
    "ctr": "Click-through rate",
    "conversion": "Conversion",
    "revenue_per_user": "Revenue per user",
}
_SHOWN = ("gain", "loss", "kept", "harmed")


def ab_test_figure(ab_test_results: pl.DataFrame) -> "Figure":
    """Effects relative to control with 95 % intervals, a panel per known metric; verdict on top.

    Filled: the comparison shows something (a gain or a loss after Holm's correction, a guardrail
    kept or harmed); hollow: it does not. A bar marks the true effect where it is known, a dotted
    line a guardrail's margin. Where control's value is 0 there is no relative effect and the
    panel's axis is absolute.

    Args:
        ab_test_results: rows of experiments/ab_test_results.
    """
    shown = against_control(ab_test_results)
    arms = shown["arm"].unique(maintain_order=True).to_list()
    figure = new_figure(9.0, 1.9 + 0.5 * len(arms))
    metrics = [metric for metric in TESTS if metric in shown["metric"]]
    panels = figure.subplots(1, len(metrics), sharey=True)
    for axes, metric in zip(panels, metrics, strict=True):
        rows = shown.filter(pl.col("metric") == metric)
        relative = rows["control_value"][0] > 0
        for row in rows.iter_rows(named=True):
            unit = row["control_value"] / 100 if relative else 1.0
            effect, height = row["effect"] / unit, arms.index(row["arm"])
            unbounded = row["low"] is None
            axes.errorbar(
                effect,
                height,
                xerr=None
                if unbounded
                else [[effect - row["low"] / unit], [row["high"] / unit - effect]],
                fmt="o",
                color=colour(height + 1),
                markerfacecolor=colour(height + 1) if row["finding"] in _SHOWN else "white",
                capsize=3,
            )
            if row["true_effect"] is not None:
                axes.plot(
                    row["true_effect"] / unit, height, marker="|", color="black", markersize=14
                )
            if row["margin"]:
                axes.axvline(-row["margin"] / unit, color=MUTED, linewidth=1, linestyle=":")
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_title(TITLES[metric], fontsize=10, loc="left")
        axes.set_xlabel("% over control" if relative else "over control", fontsize=9)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    models = dict(shown.select("arm", "model").unique().iter_rows())
    panels[0].set_yticks(range(len(arms)), [f"{arm} ({models[arm]})" for arm in arms])
    panels[0].set_ylim(len(arms) - 0.5, -0.5)
    figure.suptitle(ab_test_results["verdict"][0], fontsize=10, x=0.01, ha="left", wrap=True)
    return figure
