import pytest

from persona_assets.report.report_plots import MOST_ASSETS, rejected_figure, seconds_figure


def bars(figure):
    """Name of each bar, from the top down, and its length."""
    axes = figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    return dict(zip(names, (bar.get_width() for bar in axes.patches), strict=True))


def labels(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_every_reason_has_its_bar_and_share():
    figure = rejected_figure({"no_consent": 3, "zero_price": 1})
    assert bars(figure) == {"no consent": 3, "zero price": 1}
    assert labels(figure) == ["3  (75.0 %)", "1  (25.0 %)"]


def test_all_seconds_are_shown_the_slowest_on_top():
    figure = seconds_figure({"a/fast": 1.0, "a/slow": 9.0}, framework=5.0)
    assert list(bars(figure).items()) == [
        ("a/slow", 9.0),
        ("a/fast", 1.0),
        ("outside of assets", 5.0),
    ]


def test_many_assets_share_a_bar_and_no_second_is_lost():
    seconds = {f"a/{place:02d}": float(place) for place in range(1, MOST_ASSETS + 6)}
    shown = bars(seconds_figure(seconds, framework=2.0))
    assert shown["5 others"] == 1 + 2 + 3 + 4 + 5
    assert sum(shown.values()) == pytest.approx(sum(seconds.values()) + 2.0)


def test_assets_of_equal_time_stand_in_order_of_name():
    first = seconds_figure({"b/x": 1.0, "a/x": 1.0}, framework=0.0)
    assert list(bars(first))[:2] == ["a/x", "b/x"]
