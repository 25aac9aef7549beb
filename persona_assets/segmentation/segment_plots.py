"""Plots of the segments for marketers: what each is like.

Belongs here: radar and histograms, and the colours of segments. Does not belong here: the picture
of all customers (`components_plot.py`), how good a segmentation is (`clustering_plots.py`) or the
house style (`persona_assets.plotting`).
"""

import textwrap
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.plotting import MUTED, colour, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class _Axis(NamedTuple):
    """A feature as marketers read it; `reverse`: the smaller, the further out."""

    feature: str
    label: str
    reverse: bool = False
    logarithmic: bool = False


RADAR = (
    _Axis("recency_days", "bought\nrecently", reverse=True),
    _Axis("orders", "orders"),
    _Axis("gross_spend", "spend"),
    _Axis("average_order_value", "order size"),
    _Axis("products", "range"),
    _Axis("return_rate", "returns"),
    _Axis("tenure_days", "known for\nlong"),
)
HISTOGRAMS = (
    _Axis("recency_days", "days since last purchase"),
    _Axis("orders", "orders", logarithmic=True),
    _Axis("gross_spend", "spend", logarithmic=True),
    _Axis("average_order_value", "spend per order", logarithmic=True),
    _Axis("days_between_orders", "days between orders", logarithmic=True),
)
DRAWN = tuple(dict.fromkeys(axis.feature for axis in RADAR + HISTOGRAMS))
"""Columns of `segmentation/customer_features` that the plots need besides `user_id`."""
BINS = 20
_MOST_IN_A_ROW = 3
_ALL_CUSTOMERS = "#444444"


def radar_figure(
    customers: pl.DataFrame, segments: pl.DataFrame, profiles: pl.DataFrame
) -> "Figure":
    """One radar per segment with its name, its size and what to do; most revenue first.

    Every axis is the percentile rank of the segment's median among all segmented customers, so that
    days, orders and money compare: the dashed line is the customer in the middle, further out is
    more.

    Args:
        customers: rows of `segmentation/customer_features`.
        segments: rows of `segmentation/customer_segments` of the same cut-off.
        profiles: rows of `segmentation/segment_profiles` of it.
    """
    ranked = profiles.sort("revenue", "segment", descending=[True, False]).to_dicts()
    ranks = median_ranks(customers, segments)
    colours = segment_colours(segments)
    in_a_row = min(_MOST_IN_A_ROW, max(1, len(ranked)))
    lines = max(1, -(-len(ranked) // in_a_row))
    figure = new_figure(3.15 * in_a_row, 3.4 * lines)
    panels = figure.subplots(
        lines, in_a_row, subplot_kw={"projection": "polar"}, squeeze=False
    ).ravel()
    for axes in panels[len(ranked) :]:
        axes.set_axis_off()
    for axes, profile in zip(panels, ranked, strict=False):
        hue = colours[profile["segment"]]
        _radar(axes, ranks[profile["segment"]], hue)
        heading = {"transform": axes.transAxes, "ha": "center", "va": "bottom"}
        axes.text(0.5, 1.33, profile["name"], fontsize=11, fontweight="bold", color=hue, **heading)
        axes.text(0.5, 1.22, _size(profile), fontsize=8.5, color=_ALL_CUSTOMERS, **heading)
        # The empty last line keeps the next row of radars away.
        action = "\n".join(textwrap.wrap(profile["action"], 46))
        axes.set_xlabel(f"{action}\n", fontsize=8.5, labelpad=8)
    return figure


def histograms_figure(customers: pl.DataFrame, segments: pl.DataFrame) -> "Figure":
    """How each feature is spread within each segment (filled) and over all customers (line).

    The number above a panel is the segment's median. Customers without a value are left out; the
    outermost bins hold what lies beyond them.

    Args:
        customers: rows of `segmentation/customer_features`.
        segments: rows of `segmentation/customer_segments` of the same cut-off.
    """
    members = segments.join(customers, on="user_id", maintain_order="left")
    names, colours = segment_names(segments), segment_colours(segments)
    lines = max(1, len(names))
    height = 1.0 + 1.05 * lines
    figure = new_figure(10.0, height)
    # Laid out by hand: the solver takes seconds for this many panels, which are all alike.
    figure.set_layout_engine(None)
    figure.subplots_adjust(
        left=0.105,
        right=0.985,
        top=1 - 0.45 / height,
        bottom=0.55 / height,
        hspace=0.45,
        wspace=0.06,
    )
    panels = figure.subplots(lines, len(HISTOGRAMS), squeeze=False, sharex="col")
    for column, axis in enumerate(HISTOGRAMS):
        everybody = _known(members, axis.feature)
        edges = _edges(everybody, logarithmic=axis.logarithmic)
        panels[0, column].set_title(axis.label, fontsize=9, pad=18)
        for line, number in enumerate(names):
            axes = panels[line, column]
            own = _known(members.filter(segment=number), axis.feature)
            _histogram(axes, own, everybody, edges, colours[number])
            if not everybody.size:
                axes.set_xticks([])
                axes.set_xlabel("not known", fontsize=8, color=MUTED)
            elif axis.logarithmic:
                _logarithmic(axes)
    for line, (number, name) in enumerate(names.items()):
        panels[line, 0].set_ylabel(
            "\n".join(textwrap.wrap(name, 12)), fontsize=9, rotation=0, ha="right", va="center",
            color=colours[number], fontweight="bold",
        )  # fmt: skip
    figure.supxlabel(
        "filled: customers of the segment; line: all customers; number: the segment's median",
        fontsize=8.5, color=MUTED, y=0.1 / height,
    )  # fmt: skip
    return figure


def segment_names(segments: pl.DataFrame) -> dict[int, str]:
    """Number → name of the segments there are, in order of their numbers."""
    return dict(segments.select("segment", "name").unique().sort("segment").iter_rows())


def segment_colours(segments: pl.DataFrame) -> dict[int, str]:
    """Number → colour, the same in every plot of a cut-off."""
    return {number: colour(place) for place, number in enumerate(segment_names(segments))}


def median_ranks(customers: pl.DataFrame, segments: pl.DataFrame) -> dict[int, list[float]]:
    """Per segment, for each axis of `RADAR`: percentile rank of its median, from 0 to 100.

    That is the share of segmented customers below it and half of those equal to it; of reversed
    axes, 100 minus that. An axis on which nobody in the segment has a value is 0.
    """
    members = segments.join(customers, on="user_id", maintain_order="left")
    ranks: dict[int, list[float]] = {number: [] for number in segment_names(segments)}
    for axis in RADAR:
        everybody = np.sort(_known(members, axis.feature))
        for number, of_segment in ranks.items():
            own = _known(members.filter(segment=number), axis.feature)
            if own.size:
                median = np.median(own)
                below = np.searchsorted(everybody, median, "left")
                up_to = np.searchsorted(everybody, median, "right")
                rank = 50 * (below + up_to) / everybody.size
                of_segment.append(float(100 - rank if axis.reverse else rank))
            else:
                of_segment.append(0.0)
    return ranks


def _known(members: pl.DataFrame, feature: str) -> NDArray:
    return members[feature].drop_nulls().cast(pl.Float64).to_numpy()


def _radar(axes: "Axes", values: list[float], hue: str) -> None:
    around = np.linspace(0, 2 * np.pi, len(RADAR), endpoint=False)
    closed = [*around, around[0]]
    axes.plot(closed, [50] * len(closed), color=MUTED, linewidth=1, linestyle="--")
    axes.plot(closed, [*values, values[0]], color=hue, linewidth=1.8)
    axes.fill(closed, [*values, values[0]], color=hue, alpha=0.22, linewidth=0)
    axes.set_theta_offset(np.pi / 2)  # type: ignore[attr-defined]
    axes.set_theta_direction(-1)  # type: ignore[attr-defined]
    axes.set_ylim(0, 100)
    axes.set_yticks([])
    axes.set_xticks(around, [axis.label for axis in RADAR], fontsize=8)
    axes.tick_params(axis="x", pad=5)
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.spines["polar"].set_color("#dddddd")


def _size(profile: dict) -> str:
    customers = f"{100 * profile['customer_share']:.0f} % of customers"
    if profile["revenue_share"] is None:
        return customers
    return f"{customers}, {100 * profile['revenue_share']:.0f} % of revenue"


def _edges(values: NDArray, *, logarithmic: bool) -> NDArray:
    """Edges of the bins; beyond them lies at most half a percent on either side."""
    if not values.size:
        return np.linspace(1, 2, BINS + 1)
    low, high = np.quantile(values, (0.005, 0.995))
    if not logarithmic:
        return np.linspace(min(low, 0.0), max(high, low + 1), BINS + 1)
    low = max(low, 0.5)
    return np.geomspace(low, max(high, 2 * low), BINS + 1)


def _histogram(axes: "Axes", own: NDArray, everybody: NDArray, edges: NDArray, hue: str) -> None:
    own_share, share = (
        np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / max(1, values.size)
        for values in (own, everybody)
    )
    axes.stairs(own_share, edges, fill=True, color=hue, alpha=0.75)
    axes.stairs(share, edges, color=_ALL_CUSTOMERS, linewidth=0.8)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, max([*own_share, *share, 0.01]))
    if own.size:
        median = float(np.median(own))
        axes.annotate(
            f"{median:,.0f}" if median >= 10 else f"{round(median, 1):g}",
            (float(np.clip(median, edges[0], edges[-1])), 1.0),
            xycoords=axes.get_xaxis_transform(), xytext=(0, 7), textcoords="offset points",
            ha="center", fontsize=8, color=hue, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": hue, "linewidth": 1.5, "shrinkA": 0},
        )  # fmt: skip
    axes.set_yticks([])
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _logarithmic(axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(10, numticks=4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
