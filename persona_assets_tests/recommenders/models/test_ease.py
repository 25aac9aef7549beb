from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix, random

from persona_assets.errors import DataError, UserError
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.ease import EASE, EASEConfig
from persona_assets.recommenders.ridge_weights import exact_weights, largest, sparse_weights

CUTOFF = date(2024, 3, 4)


@pytest.fixture
def matrix() -> csr_matrix:
    made = random(60, 20, density=0.25, random_state=8, format="csr")
    made.data[:] = 1.0
    return made


def of_the_paper(matrix: csr_matrix, regularization: float) -> np.ndarray:
    """Steck 2019, the listing in section 3."""
    gram = (matrix.T @ matrix).toarray()
    inverse = np.linalg.inv(gram + regularization * np.eye(len(gram)))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def test_the_exact_weights_are_those_of_the_paper(matrix):
    weights = exact_weights(matrix, 3.0, most=20).toarray()

    np.testing.assert_allclose(weights, of_the_paper(matrix, 3.0), atol=1e-5)
    assert weights.min() < -0.01


def test_with_the_whole_catalogue_as_support_the_sparse_weights_are_the_exact_ones(matrix):
    # Products that nobody shares have nothing to say in the Gram matrix, yet a weight in the exact
    # solution: only a catalogue in which everything meets has equal solutions.
    dense = csr_matrix((np.random.default_rng(2).random((80, 12)) < 0.6).astype(float))
    assert (dense.T @ dense).toarray().min() > 0

    np.testing.assert_allclose(
        sparse_weights(dense, 5.0, support=12, most=12).toarray(),
        of_the_paper(dense, 5.0),
        atol=1e-9,
    )


def test_a_sparse_column_is_the_ridge_regression_on_its_support(matrix):
    weights = sparse_weights(matrix, 2.0, support=4, most=20).toarray()

    dense = matrix.toarray()
    for target in range(20):
        support = np.flatnonzero(weights[:, target])
        assert 0 < len(support) <= 8
        left = dense[:, support].T @ dense[:, support] + 2.0 * np.eye(len(support))
        right = dense[:, support].T @ dense[:, target]
        np.testing.assert_allclose(weights[support, target], np.linalg.solve(left, right))


def test_the_largest_are_chosen_by_size_whatever_the_sign():
    weights = csr_matrix([[0.0, -3.0, 2.0, 1.0], [0.5, 0.0, -0.5, 0.1]])

    assert largest(weights, 2).toarray().tolist() == [[0, -3, 2, 0], [0.5, 0, -0.5, 0]]


def test_scores_are_the_history_times_the_weights(mart):
    rows = mart(
        *(
            (f"u{number}", product, "view", 1, 5)
            for number, products in enumerate(["ab", "ab", "abc", "bc", "cd", "d", "ad"])
            for product in products
        )
    )
    model = EASE(EASEConfig(regularization=1.0, history_decay=0.5, emphasis=0.0))
    history = mart(("n", "b", "view", 1, 2), ("n", "a", "purchase", 5, 1))
    interacted = np.array(
        [[1, 1, 0, 0]] * 2 + [[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
    )
    weights = of_the_paper(csr_matrix(np.vstack([interacted, [1, 0, 0, 1]]).astype(float)), 1.0)

    lists = model.recommend(
        model.fit(Interactions.known_at(CUTOFF, rows)), ["n"], k=4, histories=history
    )

    expected = weights[0] + 0.5 * weights[1]
    scores = dict(lists.select("product_id", "score").iter_rows())
    for number, product in enumerate("abcd"):
        if expected[number] > 0:
            assert scores[product] == pytest.approx(expected[number], abs=1e-5)
        else:
            assert scores[product] < 0


def test_too_large_an_exact_solution_names_the_memory_it_needs(shop):
    model = EASE(EASEConfig(solution="exact", memory_gb=0.001))

    with pytest.raises(
        DataError, match=r"478 products needs 0\.0018 GB, .* allows 0\.001; raise it"
    ):
        model.fit(Interactions.known_at(CUTOFF, shop))


def test_beyond_the_dense_size_the_sparse_solution_is_taken(shop):
    def learned(**changes) -> pl.DataFrame:
        return EASE(EASEConfig(support=30, **changes)).fit(Interactions.known_at(CUTOFF, shop))

    sparse = learned(solution="sparse")
    assert learned(dense_products=100).equals(sparse)
    assert learned(memory_gb=0.001).equals(sparse)
    assert not learned().equals(sparse)
    assert learned().equals(learned(solution="exact"))


def test_an_unknown_solution_is_refused():
    with pytest.raises(UserError, match="one of auto, exact, sparse; got 'quick'"):
        EASEConfig(solution="quick")
