from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.session_knn import SessionKNN, SessionKNNConfig
from persona_assets.recommenders.sequences import sequences

CUTOFF = date(2024, 3, 4)
MINUTE = 1 / (24 * 60)


def sessions(mart, *contents: str) -> pl.DataFrame:
    """One session per text, of people of their own, a day apart, the last the latest."""
    return mart(
        *(
            (f"u{number}", product, "view", 1, len(contents) - number - place * MINUTE)
            for number, products in enumerate(contents)
            for place, product in enumerate(products)
        )
    )


def test_scores_are_the_hand_computed_sums_over_sessions(mart):
    model = SessionKNN(
        SessionKNNConfig(
            history_decay=0.5,
            emphasis=1.0,
            length_damping=0.5,
            source_damping=1.0,
            target_damping=0.0,
        )
    )
    artefact = model.fit(Interactions.known_at(CUTOFF, sessions(mart, "xy", "xyz", "yw", "q")))
    history = mart(("n", "y", "view", 1, 0.2), ("n", "x", "purchase", 3, 0.1))

    lists = model.recommend(artefact, ["n"], k=5, histories=history)

    x, y = 3 / 2, 0.5 / 3  # weight over sessions with the product
    of_xy, of_xyz, of_yw = (x + y) / 2**0.5, (x + y) / 3**0.5, y / 2**0.5
    assert dict(lists.select("product_id", "score").iter_rows()) == pytest.approx(
        {
            "y": of_xy + of_xyz + of_yw,
            "x": of_xy + of_xyz,
            "z": of_xyz,
            "w": of_yw,
            "q": -0.5,
        },
        rel=1e-6,
    )


def test_it_is_the_brute_force_sum_on_a_whole_shop(shop):
    config = SessionKNNConfig(unit="person", neighbours=20, recent=60)
    model = SessionKNN(config)
    artefact = model.fit(Interactions.known_at(CUTOFF, shop))
    past = sequences(artefact.rename({"session_id": "user_id"}))
    history = shop.filter(pl.col("user_id") == "u007", pl.col("event_ts") < pl.lit(CUTOFF))
    own = sequences(history, users=["u007"], products=past.products)
    contents = [
        dict(zip(past.items[a:b], past.times[a:b], strict=True))
        for a, b in zip(past.starts[:-1], past.starts[1:], strict=True)
    ]
    similar = np.zeros(len(contents))
    for item, age, strength in zip(own.items, own.ages, own.strengths, strict=True):
        if age >= 50:
            continue
        times = sorted((c[item] for c in contents if item in c and len(c) > 1), reverse=True)
        weight = 0.7**age * strength**0.5 / sum(item in c for c in contents) ** 0.5
        for number, content in enumerate(contents):
            if item in content and len(content) > 1 and content[item] >= times[:60][-1]:
                similar[number] += weight / len(content) ** 0.5
    near = np.where(similar.astype("f4") >= np.sort(similar.astype("f4"))[-20], similar, 0)
    popularity = np.array([sum(item in c for c in contents) for item in range(len(past.products))])
    expected = [
        sum(near[number] for number, c in enumerate(contents) if item in c)
        * (popularity[item] + 1) ** -0.1
        for item in range(len(past.products))
    ]

    scores = model.scorer(artefact, ["u007"], histories=history).scores_of(slice(0, 1))[0]

    expected = np.where(np.array(expected) > 0, expected, -1 / (1 + popularity))
    assert (expected > 0).sum() > 50
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_only_the_latest_sessions_of_a_product_are_looked_up(mart):
    rows = sessions(mart, "xa", "xb", "xb", "xc")
    history = mart(("n", "x", "view", 1, 0.1))
    model = SessionKNN(SessionKNNConfig(recent=3, unit="person"))

    scores = model.recommend(
        model.fit(Interactions.known_at(CUTOFF, rows)), ["n"], k=4, histories=history
    )

    found = dict(scores.select("product_id", "score").iter_rows())
    assert found["b"] > found["c"] > 0 > found["a"]


def test_a_session_of_one_product_speaks_for_nothing(mart):
    rows = sessions(mart, "x", "x", "yz", "yz")
    history = mart(("n", "x", "view", 1, 0.1))
    model = SessionKNN()

    lists = model.recommend(
        model.fit(Interactions.known_at(CUTOFF, rows)), ["n"], k=3, histories=history
    )

    assert lists["score"].to_list() == pytest.approx([-1 / 3] * 3)


def test_an_unknown_unit_is_refused():
    with pytest.raises(UserError, match="one of visit, person; got 'year'"):
        SessionKNNConfig(unit="year")
