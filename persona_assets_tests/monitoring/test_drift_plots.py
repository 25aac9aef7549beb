from datetime import date

import polars as pl

from persona_assets.monitoring.drift_plots import drift_figure
from persona_assets.plotting import png


def test_drift_figure_shows_weeks_beside_each_other_and_outlines_what_drifted():
    rows = pl.DataFrame(
        {
            "cutoff": [date(2025, 2, 3), date(2025, 2, 3), date(2025, 2, 10)],
            "column": ["hour", "unit_price", "hour"],
            "score": [0.05, 0.3, 0.1],
            "threshold": [0.1, 0.1, 0.1],
            "drifted": [False, True, True],
        }
    )
    figure = drift_figure(rows)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["hour", "unit_price"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["03 Feb 25", "10 Feb 25"]
    assert [text.get_text() for text in axes.texts] == ["0.50", "3.00", "1.00"]
    assert len(axes.patches) == 2
    assert png(figure).startswith(b"\x89PNG")
