from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.experiments.fitted_response import FEATURES, fit_response
from persona_assets.experiments.prices import price_list
from persona_assets.experiments.response import VISITS
from persona_assets.sources.attribute_deliveries import after_delivery
from persona_assets.tables.raw import PRODUCT_HISTORY
from persona_assets.tables.raw import PRODUCTS as RAW_PRODUCTS
from persona_assets.transforms.attribute_history import as_known_at

W = date(2025, 3, 3)
MIDNIGHT = datetime(2025, 3, 3, tzinfo=UTC)
USERS = [f"u{number:03d}" for number in range(300)]
PRODUCTS = [f"p{number:02d}" for number in range(60)]
PRICES = pl.DataFrame({"product_id": PRODUCTS, "price": [5.0 + n % 20 for n in range(60)]})


def events(rows):
    """Rows of (user, product, days after W, type) or with a delay of arrival in days."""
    frame = pl.DataFrame(
        [(*row, 0.0)[:5] for row in rows],
        schema=["user_id", "product_id", "days", "event_type", "delay"],
        orient="row",
    )
    return frame.select(
        "user_id",
        "product_id",
        "event_type",
        event_ts=pl.lit(MIDNIGHT) + pl.duration(microseconds=pl.col("days") * 86_400_000_000),
        unit_price=pl.lit(10.0),
        delay=pl.duration(microseconds=pl.col("delay") * 86_400_000_000),
    ).with_columns(
        event_date=pl.col("event_ts").dt.date(),
        arrived_at=pl.col("event_ts") + pl.col("delay"),
    )


def shop(seed=0):
    """Four weeks of history and an evaluated week drawn from planted coefficients.

    Returns the events, and the planted probability of an interaction, (users × products).
    """
    rng = np.random.default_rng(seed)
    taste, trait = rng.normal(size=(300, 4)), rng.normal(size=(60, 4))
    cosine = (taste @ trait.T) / np.outer(
        np.linalg.norm(taste, axis=1), np.linalg.norm(trait, axis=1)
    )
    eager = rng.exponential(1.0, 300)[:, None]
    before = rng.poisson(0.15 * eager * np.exp(cosine))
    before[0, :] += 1  # so that every product, and
    before[:, 0] += 1  # every user, is known
    activity, popularity = before.sum(axis=1, keepdims=True), before.sum(axis=0, keepdims=True)
    log_odds = (
        -7.0
        + 0.8 * np.log1p(activity)
        + 0.3 * np.log1p(popularity)
        + 1.5 * cosine
        + 0.7 * (before > 0)
        - 0.5 * np.abs(np.log(PRICES["price"].to_numpy() / 10.0))[None, :]
    )
    probability = 1 / (1 + np.exp(-log_odds))
    interacted = rng.random(probability.shape) < probability
    bought = interacted & (rng.random(probability.shape) < 0.4)
    rows = [
        (USERS[u], PRODUCTS[p], -1.5 - 20 * rng.random(), "view")
        for u, p in np.argwhere(before)
        for _ in range(before[u, p])
    ]
    for kind, mask in (("view", interacted), ("purchase", bought)):
        rows += [(USERS[u], PRODUCTS[p], 7 * rng.random(), kind) for u, p in np.argwhere(mask)]
    embeddings = (
        pl.DataFrame({"user_id": USERS, "vector": taste.tolist()}),
        pl.DataFrame({"product_id": PRODUCTS, "vector": (3 * trait).tolist()}),
    )
    return events(rows), embeddings, probability


INTERACTIONS, EMBEDDINGS, PROBABILITY = shop()
PAIRS = pl.DataFrame({"user_id": USERS}).join(pl.DataFrame({"product_id": PRODUCTS}), how="cross")


def fit(interactions=INTERACTIONS, embeddings=EMBEDDINGS, prices=PRICES, seed=1):
    return fit_response(interactions, prices, *embeddings, cutoff=W, seed=seed)


def test_planted_coefficients_come_back_and_rare_interactions_are_not_inflated():
    fitted = fit()
    found = dict(zip(FEATURES, fitted.coefficients, strict=True))
    planted = {
        "user_activity": 0.8,
        "product_popularity": 0.3,
        "cosine": 1.5,
        "touched_before": 0.7,
        "price_distance": -0.5,
    }
    for name, coefficient in planted.items():
        assert found[name] == pytest.approx(coefficient, abs=0.3), name
    p_click, p_order = fitted.probabilities(PAIRS)
    per_week = 1 - (1 - p_click) ** VISITS
    # Touches are over-represented in the sample; the prior correction undoes that.
    assert per_week.mean() == pytest.approx(PROBABILITY.mean(), rel=0.1)
    assert np.corrcoef(per_week, PROBABILITY.ravel())[0, 1] > 0.95
    assert np.unique(p_order) == pytest.approx([0.4], abs=0.05)


def test_features_do_not_see_what_happened_or_arrived_after_the_cutoff():
    planted = events(
        [(user, "p01", -3.0, "purchase", 4.0) for user in USERS]  # arrived after the cut-off
        + [(user, "p02", 9.0, "purchase") for user in USERS]  # happened after the evaluated week
    )
    with_planted = fit(pl.concat([INTERACTIONS, planted]))
    plain = fit()
    assert with_planted.probabilities(PAIRS)[0].tolist() == plain.probabilities(PAIRS)[0].tolist()
    assert with_planted.order_share == plain.order_share
    known_in_time = events([(user, "p01", -3.0, "purchase") for user in USERS])
    moved = fit(pl.concat([INTERACTIONS, known_in_time]))
    assert moved.probabilities(PAIRS)[0].tolist() != plain.probabilities(PAIRS)[0].tolist()


def test_what_arrives_after_the_evaluated_week_moves_nothing():
    """Else the same week would be fitted differently once its late rows are in."""
    late = [(user, "p03", 3.0, "purchase", 4.0) for user in USERS]  # at the midnight that ends it
    plain, with_late = fit(), fit(pl.concat([INTERACTIONS, events(late)]))
    assert with_late.probabilities(PAIRS)[0].tolist() == plain.probabilities(PAIRS)[0].tolist()
    assert with_late.order_share == plain.order_share
    in_time = events([(*row[:4], 3.999) for row in late])
    moved = fit(pl.concat([INTERACTIONS, in_time]))
    assert moved.probabilities(PAIRS)[0].tolist() != plain.probabilities(PAIRS)[0].tolist()


def test_rows_order_changes_nothing_and_the_seed_little():
    shuffled = fit(
        INTERACTIONS.sample(fraction=1, shuffle=True, seed=2),
        tuple(frame.sample(fraction=1, shuffle=True, seed=2) for frame in EMBEDDINGS),
        PRICES.reverse(),
    )
    plain = fit()
    assert shuffled.coefficients.tolist() == plain.coefficients.tolist()
    assert shuffled.probabilities(PAIRS)[0].tolist() == plain.probabilities(PAIRS)[0].tolist()
    other = fit(seed=2)
    assert other.coefficients.tolist() != plain.coefficients.tolist()
    assert other.coefficients == pytest.approx(plain.coefficients, abs=0.4)


def test_what_is_not_known_is_zero():
    interactions = events(
        [
            ("a", "x", -2.0, "view"),
            ("a", "x", -40.0, "view"),
            ("b", "y", -1.0, "view"),
            ("b", "y", -1.0, "return"),
            ("a", "y", 1.0, "view"),
        ]
    )
    prices = pl.DataFrame({"product_id": ["x", "y"], "price": [20.0, None]})
    embeddings = (
        pl.DataFrame({"user_id": ["a"], "vector": [[3.0, 4.0]]}),
        pl.DataFrame({"product_id": ["x", "y"], "vector": [[1.0, 0.0], [0.0, 0.0]]}),
    )
    known = fit(interactions, embeddings, prices).known
    pairs = pl.DataFrame({"user_id": ["a", "a", "b", "new"], "product_id": ["x", "y", "x", "new"]})
    one, price = np.log(2), np.log(20 / 10)
    assert known.features(pairs) == pytest.approx(
        np.array([[one, one, 0.6, 1, price], [one, one, 0, 0, 0], [one, one, 0, 0, price], [0] * 5])
    )
    nobody = (EMBEDDINGS[0].clear(), EMBEDDINGS[1].clear())
    assert fit(interactions, nobody, prices).known.features(pairs)[:, 2].tolist() == [0] * 4


def test_a_shop_of_purchases_only_orders_on_every_click():
    fitted = fit(INTERACTIONS.with_columns(event_type=pl.lit("purchase")))
    assert fitted.order_share == 1.0
    assert fitted.label == "fitted"


def test_a_week_without_interactions_is_named():
    with pytest.raises(DataError, match=r"0 were interacted with in the seven days"):
        fit(INTERACTIONS.filter(pl.col("event_date") < W))
    with pytest.raises(DataError, match=r"of 0 pairs"):
        fit(INTERACTIONS.filter(pl.col("event_date") >= W))


def test_prices_are_the_catalogues_else_the_median_paid():
    products = pl.DataFrame({"product_id": ["b", "a", "c"], "price": [None, 3.0, None]})
    seen = pl.DataFrame({"product_id": ["a", "b", "b", "b"], "unit_price": [9.0, 1.0, 2.0, None]})
    assert price_list(products, seen).rows() == [("a", 3.0), ("b", 1.5), ("c", None)]


def test_prices_of_a_cutoff_do_not_move_with_a_later_price_list():
    catalogue = pl.DataFrame(
        [{"product_id": name, "price": price, "kind": "product"} for name, price in PRICES.rows()],
        schema=RAW_PRODUCTS.polars_schema,
    )
    before = after_delivery(PRODUCT_HISTORY.empty(), catalogue, MIDNIGHT - timedelta(days=9))
    dearer = catalogue.with_columns(pl.col("price") * 3).tail(-1)
    after = after_delivery(before, dearer, MIDNIGHT)
    nothing = INTERACTIONS.clear()

    def prices(history, cutoff):
        return price_list(as_known_at(history, cutoff), nothing)

    assert prices(after, W).equals(prices(before, W))
    later = W + timedelta(days=1)
    assert prices(after, later)["price"].to_list() == [p * 3 for p in PRICES["price"][1:]]
    # So the fitted response does not move either, nor, with it, what is simulated.
    moved, plain = (fit(prices=prices(each, W)) for each in (after, before))
    assert moved.probabilities(PAIRS)[0].tolist() == plain.probabilities(PAIRS)[0].tolist()


def test_products_that_the_catalogue_did_not_list_yet_have_the_price_paid():
    products = pl.DataFrame({"product_id": ["a"], "price": [3.0]})
    seen = pl.DataFrame({"product_id": ["b", "b"], "unit_price": [1.0, 2.0]})
    assert price_list(products, seen).rows() == [("a", 3.0), ("b", 1.5)]
