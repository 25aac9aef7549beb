import numpy as np

from persona_assets.recommenders.popularity_fallback import popular_last


def test_what_nothing_speaks_for_follows_by_popularity():
    scores = np.array([[0.1, 0.0, 0.0, -2.0]])

    ordered = popular_last(scores, np.array([0.0, 1.0, 9.0, 3.0]))

    assert ordered.tolist() == [[0.1, -0.5, -0.1, -0.25]]
