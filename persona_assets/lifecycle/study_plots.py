"""The plot of a study: parallel coordinates.

Belongs here: drawing rows of `models/tuning_trials`. Does not belong here: the house style
(`persona_assets.plotting`) or any number that is not in the table.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from persona_assets.lifecycle.study import best
from persona_assets.plotting import MUTED, colour, new_figure
from persona_assets.recommenders.protocol import Space

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORTH = "nDCG@10"
SPREAD = 0.05
"""Between the worst and the best line through the same value."""


def parallel_coordinates_figure(trials: pl.DataFrame, space: Space) -> "Figure":
    """One line per trial through its value of each field, ending at its nDCG@10.

    A field's values stand evenly, in their order as numbers where they are some. The darker a
    line, the better; the best trial is thick, the default dashed. Failed trials have no line.

    Args:
        trials: rows of one study.
        space: of the study's model.
    """
    rows = trials.filter(pl.col("error").is_null()).sort("ndcg", "trial")
    axis_values = {name: _ordered(values) for name, values in space.items()}
    default = _default(trials)
    figure = new_figure(max(7.0, 1.25 * (len(space) + 2)), 4.6)
    axes = figure.subplots()
    low, high = float(rows["ndcg"].min() or 0), float(rows["ndcg"].max() or 0)  # type: ignore[arg-type]
    width = (high - low) or 1.0
    chosen = best(trials)["trial"]
    for row in rows.iter_rows(named=True):
        changes = {**default, **json.loads(row["changes"])}
        worth = (row["ndcg"] - low) / width
        # A little higher the better, or lines that share values would hide each other.
        heights = [
            _height(values, changes.get(name)) + SPREAD * worth
            for name, values in axis_values.items()
        ]
        is_best, is_default = row["trial"] == chosen, row["trial"] == 0
        axes.plot(
            range(len(heights) + 1),
            [*heights, worth],
            color=colour(1) if is_best else "black" if is_default else colour(0),
            alpha=1.0 if is_best or is_default else 0.12 + 0.5 * worth,
            linewidth=2.6 if is_best else 1.2,
            linestyle="--" if is_default else "-",
            zorder=3 if is_best or is_default else 2,
        )
    _draw_axes(axes, axis_values, low=low, high=high)
    _legend(figure)
    axes.set_title(
        f"{trials['study'][0]}: {rows.height} trials by {trials['sampler'][0]}", loc="left"
    )
    return figure


def _default(trials: pl.DataFrame) -> Mapping[str, Any]:
    """Fields of the default configuration, which is trial 0."""
    values: Mapping[str, Any] = json.loads(trials.filter(pl.col("trial") == 0)["parameters"].item())
    return values


def _ordered(values: tuple[Any, ...]) -> list[Any]:
    """Values as JSON gives them back, numbers by size."""
    plain = json.loads(json.dumps(list(values), default=str))
    numbers = all(isinstance(value, int | float) for value in plain)
    return sorted(plain) if numbers else plain


def _height(values: list[Any], value: Any) -> float:  # noqa: ANN401 - values of any field
    return values.index(value) / max(1, len(values) - 1)


def _draw_axes(
    axes: "Axes", axis_values: Mapping[str, list[Any]], *, low: float, high: float
) -> None:
    for place, values in enumerate(axis_values.values()):
        axes.axvline(place, color=MUTED, linewidth=0.8, zorder=1)
        for value in values:
            axes.annotate(
                str(value), (place, _height(values, value)), xytext=(4, 2),
                textcoords="offset points", fontsize=8, zorder=4,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
            )  # fmt: skip
    last = len(axis_values)
    axes.axvline(last, color=MUTED, linewidth=0.8, zorder=1)
    for height, value in ((0.0, low), (1.0, high)):
        axes.annotate(
            f"{value:.4f}", (last, height), xytext=(4, 2), textcoords="offset points", fontsize=8
        )
    names = [name.replace("_", "\n") for name in axis_values]
    axes.set_xticks(range(last + 1), [*names, WORTH], fontsize=8)
    axes.set_xlim(-0.1, last + 0.5)
    axes.set_yticks([])
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)


def _legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour(1), linewidth=2.6, label="best"),
        Line2D([], [], color="black", linestyle="--", label="default"),
        Line2D([], [], color=colour(0), label="other trials, darker: better"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
