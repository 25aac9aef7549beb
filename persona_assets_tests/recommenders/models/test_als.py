from datetime import date

import numpy as np
import pytest
from scipy import sparse

from persona_assets.recommenders import least_squares
from persona_assets.recommenders.factors import Factors
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.als import ALS, ALSConfig, noise_level
from persona_assets.tables.models import ALS_MODEL
from persona_assets.transforms.history import known_before

CUTOFF = date(2024, 3, 4)
CONFIG = ALSConfig(factors=4, iterations=200, regularization=0.1, alpha=3.0, frequency_scaling=0.7)


def normal_equations(confidence: np.ndarray, others: np.ndarray, penalties: np.ndarray):
    """Hu, Koren and Volinsky 2008, eq. 4, for each row of a dense confidence matrix."""
    vectors = []
    for row, penalty in zip(confidence, penalties, strict=True):
        weights = np.where(row > 0, row, 1.0)
        left = others.T @ np.diag(weights) @ others + penalty * np.eye(others.shape[1])
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
    """Λ: the share of the noise edge √(Σ c²) · (1/√users + 1/√products), of a typical row."""
    noise = np.sqrt((confidence**2).sum()) * sum(1 / np.sqrt(n) for n in confidence.shape)
    typical = (confidence > 0).sum() / np.sqrt(confidence.size)
    return config.regularization * float(noise) / typical**config.frequency_scaling


def frequency(confidence: np.ndarray, config: ALSConfig) -> np.ndarray:
    return (confidence > 0).sum(axis=1) ** config.frequency_scaling


def dense_confidence(rows, config):
    weights = Interactions.known_at(CUTOFF, rows).matrix(config.half_life_days).weights.toarray()
    return np.where(weights > 0, 1 + config.alpha * np.log1p(weights), 0.0)


def test_the_factors_are_a_fixed_point_of_the_papers_equations(small):
    confidence = dense_confidence(small, CONFIG)

    factors = Factors.from_artefact(
        ALS(CONFIG).fit(Interactions.known_at(CUTOFF, small)), ALS_MODEL
    )

    assert np.abs(factors.user_vectors).max() > 0.1
    # In the scale of the artefact, Λ is 1 on the side of people and Λ² on that of products.
    np.testing.assert_allclose(
        factors.user_vectors,
        normal_equations(confidence, factors.product_vectors, frequency(confidence, CONFIG)),
        atol=1e-3,
    )
    of_products = penalty(confidence, CONFIG) ** 2 * frequency(confidence.T, CONFIG)
    np.testing.assert_allclose(
        factors.product_vectors,
        normal_equations(confidence.T, factors.user_vectors, of_products),
        atol=1e-3,
    )


def test_the_loss_is_as_low_as_that_of_a_dense_implementation(small):
    confidence = dense_confidence(small, CONFIG)
    preference = confidence > 0
    scale = penalty(confidence, CONFIG)
    of_users, of_products = (scale * frequency(c, CONFIG) for c in (confidence, confidence.T))

    def loss(users: np.ndarray, products: np.ndarray) -> float:
        error = (preference - users @ products.T) ** 2
        size = (of_users[:, None] * users**2).sum() + (of_products[:, None] * products**2).sum()
        return float((np.where(preference, confidence, 1) * error).sum() + size)

    products = np.random.default_rng(1).normal(0, 0.1, (confidence.shape[1], CONFIG.factors))
    for _ in range(CONFIG.iterations):
        users = normal_equations(confidence, products, of_users)
        products = normal_equations(confidence.T, users, of_products)

    factors = Factors.from_artefact(
        ALS(CONFIG).fit(Interactions.known_at(CUTOFF, small)), ALS_MODEL
    )

    ours = loss(factors.user_vectors / scale**0.5, factors.product_vectors * scale**0.5)
    assert ours == pytest.approx(loss(users, products), rel=0.01)


def test_the_loss_is_that_of_the_library_implicit(shop):
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    config = ALSConfig(factors=8, iterations=30, frequency_scaling=0.0)
    confidence = dense_confidence(shop, config)
    scale = penalty(confidence, config)
    with threadpool_limits(limits=1, user_api="blas"):
        library = AlternatingLeastSquares(
            factors=8, iterations=30, regularization=scale, random_state=0, num_threads=1
        )
        library.fit(sparse.csr_matrix(confidence, dtype=np.float32), show_progress=False)

    def loss(users: np.ndarray, products: np.ndarray) -> float:
        error = ((confidence > 0) - users @ products.T) ** 2
        weighted = (np.where(confidence > 0, confidence, 1) * error).sum()
        return float(weighted + scale * ((users**2).sum() + (products**2).sum()))

    factors = Factors.from_artefact(ALS(config).fit(Interactions.known_at(CUTOFF, shop)), ALS_MODEL)

    ours = loss(factors.user_vectors / scale**0.5, factors.product_vectors * scale**0.5)
    assert ours == pytest.approx(loss(library.user_factors, library.item_factors), rel=0.01)


def test_somebody_with_a_history_gets_the_vector_that_the_paper_gives_it(small, mart):
    model = ALS(CONFIG)
    artefact = model.fit(Interactions.known_at(CUTOFF, small))
    factors = Factors.from_artefact(artefact, ALS_MODEL)
    # Long ago, but fresh for this person: w is 5 for the newest row and 1 · ½ a half-life before.
    history = mart(("new", "p1", "purchase", 5, 900), ("new", "p4", "view", 1, 914))
    row = np.zeros((1, len(factors.products)))
    row[0, factors.products.index_of("p1")] = 1 + 3.0 * np.log(1 + 5)
    row[0, factors.products.index_of("p4")] = 1 + 3.0 * np.log(1 + 0.5)
    vector = normal_equations(row, factors.product_vectors, frequency(row, CONFIG))[0]

    lists = model.recommend(artefact, ["new"], k=9, histories=history).sort("product_id")

    np.testing.assert_allclose(lists["score"], factors.product_vectors @ vector, atol=1e-4)


def test_a_history_as_in_the_training_gives_the_list_of_the_training(mart, shop):
    # Where nothing fades, the history says what the training saw.
    model = ALS(ALSConfig(half_life_days=1e9, iterations=30))
    known = known_before(shop, CUTOFF)
    artefact = model.fit(Interactions.known_at(CUTOFF, shop))
    users = known["user_id"].unique().sort().to_list()

    learned = model.recommend(artefact, users, k=5)
    folded = model.recommend(artefact, users, k=5, histories=known)

    assert learned.join(folded, on=["user_id", "product_id"]).height > 0.97 * learned.height


def test_a_user_away_for_years_still_gets_the_own_taste(shop, mart):
    followed = shop.filter(shop["user_id"] == "u000")
    favourites = followed["product_id"].value_counts(sort=True)["product_id"].head(6).to_list()
    long_ago = mart(*(("gone", product, "purchase", 5, 9000) for product in favourites))

    factors = Factors.from_artefact(
        ALS().fit(Interactions.known_at(CUTOFF, shop.vstack(long_ago))), ALS_MODEL
    )

    confidence = factors.products.is_in(favourites).to_numpy().astype(float)[None]
    exact = normal_equations(
        confidence, factors.product_vectors, frequency(confidence, ALSConfig())
    )[0]
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

        factors = Factors.from_artefact(ALS().fit(Interactions.known_at(CUTOFF, rows)), ALS_MODEL)

        scores = factors.user_vectors @ factors.product_vectors.T
        own_taste = np.equal.outer(
            factors.users.str.slice(1).cast(int).to_numpy() % 2,
            factors.products.str.slice(1).cast(int).to_numpy() % 2,
        )
        assert scores[own_taste].min() > scores[~own_taste].max() + 0.01


def test_the_number_of_threads_moves_no_bit(shop, monkeypatch):
    artefacts = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(least_squares, "THREADS", threads)
        monkeypatch.setattr(least_squares, "ROWS_PER_BLOCK", 37)
        artefacts.append(ALS().fit(Interactions.known_at(CUTOFF, shop)))

    assert artefacts[0].equals(artefacts[1])
    assert artefacts[0].equals(artefacts[2])
