"""Plots of the tables of group `evaluation`.

Belongs here: one function per table, from its rows to a figure. Does not belong here: the house
style (`persona_assets.plotting`) or any number that is not in the table.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from persona_assets.evaluation.metrics import PRIMARY, PRIMARY_K
from persona_assets.evaluation.offline import BASELINE
from persona_assets.evaluation.oracle import ORACLE
from persona_assets.plotting import MUTED, PALETTE, colour, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = ("-", ":", "-.")
"""Tell models apart whose colour is the same, the palette having gone round."""

SHOWN_K = PRIMARY_K
"""A page of results: the length at which plots compare models."""

TITLES = {
    "ndcg": "nDCG",
    "recall": "Recall",
    "precision": "Precision",
    "map": "MAP",
    "mrr": "MRR",
    "hit_rate": "Hit rate",
    "catalog_coverage": "Catalogue coverage",
    "intra_list_diversity": "Diversity of categories",
    "embedding_diversity": "Diversity of embeddings",
    "novelty": "Novelty in bits",
    "average_popularity": "Average popularity",
    "serendipity": "Serendipity",
    "gini": "Gini of exposure",
}
"""How metrics are written in plots: six of accuracy, then those beyond it."""

_ACCURACY = tuple(TITLES)[:6]
_BEYOND = tuple(TITLES)[6:]
_PANELS_IN_A_ROW = 4


def comparison_figure(model_comparison: pl.DataFrame) -> "Figure":
    """Models side by side: six metrics at 10 with 95 % intervals, the oracle as a dashed line.

    Filled: told apart from popularity (or the model is the baseline); hollow: not.

    Args:
        model_comparison: rows of `evaluation/model_comparison`.
    """
    rows = model_comparison.filter(pl.col("k") == SHOWN_K)
    models = _by_ndcg(rows.filter(pl.col("model") != ORACLE))
    colours = _colours(rows["model"])
    figure = new_figure(9.0, 2.2 + 0.44 * len(models))
    panels = figure.subplots(2, 3, sharey=True).ravel()
    for axes, metric in zip(panels, _ACCURACY, strict=True):
        of_metric = {row["model"]: row for row in _rows(rows, metric)}
        for height, model in enumerate(models):
            row = of_metric[model]
            distinct = row["against_popularity"] != "not distinguishable"
            axes.errorbar(
                row["value"],
                height,
                # A percentile interval of a skewed metric may, rarely, miss its mean.
                xerr=[
                    [max(0.0, row["value"] - row["low"])],
                    [max(0.0, row["high"] - row["value"])],
                ],
                fmt="o",
                color=colours[model],
                markerfacecolor=colours[model] if distinct else "white",
                capsize=3,
            )
        if ORACLE in of_metric:
            axes.axvline(of_metric[ORACLE]["value"], color=MUTED, linestyle="--")
        _panel(axes, f"{TITLES[metric]}@{SHOWN_K}", models)
    _comparison_legend(figure, oracle=ORACLE in colours)
    return figure


def replay_figure(replay_validation: pl.DataFrame) -> "Figure":
    """nDCG@10 of every model over the evaluated cut-offs, with bands of the 95 % intervals.

    Args:
        replay_validation: rows of `evaluation/replay_validation`.
    """
    rows = replay_validation.filter(pl.col("metric") == PRIMARY, pl.col("k") == SHOWN_K)
    colours = _colours(rows["model"])
    cutoffs = rows["cutoff"].unique().sort().to_list()
    figure = new_figure(8.0, 2.4 + 0.2 * max(5, len(colours)))
    axes = figure.subplots()
    for model in reversed(_by_ndcg(rows)):
        of_model = rows.filter(pl.col("model") == model).sort("cutoff")
        days, value, low, high = (
            of_model[name].to_list() for name in ("cutoff", "value", "low", "high")
        )
        axes.plot(
            days,
            value,
            color=colours[model],
            linestyle="--"
            if model == ORACLE
            else _LINES[list(colours).index(model) // len(PALETTE) % len(_LINES)],
            # Markers carry the plot while there are few weeks, and clutter it later.
            marker="o" if len(cutoffs) <= 20 else None,
            label=model.replace("_", " "),
        )
        if len(cutoffs) > 1:
            axes.fill_between(days, low, high, color=colours[model], alpha=0.15, linewidth=0)
        else:
            axes.vlines(days, low, high, color=colours[model], linewidth=1.5)
    every = -(-len(cutoffs) // 7)  # seven ISO dates fit under the plot
    axes.set_xticks(cutoffs[::every], [day.isoformat() for day in cutoffs[::every]], fontsize=8)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("cut-off (Monday on which the evaluated week begins)", fontsize=9)
    axes.set_title(f"nDCG@{SHOWN_K} week by week", fontsize=11, loc="left")
    _plain(axes)
    figure.legend(loc="outside right center", frameon=False, fontsize=9)
    return figure


def beyond_accuracy_figure(recommendation_analysis: pl.DataFrame) -> "Figure":
    """What the lists of the newest cut-off's models do to the catalogue, at 10.

    Args:
        recommendation_analysis: rows of `evaluation/recommendation_analysis`.
    """
    rows = recommendation_analysis.filter(
        pl.col("k") == SHOWN_K, pl.col("cutoff") == pl.col("cutoff").max()
    )
    models = sorted(rows["model"].unique(), reverse=True)
    colours = _colours(rows["model"])
    lines = -(-len(_BEYOND) // _PANELS_IN_A_ROW)
    figure = new_figure(9.0, lines * (0.9 + 0.24 * len(models)))
    panels = figure.subplots(lines, _PANELS_IN_A_ROW, sharey=True).ravel()
    for axes in panels[len(_BEYOND) :]:
        axes.set_axis_off()
    for axes, metric in zip(panels, _BEYOND, strict=False):
        values = {row["model"]: row["value"] for row in _rows(rows, metric)}
        defined = [model for model in models if values[model] is not None]
        axes.barh(
            [models.index(model) for model in defined],
            [values[model] for model in defined],
            color=[colours[model] for model in defined],
            height=0.6,
        )
        if not defined:
            axes.text(0.5, 0.5, "not defined", transform=axes.transAxes, ha="center", color=MUTED)
        _panel(axes, TITLES[metric], models)
    return figure


def staleness_figure(staleness: pl.DataFrame) -> "Figure":
    """What nDCG@10 loses with the age of the training: mean change over the evaluated weeks.

    Bands are 95 % intervals: the mean of the weeks' ends, which holds however dependent weeks are.

    Args:
        staleness: rows of `evaluation/staleness`; none: an empty plot.
    """
    rows = staleness.filter(pl.col("metric") == PRIMARY, pl.col("k") == SHOWN_K)
    colours = _colours(rows["model"])
    figure = new_figure(8.0, 2.4 + 0.13 * len(colours))
    axes = figure.subplots()
    mean = (
        rows.sort("cutoff")
        .group_by("model", "age_weeks")
        .agg(pl.col("change", "change_low", "change_high").mean())
        .sort("model", "age_weeks")
    )
    for place, model in enumerate(colours):
        of_model = mean.filter(pl.col("model") == model)
        axes.plot(
            of_model["age_weeks"].to_list(),
            of_model["change"].to_list(),
            color=colours[model],
            linestyle=_LINES[place // len(PALETTE) % len(_LINES)],
            marker="o",
            label=model.replace("_", " "),
        )
        axes.fill_between(
            of_model["age_weeks"].to_list(),
            of_model["change_low"].to_list(),
            of_model["change_high"].to_list(),
            color=colours[model],
            alpha=0.08,
            linewidth=0,
        )
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xticks(sorted(set(rows["age_weeks"])))
    axes.set_xlabel("weeks from training to the end of the evaluated week", fontsize=9)
    axes.set_title(
        f"Change of nDCG@{SHOWN_K} with the age of the training", fontsize=11, loc="left"
    )
    _plain(axes)
    if colours:
        figure.legend(loc="outside right center", frameon=False, fontsize=9)
    return figure


def _panel(axes: "Axes", title: str, models: Sequence[str]) -> None:
    """A small panel with one model per line, from the bottom up."""
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_yticks(range(len(models)), [model.replace("_", " ") for model in models])
    axes.set_ylim(-0.6, len(models) - 0.4)
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(labelsize=9)
    _plain(axes)


def _plain(axes: "Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)


def _comparison_legend(figure: "Figure", *, oracle: bool) -> None:
    from matplotlib.lines import Line2D

    def dot(label: str, fill: str) -> Line2D:
        return Line2D(
            [], [], linestyle="none", marker="o", color=MUTED, markerfacecolor=fill, label=label
        )

    handles = [
        dot(f"differs from {BASELINE} (95 %)", fill=MUTED),
        dot("not distinguishable from it", fill="white"),
    ]
    if oracle:
        handles.append(
            Line2D([], [], color=MUTED, linestyle="--", label="oracle: the best possible lists")
        )
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)


def _rows(rows: pl.DataFrame, metric: str) -> list[dict]:
    return rows.filter(pl.col("metric") == metric).to_dicts()


def _by_ndcg(rows: pl.DataFrame) -> list[str]:
    """Models from the lowest to the highest mean nDCG, equal ones by name."""
    return (
        rows.filter(pl.col("metric") == PRIMARY)
        .group_by("model")
        .agg(pl.col("value").mean())
        .sort("value", "model")["model"]
        .to_list()
    )


def _colours(models: pl.Series) -> dict[str, str]:
    """A colour per model that stays when ranks change; grey for the oracle, which is no model."""
    rivals = sorted(set(models) - {ORACLE})
    return {model: colour(place) for place, model in enumerate(rivals)} | (
        {ORACLE: MUTED} if ORACLE in set(models) else {}
    )
