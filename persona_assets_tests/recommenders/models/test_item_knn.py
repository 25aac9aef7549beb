from datetime import date

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.item_knn import ItemKNN, ItemKNNConfig

CUTOFF = date(2024, 3, 4)


@pytest.fixture
def rows(mart):
    # x: a, b, c; y: a, b; z: b, c, d, e
    return mart(
        *(
            (user, product, "view", 1, 10 - number)
            for user, products in {"a": "xy", "b": "xyz", "c": "xz", "d": "z", "e": "z"}.items()
            for number, product in enumerate(products)
        )
    )


def test_scores_are_the_hand_computed_decayed_cosines(rows, mart):
    model = ItemKNN(ItemKNNConfig(history_decay=0.5, emphasis=1.0))
    history = mart(("n", "y", "view", 1, 2), ("n", "x", "purchase", 3, 1))

    lists = model.recommend(
        model.fit(Interactions.known_at(CUTOFF, rows)), ["n"], k=3, histories=history
    )

    cos_xy, cos_xz, cos_yz = 2 / 6**0.5, 2 / 12**0.5, 1 / 8**0.5
    assert dict(lists.select("product_id", "score").iter_rows()) == pytest.approx(
        {"y": 3 * cos_xy, "z": 3 * cos_xz + 0.5 * cos_yz, "x": 0.5 * cos_xy}, rel=1e-6
    )
    assert lists["product_id"].to_list() == ["y", "z", "x"]


def test_shrinkage_weakens_the_pairs_of_few(rows):
    artefact = ItemKNN(ItemKNNConfig(shrinkage=2.0)).fit(Interactions.known_at(CUTOFF, rows))

    pair = artefact.filter(product_id="x", neighbour_id="y")["score"].item()
    assert pair == pytest.approx(2 / (6**0.5 + 2))


def test_only_the_nearest_are_kept_and_equals_of_the_last_of_them(mart):
    # p: twice with q, once with each of r and s, which are as popular as one another.
    rows = mart(
        *(
            (user, product, "view", 1, 3)
            for user, products in {"a": "pq", "b": "pq", "c": "pr", "d": "ps", "e": "q"}.items()
            for product in products
        )
    )

    def neighbours(most: int) -> list:
        artefact = ItemKNN(ItemKNNConfig(neighbours=most)).fit(Interactions.known_at(CUTOFF, rows))
        near = artefact.filter(pl.col("product_id") == "p", pl.col("neighbour_id") != "p")
        return sorted(near["neighbour_id"])

    assert neighbours(1) == ["q"]
    assert neighbours(2) == ["q", "r", "s"]


def test_repeating_a_product_is_possible_where_it_is_wanted(rows, mart):
    history = mart(("n", "x", "view", 1, 1))
    artefact = ItemKNN().fit(Interactions.known_at(CUTOFF, rows))

    def first(revisit: float) -> str:
        model = ItemKNN(ItemKNNConfig(revisit=revisit))
        return model.recommend(artefact, ["n"], k=1, histories=history)["product_id"].item()

    assert first(0.0) == "y"
    assert first(1.5) == "x"


def test_an_unknown_similarity_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match=r"one of cosine, jaccard, tfidf, bm25; got 'pearson'"):
        ItemKNNConfig(similarity="pearson")
