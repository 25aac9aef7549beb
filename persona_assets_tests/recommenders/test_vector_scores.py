"""A user's scores do not depend on who else is scored for."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from persona_assets.recommenders.vector_scores import vector_scores


@pytest.mark.parametrize("products", [1, 5, 30, 301, 3_001])
@pytest.mark.parametrize("factors", [1, 4, 33, 64, 128])
def test_scores_are_the_same_in_any_company(products, factors):
    rng = np.random.default_rng(products * factors)
    items = rng.normal(size=(products, factors)).astype(np.float32)
    users = rng.normal(size=(200, factors)).astype(np.float32)

    with threadpool_limits(limits=1, user_api="blas"):
        together = vector_scores(users, items)
        for size in (1, 2, 3, 7, 50):
            apart = [vector_scores(users[at : at + size], items) for at in range(0, 200, size)]
            assert np.array_equal(np.concatenate(apart), together)
    assert together == pytest.approx(
        users.astype(float) @ items.T.astype(float), rel=1e-3, abs=1e-4
    )
