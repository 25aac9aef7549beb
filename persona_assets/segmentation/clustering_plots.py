"""Plots of how good a segmentation is: the choice of k, migration between weeks, cleaning.

Belongs here: one function per table, from its rows to a figure. Does not belong here: what the
segments are like (`segment_plots.py`), the house style (`persona_assets.plotting`) or any number
that is not in the table.
"""

import textwrap
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from persona_assets.plotting import MUTED, colour, new_figure
from persona_assets.tables.segmentation import METHODS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = {
    "silhouette": "silhouette (higher is better)",
    "calinski_harabasz": "Calinski-Harabasz (higher is better)",
    "davies_bouldin": "Davies-Bouldin (lower is better)",
    "gap": "gap statistic (higher is better)",
    "stability": "stability: bootstrap Rand index (higher)",
}
METHOD_NAMES = {
    "k_means": "k-means",
    "gaussian_mixture": "Gaussian mixture",
    "hdbscan": "HDBSCAN",
}
_BANDS = {
    "stability": (pl.col("stability_low"), pl.col("stability_high")),
    "gap": (pl.col("gap") - pl.col("gap_se"), pl.col("gap") + pl.col("gap_se")),
}
_MARKERS = ("o", "s", "D")
NEW, GONE = "new customers", "no purchase in\n52 weeks"


def comparison_figure(clustering_comparison: pl.DataFrame) -> "Figure":
    """Every metric over the number of clusters, per method; the chosen one is ringed.

    Args:
        clustering_comparison: rows of `segmentation/clustering_comparison`; of several cut-offs the
            newest is shown.
    """
    rows = _newest(clustering_comparison)
    figure = new_figure(10.0, 5.2)
    panels = figure.subplots(2, 3).ravel()
    for axes, (metric, title) in zip(panels, METRICS.items(), strict=False):
        for place, method in enumerate(METHODS):
            of_method = rows.filter(method=method).drop_nulls(metric).sort("k")
            _metric_line(axes, of_method, metric, place)
        chosen = rows.filter("chosen").drop_nulls(metric)
        axes.plot(
            chosen["k"].to_list(), chosen[metric].to_list(), "o", markersize=13,
            markerfacecolor="none", markeredgecolor="black", markeredgewidth=1.4,
        )  # fmt: skip
        axes.set_title(title, fontsize=9.5, loc="left")
        axes.set_xticks(sorted(set(rows["k"])))
        axes.set_xlabel("clusters", fontsize=8.5)
        axes.margins(x=0.08, y=0.15)
        axes.tick_params(labelsize=8)
        _plain(axes)
    _method_legend(panels[-1], rows)
    return figure


def migration_figure(segment_migration: pl.DataFrame, names: Mapping[int, str]) -> "Figure":
    """From which segment to which customers went between the two newest cut-offs.

    Colour: share of those who were in the segment before; in the cells also their number. A row
    adds up to 100 %. Framed: stayed.

    Args:
        segment_migration: rows of `segmentation/segment_migration`; of several cut-offs the newest
            is shown.
        names: what each segment number is called; others appear as `segment 3`.
    """
    from matplotlib.patches import Rectangle

    rows = _newest(segment_migration)
    sources = sorted(set(rows["from_segment"]), key=_zero_last)
    targets = sorted(set(rows["to_segment"]), key=_zero_last)
    shares = np.full((len(sources), len(targets)), np.nan)
    figure = new_figure(2.6 + 1.15 * len(targets), 1.6 + 0.55 * len(sources))
    axes = figure.subplots()
    for row in rows.iter_rows(named=True):
        y, x = sources.index(row["from_segment"]), targets.index(row["to_segment"])
        shares[y, x] = row["share"]
        axes.text(
            *(x, y, f"{_percent(row['share'])}\n{row['customers']:,}"), ha="center", va="center",
            fontsize=8, color="white" if row["share"] > 0.6 else "black",
        )  # fmt: skip
        if row["from_segment"] == row["to_segment"]:
            axes.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, fill=False, linewidth=1.5))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(targets)), [_wrapped(each, names, GONE) for each in targets])
    axes.set_yticks(range(len(sources)), [_wrapped(each, names, NEW) for each in sources])
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0, labelsize=8)
    axes.spines[:].set_visible(False)
    days = rows.select("from_cutoff", "cutoff").row(0) if rows.height else ("", "")
    axes.set_ylabel(f"segment at {days[0]}", fontsize=9, color=MUTED)
    axes.set_xlabel(f"segment at {days[1]}", fontsize=9, color=MUTED)
    return figure


def cleaning_figure(cleaning_steps: pl.DataFrame) -> "Figure":
    """What each step leaves of rows and of customers, and what it takes away.

    Filled: what is left; light: what the step takes away; hatched: what it only marks.

    Args:
        cleaning_steps: rows of `segmentation/cleaning_steps`; of several cut-offs the newest is
            shown.
    """
    steps = _newest(cleaning_steps).sort("position")
    names = [name.replace("_", " ") for name in steps["step"]]
    figure = new_figure(10.0, 0.9 + 0.34 * len(names))
    rows, customers = figure.subplots(1, 2, sharey=True)
    taken, removes = steps["rows"].to_list(), steps["removes"].to_list()
    removed = [number * does for number, does in zip(taken, removes, strict=True)]
    marked = [number * (not does) for number, does in zip(taken, removes, strict=True)]
    left = steps["customers_left"].to_list()
    lost = [max(0, before - after) for before, after in pairwise(left[:1] + left)]
    _waterfall(rows, steps["rows_left"].to_list(), removed, marked, 0)
    _waterfall(customers, left, lost, [0] * len(names), 2)
    rows.set_title("rows left (taken away)", fontsize=10, loc="left")
    customers.set_title("customers left (lost)", fontsize=10, loc="left")
    rows.set_yticks(range(len(names)), names, fontsize=9)
    rows.invert_yaxis()
    return figure


def _waterfall(
    axes: "Axes", left: list[int], removed: list[int], marked: list[int], place: int
) -> None:
    lines = range(len(left))
    axes.barh(lines, left, color=colour(place), height=0.66)
    axes.barh(lines, removed, left=left, color=colour(place), alpha=0.3, height=0.66)
    # Marked rows are among those left: hatched at the bar's end.
    axes.barh(
        lines, marked, left=[a - b for a, b in zip(left, marked, strict=True)], color="none",
        edgecolor="white", hatch="////", linewidth=0, height=0.66,
    )  # fmt: skip
    for line, (rest, gone, only) in enumerate(zip(left, removed, marked, strict=True)):
        change = f"  (−{gone:,})" if gone else f"  ({only:,} marked)" if only else ""
        axes.text(rest + gone, line, f" {rest:,}{change}", va="center", fontsize=8.5)
    axes.set_xlim(0, 1.45 * max([1, *(a + b for a, b in zip(left, removed, strict=True))]))
    axes.set_xticks([])
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _metric_line(axes: "Axes", rows: pl.DataFrame, metric: str, place: int) -> None:
    if rows.is_empty():
        return
    k, values = rows["k"].to_list(), rows[metric].to_list()
    axes.plot(k, values, color=colour(place), marker=_MARKERS[place], markersize=4.5)
    if metric in _BANDS:
        low, high = (rows.select(end).to_series().to_list() for end in _BANDS[metric])
        axes.fill_between(k, low, high, color=colour(place), alpha=0.18, linewidth=0)


def _method_legend(axes: "Axes", rows: pl.DataFrame) -> None:
    from matplotlib.lines import Line2D

    axes.set_axis_off()
    handles = [
        Line2D([], [], color=colour(place), marker=_MARKERS[place], label=_method(rows, method))
        for place, method in enumerate(METHODS)
        if method in rows["method"]
    ]
    handles.append(
        Line2D(
            [], [], linestyle="none", marker="o", markersize=11, markerfacecolor="none",
            markeredgecolor="black", label="chosen: makes the segments",
        )
    )  # fmt: skip
    axes.legend(handles=handles, loc="center left", frameon=False, fontsize=9)
    axes.text(
        0.04, 0.1, "bands: 95 % interval of stability,\nsimulation error of the gap",
        transform=axes.transAxes, fontsize=8.5, color=MUTED,
    )  # fmt: skip


def _method(rows: pl.DataFrame, method: str) -> str:
    """Its name; of HDBSCAN, which finds k itself, also what it found."""
    found = rows.filter(method=method).row(0, named=True)
    if method != "hdbscan":
        return METHOD_NAMES[method]
    if not found["k"]:
        return "HDBSCAN: finds no clusters"
    return f"HDBSCAN: finds {found['k']}, {_percent(found['noise_share'])} in none"


def _plain(axes: "Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)


def _newest(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("cutoff") == pl.col("cutoff").max())


def _zero_last(number: int) -> tuple[bool, int]:
    """Segments by number; those without a segment after them."""
    return number == 0, number


def _percent(share: float) -> str:
    """Neither a few customers as "0 %" nor nearly all as "100 %"."""
    if 0 < share < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def _wrapped(number: int, names: Mapping[int, str], zero: str) -> str:
    name = names.get(number, f"segment {number}") if number else zero
    return name if "\n" in name else "\n".join(textwrap.wrap(name, 14))
