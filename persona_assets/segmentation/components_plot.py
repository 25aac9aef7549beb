"""Scatter plots of all customers, coloured by segment, in principal components.

Belongs here: scatter plots of principal components. Does not belong here: computing them
(`segmenting.py`) or what each segment is like (`segment_plots.py`).
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.plotting import new_figure
from persona_assets.segmentation.segment_plots import segment_colours, segment_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d.axes3d import Axes3D  # type: ignore[import-untyped]

SHOWN_POINTS = 1_200
"""Customers in the picture: more cover each other, and make the file large."""
_MARKERS = ("o", "s", "^", "D", "v", "P", "h", "*")
"""Tell segments apart for whom colour does not, and once the palette has gone round."""


def components_figure(segments: pl.DataFrame, *, seed: int = 0) -> "Figure":
    """Customers by their first two principal components and, where there are three, by these.

    Who is alike lies close together. At most `SHOWN_POINTS` customers, drawn at random, are shown.
    Crosses are unusual customers, who were assigned a segment but did not shape it; in three
    dimensions they are left out, because a few far ones would make all others tiny.

    Args:
        segments: rows of `segmentation/customer_segments` of one cut-off.
        seed: of the choice of customers.
    """
    shown = segments.sort("user_id")
    if shown.height > SHOWN_POINTS:
        shown = shown.sample(SHOWN_POINTS, seed=seed)
    points = _points(shown)
    figure = new_figure(9.6 if points.shape[1] > 2 else 6.0, 4.7)
    if points.shape[1] > 2:
        grid = figure.add_gridspec(1, 2, width_ratios=(1, 1))
        flat, solid = figure.add_subplot(grid[0]), figure.add_subplot(grid[1], projection="3d")
        usual = ~shown["outlier"].to_numpy()
        _in_space(
            solid, points[usual], shown["segment"].to_numpy()[usual], segment_colours(segments)
        )
    else:
        flat = figure.add_subplot()
    _in_plane(flat, points, shown, segments)
    legend = figure.legend(
        loc="outside lower center",
        ncols=4 if points.shape[1] > 2 else 2,
        frameon=False,
        fontsize=9,
        markerscale=1.8,
    )
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1)
    crosses = "; crosses: unusual ones" if shown["outlier"].any() else ""
    flat.set_title(
        f"{shown.height:,} of {segments.height:,} customers{crosses}", fontsize=9.5, loc="left"
    )
    return figure


def _in_plane(axes: "Axes", points: NDArray, shown: pl.DataFrame, segments: pl.DataFrame) -> None:
    of_segment, outlier = shown["segment"].to_numpy(), shown["outlier"].to_numpy()
    colours = segment_colours(segments)
    for place, (number, name) in enumerate(segment_names(segments).items()):
        usual, unusual = (points[(of_segment == number) & (outlier == is_)] for is_ in (0, 1))
        axes.scatter(
            usual[:, 0], usual[:, 1], s=9, alpha=0.6, linewidths=0, color=colours[number],
            marker=_marker(place), label=name,
        )  # fmt: skip
        axes.scatter(
            unusual[:, 0], unusual[:, 1], s=16, linewidths=0.8, color=colours[number], marker="x"
        )
    axes.set_xlabel("component 1", fontsize=9)
    axes.set_ylabel("component 2", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)


def _in_space(
    axes: "Axes3D", points: NDArray, of_segment: NDArray, colours: dict[int, str]
) -> None:
    for place, (number, hue) in enumerate(colours.items()):
        own = points[of_segment == number]
        axes.scatter(
            *own.T, s=8, alpha=0.6, linewidths=0, color=hue, marker=_marker(place), depthshade=False
        )
    for name, put in zip("123", (axes.set_xlabel, axes.set_ylabel, axes.set_zlabel), strict=True):
        put(f"component {name}", fontsize=8, labelpad=-6)
    axes.tick_params(labelsize=7, pad=-3)
    axes.set_box_aspect(None, zoom=0.9)
    axes.view_init(elev=22, azim=-55)


def _marker(place: int) -> str:
    return _MARKERS[place % len(_MARKERS)]


def _points(segments: pl.DataFrame) -> NDArray:
    """(n, 2 or 3) the first components; a second one that is not there is 0."""
    components = np.array(segments["components"].to_list(), dtype=np.float64)
    if components.ndim < 2:
        return np.zeros((segments.height, 2))
    if components.shape[1] == 1:
        return np.hstack([components, np.zeros_like(components)])
    return components[:, :3]
