"""A user's scores do not depend on who else is scored for."""

import numpy as np
import pytest

from persona_assets.recommenders.vector_scores import by_factor, vector_scores


@pytest.mark.parametrize("products", [1, 5, 30, 301, 3_001])
@pytest.mark.parametrize("factors", [1, 4, 33, 64, 128])
def test_scores_are_the_same_in_any_company(products, factors):
    rng = np.random.default_rng(products * factors)
    items = rng.normal(size=(products, factors)).astype(np.float32)
    users = rng.normal(size=(200, factors)).astype(np.float32)

    columns = by_factor(items)
    together = vector_scores(users, columns)
    for size in (1, 2, 3, 7, 50):
        apart = [vector_scores(users[at : at + size], columns) for at in range(0, 200, size)]
        assert np.array_equal(np.concatenate(apart), together)
    assert together == pytest.approx(
        users.astype(float) @ items.T.astype(float), rel=1e-3, abs=1e-4
    )


def test_a_score_does_not_depend_on_the_other_products():
    rng = np.random.default_rng(3)
    items = rng.normal(size=(5_000, 33)).astype(np.float32)
    users = rng.normal(size=(3, 33)).astype(np.float32)

    together = vector_scores(users, by_factor(items))
    for first, end in ((0, 1), (7, 20), (2_040, 2_060), (4_999, 5_000)):
        some = vector_scores(users, by_factor(items[first:end]))
        assert np.array_equal(some, together[:, first:end])
