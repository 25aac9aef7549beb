from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.matrix import history_weights

CUTOFF = date(2024, 3, 4)


def test_weights_are_halved_per_half_life_and_summed_per_pair(mart):
    matrix = Interactions.known_at(
        CUTOFF,
        mart(
            ("b", "y", "purchase", 5, 0.5),
            ("a", "y", "view", 1, 7),
            ("a", "x", "view", 1, 14),
            ("a", "y", "add_to_cart", 3, 14),
        ),
    ).matrix(7)

    assert matrix.users.to_list() == ["a", "b"]
    assert matrix.products.to_list() == ["x", "y"]
    np.testing.assert_allclose(
        matrix.weights.toarray(),
        [[0.25, 0.5 + 0.75], [0, 5 * 2 ** (-0.5 / 7)]],
        rtol=1e-15,
    )


def test_returns_and_what_is_not_yet_known_leave_no_trace(mart):
    matrix = Interactions.known_at(
        CUTOFF,
        mart(
            ("a", "x", "view", 1, 7),
            ("a", "returned", "return", 0, 7),
            ("only_returns", "x", "return", 0, 7),
            ("b", "future", "view", 1, -1),
            ("c", "late", "view", 1, 3, -1),
        ),
    ).matrix(7)

    assert (matrix.users.to_list(), matrix.products.to_list()) == (["a"], ["x"])


def test_a_pair_that_met_stays_in_the_matrix_when_its_weight_has_faded_to_zero(mart):
    matrix = Interactions.known_at(CUTOFF, mart(("a", "x", "view", 1, 5000))).matrix(1)

    assert matrix.weights.data.tolist() == [0.0]


def test_row_order_moves_no_bit(shop):
    ordered = Interactions.known_at(CUTOFF, shop).matrix(14).weights
    shuffled = (
        Interactions.known_at(CUTOFF, shop.sample(fraction=1, shuffle=True, seed=3))
        .matrix(14)
        .weights
    )

    assert (ordered != shuffled).nnz == 0
    np.testing.assert_array_equal(ordered.data, shuffled.data)


@pytest.mark.parametrize(
    "row",
    [
        ("a", "x", "view", 1, -1),
        ("a", "x", "view", 1, 3, -1),
        ("a", "x", "return", 0, 3),
    ],
)
def test_nothing_to_learn_from_is_an_error_that_names_the_cutoff(mart, row):
    with pytest.raises(DataError, match="before the cut-off 2024-03-04"):
        Interactions.known_at(CUTOFF, mart(row)).matrix(14)


def test_a_history_fades_against_its_own_newest_row(mart):
    rows = mart(
        ("a", "x", "view", 1, 914),
        ("a", "y", "purchase", 5, 900),
        ("a", "y", "view", 1, 907),
        ("b", "x", "view", 1, 3),
        ("b", "unknown", "view", 1, 1),
        ("other", "x", "view", 1, 1),
    )

    weights = history_weights(rows, ["b", "a", "nobody"], pl.Series(["x", "y"]), half_life_days=7)

    np.testing.assert_allclose(weights.toarray(), [[1, 0], [0.25, 5.5], [0, 0]])
