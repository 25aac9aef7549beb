from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.recommenders.factors import Factors
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.bpr import BPR, BPRConfig
from persona_assets.recommenders.models.popularity import Popularity
from persona_assets.tables.models import BPR_MODEL
from persona_assets_tests.recommenders.after_history import list_after

CUTOFF = date(2024, 3, 4)


def test_scores_are_the_librarys_own_plus_log_popularity(shop):
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    config = BPRConfig(seed=7, factors=5, iterations=3)
    matrix = Interactions.known_at(CUTOFF, shop).matrix(config.half_life_days)
    library = BayesianPersonalizedRanking(
        factors=5,
        iterations=3,
        learning_rate=config.learning_rate,
        regularization=config.regularization,
        num_threads=1,
        random_state=7,
    )
    library.fit((matrix.weights > 0).astype(np.float32).tocsr(), show_progress=False)
    ids, scores = library.recommend(
        np.arange(len(matrix.users)),
        matrix.weights,
        N=len(matrix.products),
        filter_already_liked_items=False,
    )
    expected = np.empty_like(scores)
    np.put_along_axis(expected, ids, scores, axis=1)
    popularity = Popularity().fit(Interactions.known_at(CUTOFF, shop))["score"].to_numpy()

    factors = Factors.from_artefact(BPR(config).fit(Interactions.known_at(CUTOFF, shop)), BPR_MODEL)

    ours = factors.user_vectors @ factors.product_vectors.T + factors.product_biases
    np.testing.assert_allclose(ours, expected + np.log(popularity), rtol=1e-4, atol=1e-4)


def test_what_the_artefact_calls_bias_is_no_factor(shop):
    artefact = BPR(BPRConfig(factors=5, iterations=1)).fit(Interactions.known_at(CUTOFF, shop))

    assert artefact["vector"].list.len().unique().to_list() == [5]
    users = artefact.filter(pl.col("entity") == "user")
    assert users["bias"].unique().to_list() == [0.0]
    assert not (users["vector"].list.get(4) == 1.0).any()


def test_popularity_that_has_faded_to_nothing_stays_finite(mart):
    rows = mart(("a", "x", "view", 1, 5000), ("b", "y", "view", 1, 5001))

    artefact = BPR(BPRConfig(half_life_days=1)).fit(Interactions.known_at(CUTOFF, rows))

    assert artefact["bias"].is_finite().all()


@pytest.mark.parametrize("weight", [1, 50])
def test_every_pair_that_met_counts_once_in_the_factors(mart, weight):
    def vectors(of_first: float) -> list:
        rows = mart(
            ("a", "x", "view", of_first, 3),
            ("a", "y", "view", 1, 3),
            ("b", "y", "view", 1, 3),
            ("b", "z", "view", 1, 3),
        )
        return (
            BPR(BPRConfig(iterations=5))
            .fit(Interactions.known_at(CUTOFF, rows))["vector"]
            .to_list()
        )

    assert vectors(weight) == vectors(1)


def test_somebody_new_gets_the_vector_that_maximises_the_objective(shop):
    model = BPR(BPRConfig(factors=5, iterations=3))
    artefact = model.fit(Interactions.known_at(CUTOFF, shop))
    factors = Factors.from_artefact(artefact, BPR_MODEL)
    interacted = ["p003", "p017", "p020"]
    popular = np.exp(factors.product_biases)
    typical = popular @ factors.product_vectors / popular.sum()
    apart = factors.product_vectors[factors.products.is_in(interacted).to_numpy()] - typical

    x = np.zeros(5)
    for _ in range(20_000):
        wrong = 1 / (1 + np.exp(apart @ x))
        x += 0.1 * ((wrong[:, None] * apart).mean(axis=0) - 0.03 * x)
    expected = factors.product_vectors @ x + factors.product_biases

    lists = list_after(model, artefact, interacted, k=480).sort("product_id")

    others = ~factors.products.is_in(interacted).to_numpy()
    np.testing.assert_allclose(lists["score"], expected[others], rtol=1e-3, atol=1e-3)


def test_whom_the_training_knows_keeps_the_learned_vector(shop):
    model = BPR(BPRConfig(factors=5, iterations=3))
    artefact = model.fit(Interactions.known_at(CUTOFF, shop))
    history = shop.filter(pl.col("user_id") == "u001")

    with_history = model.recommend(artefact, ["u001"], k=9, histories=history)

    assert with_history.equals(model.recommend(artefact, ["u001"], k=9))
