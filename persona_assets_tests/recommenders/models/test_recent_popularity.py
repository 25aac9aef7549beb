from datetime import date

import pytest

from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.recent_popularity import (
    RecentPopularity,
    RecentPopularityConfig,
)

CUTOFF = date(2024, 3, 4)


def scores(rows, days: float) -> dict:
    model = RecentPopularity(RecentPopularityConfig(days=days))
    artefact = model.fit(Interactions.known_at(CUTOFF, rows))
    assert artefact.schema == model.artefact.polars_schema
    return dict(artefact.select("product_id", "score").iter_rows())


def test_people_of_the_window_count_and_those_before_break_ties(mart):
    rows = mart(
        ("a", "x", "view", 1, 0.5),
        ("a", "x", "view", 1, 1),
        ("b", "y", "purchase", 5, 2),
        ("c", "y", "view", 1, 20),
        ("b", "z", "view", 1, 30),
        ("d", "x", "return", 0, 1),
    )

    # The newest row lies half a day before the cut-off: the window is the 7 days before it.
    assert scores(rows, 7) == pytest.approx({"x": 1 + 1 / 3, "y": 1 + 2 / 3, "z": 1 / 3})
    assert scores(rows, 1) == pytest.approx({"x": 1 + 1 / 3, "y": 2 / 3, "z": 1 / 3})


def test_where_the_rows_end_long_before_the_cutoff_the_window_ends_with_them(mart):
    rows = mart(("a", "old", "view", 1, 1010), ("a", "new", "view", 1, 1000))

    assert scores(rows, 7) == pytest.approx({"old": 0.5, "new": 1.5})


def test_a_window_longer_than_history_is_all_of_it(mart):
    assert scores(mart(("a", "x", "view", 1, 900)), 1e9) == {"x": 1.5}
