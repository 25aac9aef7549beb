from datetime import date, timedelta

import polars as pl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from persona_assets.evaluation.comparison import model_comparison, replay_validation
from persona_assets.evaluation.evaluation_plots import (
    beyond_accuracy_figure,
    comparison_figure,
    replay_figure,
    staleness_figure,
)
from persona_assets.evaluation.metrics import KS, NAMES
from persona_assets.plotting import png
from persona_assets.tables.evaluation import OFFLINE_METRICS, RECOMMENDATION_ANALYSIS, STALENESS

RIVALS = ("popularity", "item_knn", "als", "bpr")
MANY = (*RIVALS, *(f"model_number_{place:02d}" for place in range(10)))


def evaluated(weeks, models):
    return pl.DataFrame(
        [
            (
                date(2024, 3, 4) + timedelta(weeks=week),
                *(model, metric, k),
                *(place / 10, place / 10 - 0.04, place / 10 + 0.05),
                *((place - 1) / 10, (place - 1.5) / 10, (place - 0.5) / 10),
                *(0.0001 if place > 1 else 1.0, 100),
            )
            for week in range(weeks)
            for place, model in enumerate(models, start=1)
            for metric in NAMES
            for k in KS
        ],
        schema=OFFLINE_METRICS.polars_schema,
        orient="row",
    )


def described(models, diversity=0.5):
    return pl.DataFrame(
        [
            (
                date(2024, 3, 4),
                model,
                metric,
                k,
                diversity if metric == "intra_list_diversity" else 0.3,
            )
            for model in models
            for metric in RECOMMENDATION_ANALYSIS.column("metric").allowed
            for k in KS
        ],
        schema=RECOMMENDATION_ANALYSIS.polars_schema,
        orient="row",
    )


def assert_readable(figure):
    """No text leaves the figure, and no two tick labels of an axis cover each other."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    edge = figure.bbox
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            first, last = sorted(axis.get_view_interval())
            boxes = [
                tick.label1.get_window_extent(renderer)
                for tick in axis.get_major_ticks()
                if tick.label1.get_visible()
                and tick.label1.get_text()
                and first <= tick.get_loc() <= last
            ]
            for number, box in enumerate(boxes):
                assert edge.x0 <= box.x0 <= box.x1 <= edge.x1
                assert edge.y0 <= box.y0 <= box.y1 <= edge.y1
                assert not any(box.overlaps(other) for other in boxes[number + 1 :])
    for legend in figure.legends:
        box = legend.get_window_extent(renderer)
        assert edge.x0 <= box.x0 <= box.x1 <= edge.x1
        assert not any(box.overlaps(axes.get_window_extent(renderer)) for axes in figure.axes)


@pytest.mark.parametrize("weeks", [1, 2, 8, 50])
def test_replay_is_readable_with_any_number_of_weeks(weeks):
    figure = replay_figure(replay_validation(evaluated(weeks, (*RIVALS, "planted_optimum"))))
    assert_readable(figure)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert set(lines) == {"popularity", "item knn", "als", "bpr", "planted optimum"}
    assert lines["als"].get_ydata() == pytest.approx([0.3] * weeks)


@pytest.mark.parametrize("models", [("popularity",), RIVALS, (*RIVALS, "planted_optimum"), MANY])
def test_comparison_is_readable_with_and_without_the_oracle(models):
    figure = comparison_figure(model_comparison(evaluated(2, models)))
    assert_readable(figure)
    assert len(figure.axes) == 6
    assert [label.get_text() for label in figure.legends[0].get_texts()][2:] == (
        ["oracle: the best possible lists"] if "planted_optimum" in models else []
    )


def test_models_without_a_verdict_are_hollow():
    table = model_comparison(evaluated(1, ("popularity", "als"))).with_columns(
        against_popularity=pl.when(model="als")
        .then(pl.lit("not distinguishable"))
        .otherwise("against_popularity")
    )
    axes = comparison_figure(table).axes[0]
    faces = {
        line.get_ydata()[0]: line.get_markerfacecolor()
        for line in axes.get_lines()
        if line.get_marker() == "o"
    }
    assert faces[1] == "white"  # als, the better of the two, stands above popularity
    assert faces[0] != "white"


def test_beyond_accuracy_says_what_is_not_defined():
    assert_readable(beyond_accuracy_figure(described(RIVALS)))
    figure = beyond_accuracy_figure(described(RIVALS, diversity=None))
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.texts] == [
        "Diversity of categories"
    ]


def aged(models, ages):
    rows = [
        (
            *(date(2024, 3, 4) + timedelta(weeks=week), model, age, "ndcg", 10),
            *(0.3, 0.2, 0.4, -0.01 * (age - 1) * (week + 1), -0.1, 0.1, 50),
        )
        for week in range(2)
        for model in models
        for age in range(1, ages + 1)
    ]
    return pl.DataFrame(rows, schema=STALENESS.polars_schema, orient="row")


@pytest.mark.parametrize(("models", "ages"), [(RIVALS, 4), (MANY, 4), (RIVALS, 1), ((), 0)])
def test_staleness_is_readable(models, ages):
    figure = staleness_figure(aged(models, ages))
    assert_readable(figure)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert {model.replace("_", " ") for model in models} <= lines.keys()
    if ages == 4:
        # The mean over the two weeks.
        assert lines["als"].get_ydata() == pytest.approx([0, -0.015, -0.03, -0.045])


def test_many_models_can_be_told_apart():
    for figure in (
        replay_figure(replay_validation(evaluated(3, MANY))),
        staleness_figure(aged(MANY, 4)),
    ):
        assert_readable(figure)
        looks = [
            (line.get_color(), line.get_linestyle())
            for line in figure.axes[0].get_lines()
            if not line.get_label().startswith("_")
        ]
        assert len(set(looks)) == len(looks) == len(MANY)
    assert_readable(beyond_accuracy_figure(described(MANY)))


def test_same_rows_same_bytes():
    tables = [
        replay_validation(evaluated(3, RIVALS)).sample(fraction=1, shuffle=True, seed=seed)
        for seed in (1, 2)
    ]
    first, second = (png(replay_figure(table)) for table in tables)
    assert first == second
    assert first.startswith(b"\x89PNG")
