from datetime import date

import pytest

from persona_assets.lifecycle.study import Study, best
from persona_assets.lifecycle.study_plots import parallel_coordinates_figure
from persona_assets.lifecycle.validation import validation_week
from persona_assets.plotting import png
from persona_assets.recommenders import MODELS


@pytest.fixture(scope="module")
def validation(shop):
    return validation_week(shop, trained=date(2024, 2, 5), exclude="seen")


def lines(figure):
    axes = figure.axes[0]
    return [line for line in axes.get_lines() if len(line.get_xdata()) > 2]


def test_every_trial_is_a_line_through_its_values_to_its_worth(validation):
    model = MODELS["directional"]
    rows = Study(model, 6, "random", 3).run(validation)
    figure = parallel_coordinates_figure(rows, model.space)
    drawn = lines(figure)
    assert len(drawn) == 6
    assert {len(line.get_xdata()) for line in drawn} == {len(model.space) + 1}
    ends = sorted(line.get_ydata()[-1] for line in drawn)
    low, high = rows["ndcg"].min(), rows["ndcg"].max()
    assert ends == pytest.approx(sorted((rows["ndcg"] - low) / (high - low)))
    thick = [line for line in drawn if line.get_linewidth() > 2]
    assert [line.get_ydata()[-1] for line in thick] == [1.0]
    assert sum(line.get_linestyle() == "--" for line in drawn) == 1
    labels = {text.get_text() for text in figure.axes[0].texts}
    assert {f"{low:.4f}", f"{high:.4f}", "1.7", "0.35"} <= labels
    assert figure.axes[0].get_title(loc="left").startswith(best(rows)["study"])


def test_a_lone_trial_and_a_space_without_fields_are_drawn(validation):
    rows = Study(MODELS["popularity"], 1, "tpe", 3).run(validation)
    for space in (MODELS["popularity"].space, {}):
        assert png(parallel_coordinates_figure(rows, space)).startswith(b"\x89PNG")
