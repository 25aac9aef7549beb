"""The planted truth: affinity is what happens, can be learned, and drives responses."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from persona_assets.errors import UserError
from persona_assets.sources.synthetic import SyntheticShop
from persona_assets.sources.synthetic.behaviour import simulate_day

START = date(2025, 1, 6)
WEEKS = 7
DAYS = [START + timedelta(n) for n in range(7 * WEEKS)]
SHOP = SyntheticShop(DAYS[0], DAYS[-1] + timedelta(1), users=1200, products=500, seed=9)
CUTOFF = DAYS[-7]


@pytest.fixture(scope="module")
def views() -> pl.DataFrame:
    days = (simulate_day(SHOP._tastes, SHOP.seed, day).events for day in DAYS)
    return pl.concat(day.filter(pl.col("event_type") == "view") for day in days)


@pytest.fixture(scope="module")
def users() -> list[str]:
    return SHOP.users()["user_id"].to_list()


@pytest.fixture(scope="module")
def products() -> list[str]:
    return SHOP.products()["product_id"].to_list()


def counts(frame: pl.DataFrame, users: list[str], products: list[str]) -> sp.csr_matrix:
    """Views as (users × products)."""
    row = {user: n for n, user in enumerate(users)}
    column = {product: n for n, product in enumerate(products)}
    at = (
        [row[user] for user in frame["user_id"]],
        [column[product] for product in frame["product_id"]],
    )
    return sp.csr_matrix((np.ones(frame.height, np.float32), at), (len(users), len(products)))


def test_affinity_is_a_distribution_over_products_on_sale(users, products):
    launch = dict(SHOP.products().select("product_id", "launch_date").iter_rows())
    affinity = SHOP.affinity(users, products, CUTOFF)
    assert affinity.shape == (len(users), len(products))
    assert affinity.dtype == np.float64
    np.testing.assert_allclose(affinity.sum(axis=1), 1.0)
    on_sale = np.array([launch[product] <= CUTOFF for product in products])
    assert (affinity[:, on_sale] > 0).all() and (affinity[:, ~on_sale] == 0).all()
    assert 0 < (~on_sale).sum() < len(products)


def test_affinity_follows_the_order_of_its_arguments(users, products):
    full = SHOP.affinity(users, products, CUTOFF)
    some_users, some_products = [7, 3, 3, 40], [11, 2, 499 - 60, 0, 2]
    part = SHOP.affinity(
        [users[n] for n in some_users], [products[n] for n in some_products], CUTOFF
    )
    np.testing.assert_allclose(part, full[np.ix_(some_users, some_products)], rtol=1e-12)


def test_people_view_products_as_often_as_affinity_says(views, users, products):
    """Squared z is 1 on average (a session's focus adds some), but not with tastes mixed up."""
    day = START + timedelta(40)
    stable = SHOP.products().filter(pl.col("launch_date") < START)["product_id"].to_list()
    heavy = views["user_id"].value_counts(sort=True)["user_id"].head(300).to_list()
    seen = counts(
        views.filter(pl.col("product_id").is_in(stable), pl.col("user_id").is_in(heavy)),
        heavy,
        stable,
    ).toarray()
    affinity = SHOP.affinity(heavy, stable, day)
    affinity /= affinity.sum(axis=1, keepdims=True)
    total = seen.sum(axis=1, keepdims=True)

    def misfit(share: np.ndarray) -> float:
        """Pearson's chi-squared per cell among cells with an expectation of at least 5."""
        expected = total * share
        cells = expected >= 5
        return float(((seen - expected)[cells] ** 2 / expected[cells]).mean())

    assert 0.7 < misfit(affinity) < 1.8
    assert misfit(np.roll(affinity, 1, axis=0)) > 4
    popularity = np.broadcast_to(affinity.mean(axis=0), affinity.shape)
    assert misfit(popularity) > 4


def ndcg_at_10(scores: np.ndarray, relevant: np.ndarray) -> float:
    """Mean over people with something relevant."""
    discount = 1 / np.log2(np.arange(2, 12))
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    gained = np.take_along_axis(relevant, top, axis=1) @ discount
    ideal = np.cumsum(discount)[np.minimum(10, relevant.sum(axis=1)) - 1]
    return float((gained / ideal).mean())


def test_models_learn_the_tastes_and_none_beats_the_planted_optimum(views, users, products):
    from implicit.als import AlternatingLeastSquares
    from implicit.bpr import BayesianPersonalizedRanking

    day = pl.col("event_ts").dt.date()
    past = counts(views.filter(day < CUTOFF), users, products)
    future = counts(views.filter(day >= CUTOFF), users, products).toarray() > 0
    judged = future.any(axis=1) & (past.getnnz(axis=1) > 0)

    def factor_scores(model) -> np.ndarray:
        model.fit(past, show_progress=False)
        return (model.user_factors @ model.item_factors.T)[judged]

    scores = {
        "popularity": np.broadcast_to(np.asarray(past.sum(axis=0)), past.shape)[judged],
        "als": factor_scores(
            AlternatingLeastSquares(
                factors=32, regularization=0.01, alpha=1.0, random_state=1, num_threads=1
            )
        ),
        "bpr": factor_scores(
            BayesianPersonalizedRanking(
                factors=32, learning_rate=0.05, iterations=100, random_state=1, num_threads=1
            )
        ),
        "optimum": SHOP.affinity(users, products, CUTOFF)[judged],
    }
    ndcg = {name: ndcg_at_10(score, future[judged]) for name, score in scores.items()}
    assert ndcg["als"] > 1.3 * ndcg["popularity"]
    assert ndcg["bpr"] > 1.15 * ndcg["popularity"]
    assert ndcg["optimum"] > 1.1 * max(ndcg["als"], ndcg["bpr"])


def test_better_lists_get_more_clicks_within_what_shops_see(users, products):
    affinity = SHOP.affinity(users, products, CUTOFF)
    click, order = SHOP.response_probabilities(users, products, CUTOFF)
    assert click.shape == order.shape == affinity.shape
    assert (click >= 0).all() and (click <= 0.25).all()
    assert (order > 0).all() and (order < 0.5).all()
    assert (click[affinity == 0] == 0).all()

    def click_rate(scores: np.ndarray) -> float:
        top = np.argsort(-scores, axis=1)[:, :10]
        return float(np.take_along_axis(click, top, axis=1).mean())

    best = click_rate(affinity)
    popular = click_rate(np.broadcast_to(affinity.mean(axis=0), affinity.shape))
    assert 0.02 < popular < best < 0.15
    assert best > 1.5 * popular > 3 * click.mean()


def test_each_person_clicks_in_the_order_of_their_affinity(users, products):
    affinity = SHOP.affinity(users[:50], products, CUTOFF)
    click, _ = SHOP.response_probabilities(users[:50], products, CUTOFF)
    assert (np.argsort(affinity, kind="stable") == np.argsort(click, kind="stable")).all()


def test_dear_products_deter_the_price_sensitive():
    tastes = SHOP._tastes
    frugal = int(np.argmax(tastes.population.price_sensitivity))
    relaxed = int(np.argmin(tastes.population.price_sensitivity))
    ids, products = tastes.population.ids, SHOP.products()["product_id"].to_list()
    _, order = SHOP.response_probabilities([ids[frugal], ids[relaxed]], products, CUTOFF)
    level = tastes.catalogue.price_level[: len(tastes.catalogue.ids)]
    level = level[tastes.catalogue.launch < np.datetime64(SHOP.end, "D")]
    ratio = np.log(order[0] / order[1])
    assert np.corrcoef(ratio, level)[0, 1] < -0.5


@pytest.mark.parametrize("method", ["affinity", "response_probabilities"])
def test_strangers_are_named(method, users, products):
    with pytest.raises(UserError, match="user_ids contains 'nobody'"):
        getattr(SHOP, method)([users[0], "nobody"], products, CUTOFF)
    with pytest.raises(UserError, match="product_ids contains 'nothing'"):
        getattr(SHOP, method)(users[:1], ["nothing"], CUTOFF)
