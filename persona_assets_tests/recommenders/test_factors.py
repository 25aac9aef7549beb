from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.recommenders.artefact import of_training
from persona_assets.recommenders.factors import Factors, OwnVectors, mean_user
from persona_assets.recommenders.protocol import NO_PAIRS
from persona_assets.recommenders.ranking import ranked_lists
from persona_assets.tables.models import ALS_MODEL, FALLBACK_USER

CUTOFF = date(2024, 3, 4)


def of_a_cutoff(factors: Factors, cutoff: date = CUTOFF) -> pl.DataFrame:
    return of_training(factors.to_artefact(), ALS_MODEL, cutoff)


def lists_of(factors: Factors, users: list[str], k: int, own: OwnVectors | None = None):
    scorer = factors.scorer(users, own)
    return ranked_lists(users, scorer.products, scorer.scores_of, k=k, excluded=NO_PAIRS)


@pytest.fixture
def factors() -> Factors:
    return Factors(
        users=pl.Series(["a", "b"]),
        products=pl.Series(["x", "y", "z"]),
        user_vectors=np.array([[1, 0], [0, 3]], dtype=np.float32),
        cold_start_vector=np.array([0.5, 1.5], dtype=np.float32),
        product_vectors=np.array([[1, 0], [0, 1], [0.5, 0.5]], dtype=np.float32),
        product_biases=np.array([0, 0, 0.25]),
    )


def test_scores_are_dot_product_plus_bias(factors):
    lists = lists_of(factors, ["b", "a"], k=3)

    assert lists.rows() == [
        ("b", 1, "y", 3.0),
        ("b", 2, "z", 1.75),
        ("b", 3, "x", 0.0),
        ("a", 1, "x", 1.0),
        ("a", 2, "z", 0.75),
        ("a", 3, "y", 0.0),
    ]


def test_people_without_history_get_the_list_of_the_cold_start_vector(factors):
    lists = lists_of(factors, [FALLBACK_USER, "stranger"], k=2)

    # (0.5, 1.5): x 0.5, y 1.5, z 1.25
    assert lists.rows() == [
        (FALLBACK_USER, 1, "y", 1.5),
        (FALLBACK_USER, 2, "z", 1.25),
        ("stranger", 1, "y", 1.5),
        ("stranger", 2, "z", 1.25),
    ]


def test_a_vector_made_from_a_history_takes_the_place_of_the_learned_one(factors):
    own = OwnVectors(np.array([1, 2]), np.array([[0, 2], [4, 0]], dtype=np.float32))

    lists = lists_of(factors, ["b", "a", "stranger"], k=1, own=own)

    assert lists.rows() == [("b", 1, "y", 3.0), ("a", 1, "y", 2.0), ("stranger", 1, "x", 4.0)]


def test_the_mean_user_is_the_mean_of_each_factor(factors):
    assert mean_user(factors.user_vectors).tolist() == [0.5, 1.5]


def test_a_list_depends_on_nothing_but_the_users_own_row_and_the_rows_of_all(factors):
    whole = of_a_cutoff(factors)
    of_b = whole.filter((whole["entity"] == "product") | whole["id"].is_in(["b", FALLBACK_USER]))
    people = ["b", FALLBACK_USER, "stranger"]

    alone = lists_of(Factors.from_artefact(of_b, ALS_MODEL), people, k=3)

    assert alone.equals(lists_of(factors, people, k=3))


def test_without_any_users_row_everyone_is_a_cold_start_user(factors):
    whole = of_a_cutoff(factors)
    nobody = whole.filter((whole["entity"] == "product") | (whole["id"] == FALLBACK_USER))

    lists = lists_of(Factors.from_artefact(nobody, ALS_MODEL), ["a"], k=1)

    assert lists.rows() == [("a", 1, "y", 1.5)]


def test_an_artefact_without_a_vector_for_cold_start_users_says_what_to_materialize(factors):
    whole = of_a_cutoff(factors)

    with pytest.raises(DataError, match=r"models/als_model, cutoff 2024-03-04: no vector .* again"):
        Factors.from_artefact(whole.filter(whole["id"] != FALLBACK_USER), ALS_MODEL)


def test_the_artefact_has_the_contracts_columns_and_comes_back_whatever_its_order(factors):
    artefact = of_a_cutoff(factors)

    assert artefact.schema == ALS_MODEL.polars_schema
    back = Factors.from_artefact(artefact.reverse(), ALS_MODEL)
    assert back.users.to_list() == ["a", "b"]
    assert back.products.to_list() == ["x", "y", "z"]
    np.testing.assert_array_equal(back.user_vectors, factors.user_vectors)
    np.testing.assert_array_equal(back.cold_start_vector, factors.cold_start_vector)
    np.testing.assert_array_equal(back.product_vectors, factors.product_vectors)
    np.testing.assert_array_equal(back.product_biases, factors.product_biases)


def test_a_user_and_a_product_may_share_an_identifier(factors):
    same = Factors(
        users=factors.products.head(2),
        products=factors.products,
        user_vectors=factors.user_vectors,
        cold_start_vector=factors.cold_start_vector,
        product_vectors=factors.product_vectors,
        product_biases=factors.product_biases,
    )

    back = Factors.from_artefact(of_a_cutoff(same), ALS_MODEL)

    np.testing.assert_array_equal(back.user_vectors, factors.user_vectors)
    np.testing.assert_array_equal(back.product_vectors, factors.product_vectors)


def test_factors_of_two_trainings_are_never_mixed(factors):
    artefact = pl.concat(
        [
            of_a_cutoff(factors),
            of_a_cutoff(factors, date(2024, 3, 11)),
        ]
    )

    with pytest.raises(DataError, match=r"models/als_model.*2024-03-04, 2024-03-11"):
        Factors.from_artefact(artefact, ALS_MODEL)


def test_an_empty_artefact_says_what_to_materialize():
    with pytest.raises(DataError, match=r"models/als_model holds no rows; materialize"):
        Factors.from_artefact(ALS_MODEL.empty(), ALS_MODEL)
