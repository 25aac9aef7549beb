from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models import item2vec
from persona_assets.recommenders.models.item2vec import Item2Vec, Item2VecConfig
from persona_assets.recommenders.sequences import sequences
from persona_assets_tests.recommenders.after_history import list_after

CUTOFF = date(2024, 3, 4)
SMALL = Item2VecConfig(factors=8, epochs=30)


def test_products_interacted_with_after_one_another_lead_to_one_another(mart):
    # Two tastes that share nothing, in orders drawn at random.
    random = np.random.default_rng(1)
    rows = mart(
        *(
            (f"u{user}", f"{'ab'[user % 2]}{product}", "view", 1, 30 - place)
            for user in range(60)
            for place, product in enumerate(random.permutation(8)[:5])
        )
    )
    model = Item2Vec(SMALL)

    lists = list_after(model, model.fit(Interactions.known_at(CUTOFF, rows)), ["a0", "a5"], k=6)

    assert set(lists["product_id"]) == {"a1", "a2", "a3", "a4", "a6", "a7"}


def test_scores_order_as_the_decayed_mean_of_vectors_times_contexts(shop, mart):
    model = Item2Vec(Item2VecConfig(factors=8, epochs=2, history_decay=0.5, emphasis=1.0))
    artefact = model.fit(Interactions.known_at(CUTOFF, shop))
    history = mart(("n", "p003", "view", 1, 2), ("n", "p017", "purchase", 3, 1))

    def vector(product: str) -> np.ndarray:
        return np.array(artefact.filter(product_id=product)["vector"].item())

    mean = (0.5 * vector("p003") + 3 * vector("p017")) / 3.5
    contexts = np.array(artefact["context"].to_list())
    known = contexts.any(axis=1)
    lists = model.recommend(artefact, ["n"], k=480, histories=history)

    expected = (
        artefact["product_id"]
        .filter(pl.Series(known))
        .to_numpy()[np.argsort(-(contexts[known] @ mean))]
    )
    assert lists["product_id"].head(50).to_list() == expected[:50].tolist()


def test_products_that_too_few_people_interacted_with_come_last_by_popularity(mart):
    rows = mart(
        *((user, product, "view", 1, 3) for user in "abcd" for product in "xyz"),
        ("a", "rare", "view", 1, 2),
        ("a", "few", "view", 1, 2),
        ("b", "few", "view", 1, 2),
    )
    model = Item2Vec(Item2VecConfig(factors=4, min_count=3))
    artefact = model.fit(Interactions.known_at(CUTOFF, rows))

    lists = list_after(model, artefact, ["x"], k=9)

    assert not np.array(artefact.filter(product_id="few")["vector"].item()).any()
    assert set(lists["product_id"].head(2)) == {"y", "z"}
    assert lists["product_id"].tail(2).to_list() == ["few", "rare"]


def test_words_are_the_products_in_order_and_baskets_are_shuffled_by_the_seed(mart, monkeypatch):
    basket = [("a", f"p{n}", "view", 1, 5) for n in range(9)]
    log = sequences(mart(*basket, ("a", "q", "view", 1, 6), ("b", "p1", "view", 1, 1)))

    first, second = item2vec._sentences(log, 0)

    assert first[0] == str(log.products.index_of("q"))
    assert sorted(first[1:]) == [str(n) for n in range(9)]
    assert first[1:] != sorted(first[1:])
    assert first != item2vec._sentences(log, 1)[0]
    assert second == ["1"]
    monkeypatch.setattr(item2vec, "LONGEST_SENTENCE", 4)
    assert [len(sentence) for sentence in item2vec._sentences(log, 0)] == [4, 4, 2, 1]
    assert [word for part in item2vec._sentences(log, 0)[:3] for word in part] == first


@pytest.mark.parametrize("min_count", [1, 2])
def test_one_interaction_alone_is_enough_for_an_artefact(mart, min_count):
    model = Item2Vec(Item2VecConfig(factors=4, min_count=min_count))

    artefact = model.fit(Interactions.known_at(CUTOFF, mart(("a", "x", "view", 1, 1))))

    assert artefact.schema == model.artefact.polars_schema
    assert model.recommend(artefact, ["a"], k=2)["product_id"].to_list() == ["x"]
