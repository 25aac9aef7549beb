from datetime import date

import numpy as np
import pytest
from scipy import sparse

from persona_assets.recommenders.als import ALS, FAINTEST_CONFIDENCE, ALSConfig, noise_level
from persona_assets.recommenders.factors import Factors
from persona_assets.recommenders.matrix import interaction_matrix
from persona_assets.tables.models import ALS_MODEL

CUTOFF = date(2024, 3, 4)
CONFIG = ALSConfig(factors=4, iterations=200, regularization=0.1, alpha=3.0)


def normal_equations(confidence: np.ndarray, others: np.ndarray, regularization: float):
    """Hu, Koren and Volinsky 2008, eq. 4, for each row of a dense confidence matrix."""
    vectors = []
    for row in confidence:
        weights = np.where(row > 0, row, 1.0)
        left = others.T @ np.diag(weights) @ others + regularization * np.eye(others.shape[1])
        vectors.append(np.linalg.solve(left, others.T @ (weights * (row > 0))))
    return np.array(vectors)


@pytest.fixture
def small(mart):
    rng = np.random.default_rng(5)
    return mart(
        *(
            (f"u{rng.integers(12):02d}", f"p{rng.integers(9)}", "view", 1, rng.uniform(0, 20))
            for _ in range(60)
        )
    )


def penalty(confidence: np.ndarray, config: ALSConfig) -> float:
    """λ: the configured share of the noise edge √(Σ c²) · (1/√users + 1/√products)."""
    noise = np.sqrt((confidence**2).sum()) * sum(1 / np.sqrt(n) for n in confidence.shape)
    return config.regularization * float(noise)


def dense_confidence(rows, config):
    weights = interaction_matrix(
        rows, cutoff=CUTOFF, half_life_days=config.half_life_days
    ).weights.toarray()
    return config.alpha * np.log1p(weights)


def test_the_factors_are_a_fixed_point_of_the_papers_equations(small):
    confidence = dense_confidence(small, CONFIG)

    regularization = penalty(confidence, CONFIG)

    factors = Factors.from_artefact(ALS(CONFIG).fit(small, cutoff=CUTOFF), ALS_MODEL)

    assert np.abs(factors.user_vectors).max() > 0.1
    np.testing.assert_allclose(
        factors.user_vectors,
        normal_equations(confidence, factors.product_vectors, regularization),
        atol=1e-3,
    )
    np.testing.assert_allclose(
        factors.product_vectors,
        normal_equations(confidence.T, factors.user_vectors, regularization),
        atol=1e-3,
    )


def test_the_loss_is_as_low_as_that_of_a_dense_implementation(small):
    confidence = dense_confidence(small, CONFIG)
    preference = confidence > 0
    regularization = penalty(confidence, CONFIG)

    def loss(users: np.ndarray, products: np.ndarray) -> float:
        error = (preference - users @ products.T) ** 2
        size = (users**2).sum() + (products**2).sum()
        return float((np.where(preference, confidence, 1) * error).sum() + regularization * size)

    products = np.random.default_rng(1).normal(0, 0.1, (confidence.shape[1], CONFIG.factors))
    for _ in range(CONFIG.iterations):
        users = normal_equations(confidence, products, regularization)
        products = normal_equations(confidence.T, users, regularization)

    factors = Factors.from_artefact(ALS(CONFIG).fit(small, cutoff=CUTOFF), ALS_MODEL)

    ours = loss(factors.user_vectors.astype(float), factors.product_vectors.astype(float))
    assert ours == pytest.approx(loss(users, products), rel=0.01)


def test_a_user_away_for_years_still_gets_the_own_taste(shop, mart):
    followed = shop.filter(shop["user_id"] == "u000")
    favourites = followed["product_id"].value_counts(sort=True)["product_id"].head(6).to_list()
    long_ago = mart(*(("gone", product, "purchase", 5, 900) for product in favourites))
    rows = shop.vstack(long_ago)

    factors = Factors.from_artefact(ALS().fit(rows, cutoff=CUTOFF), ALS_MODEL)

    confidence = np.zeros((1, len(factors.products)))
    confidence[0, factors.products.is_in(favourites).to_numpy()] = FAINTEST_CONFIDENCE
    regularization = penalty(dense_confidence(rows, ALSConfig()), ALSConfig())
    exact = normal_equations(confidence, factors.product_vectors, regularization)[0]
    learned = factors.user_vectors[factors.users.to_list().index("gone")]
    cosine = exact @ learned / np.linalg.norm(exact) / np.linalg.norm(learned)
    assert cosine > 0.99


def test_the_noise_level_is_the_largest_singular_value_of_noise():
    rng = np.random.default_rng(2)
    noise = sparse.random(300, 200, density=0.2, random_state=rng, format="csr")
    noise.data = rng.choice([-1.0, 1.0], noise.nnz) * noise.data

    largest = np.linalg.svd(noise.toarray(), compute_uv=False)[0]

    level = noise_level(np.linalg.norm(noise.data), *noise.shape)
    assert level == pytest.approx(largest, rel=0.05)


def test_tastes_survive_in_a_shop_of_any_size(mart):
    # Two tastes that share nothing: whatever the size, the second direction must not be shrunk
    # away, as a fixed λ would do in the smaller shop.
    for people in (10, 80):
        rows = mart(
            *(
                (f"u{user:02d}", f"p{product:02d}", "view", 1, 1 + (user + product) % 9)
                for user in range(people)
                for product in range(people)
                if user % 2 == product % 2 and user != product
            )
        )

        factors = Factors.from_artefact(ALS().fit(rows, cutoff=CUTOFF), ALS_MODEL)

        scores = factors.user_vectors @ factors.product_vectors.T
        own_taste = np.equal.outer(
            factors.users.str.slice(1).cast(int).to_numpy() % 2,
            factors.products.str.slice(1).cast(int).to_numpy() % 2,
        )
        assert scores[own_taste].min() > scores[~own_taste].max() + 0.01


def test_the_number_of_threads_moves_no_bit(shop, monkeypatch):
    import implicit.cpu.als as library

    solver = library.AlternatingLeastSquares
    artefacts = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(
            library,
            "AlternatingLeastSquares",
            lambda threads=threads, **settings: solver(num_threads=threads, **settings),
        )
        artefacts.append(ALS().fit(shop, cutoff=CUTOFF))

    assert artefacts[0].equals(artefacts[1])
    assert artefacts[0].equals(artefacts[2])
