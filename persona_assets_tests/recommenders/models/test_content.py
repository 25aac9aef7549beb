from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError, UserError
from persona_assets.recommenders.catalogue_terms import catalogue, terms, tf_idf
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.content import Content, ContentConfig
from persona_assets.recommenders.protocol import NO_SIDE_INFORMATION, SideInformation
from persona_assets_tests.recommenders.after_history import list_after

CUTOFF = date(2024, 3, 4)
PRODUCTS = pl.DataFrame(
    {
        "product_id": ["mug1", "mug2", "lamp", "cold", "soon", "postage"],
        "name": ["Red mug", "Blue MUG", "Red lamp", "Green mug!", "Red mug", "Postage"],
        "category": ["Cups", "cups ", "Lamps", "cups", "cups", None],
        "brand": ["A", "B", "A", None, "A", None],
        "price": [2.0, 4.0, 50.0, 3.0, 2.0, None],
        "kind": ["product"] * 5 + ["service"],
        "launch_date": [None, None, None, None, CUTOFF, None],
    }
)
SIDE_INFORMATION = SideInformation(products=PRODUCTS)
SHARES = {"category": 1.0, "brand": 1.0, "price": 0.5, "name": 1.0}


@pytest.fixture
def rows(mart):
    return mart(
        ("a", "mug1", "view", 1, 3), ("b", "lamp", "view", 1, 3), ("c", "lamp", "view", 1, 3)
    )


def test_services_and_products_not_yet_launched_are_left_out():
    described = catalogue(PRODUCTS, cutoff=CUTOFF)

    assert described["product_id"].to_list() == ["cold", "lamp", "mug1", "mug2"]


def test_terms_are_values_tiers_and_words():
    found = terms(catalogue(PRODUCTS, cutoff=CUTOFF), price_tiers=2)

    of = {
        product: set(found.filter(product_id=product)["term"])
        for product in ("mug1", "mug2", "lamp", "cold")
    }
    assert of == {
        "mug1": {"category=cups", "brand=a", "price=0", "name=red", "name=mug"},
        "mug2": {"category=cups", "brand=b", "price=1", "name=blue", "name=mug"},
        "lamp": {"category=lamps", "brand=a", "price=1", "name=red", "name=lamp"},
        "cold": {"category=cups", "price=0", "name=green", "name=mug"},
    }


def test_words_are_weighted_as_scikit_learn_does():
    from sklearn.feature_extraction.text import TfidfVectorizer

    described = catalogue(PRODUCTS, cutoff=CUTOFF)
    found = terms(described, price_tiers=2).filter(field="name")
    vectorizer = TfidfVectorizer(token_pattern=r"\w{2,}")
    expected = vectorizer.fit_transform(described["name"].to_list()).toarray()

    weights = tf_idf(found, products=4, shares=SHARES)

    ours = np.zeros_like(expected)
    for product, term, weight in weights.iter_rows():
        row = described["product_id"].index_of(product)
        ours[row, vectorizer.vocabulary_[term.removeprefix("name=")]] = weight
    np.testing.assert_allclose(ours, expected)


def test_fields_have_their_share_of_the_length_and_products_the_length_1():
    found = terms(catalogue(PRODUCTS, cutoff=CUTOFF), price_tiers=2)

    weights = tf_idf(found, products=4, shares=SHARES).join(found, on=["product_id", "term"])

    squares = weights.group_by("product_id", "field").agg(pl.col("weight").pow(2).sum())
    of_mug = dict(squares.filter(product_id="mug1").select("field", "weight").iter_rows())
    assert of_mug == pytest.approx({name: share / 3.5 for name, share in SHARES.items()})
    of_cold = dict(squares.filter(product_id="cold").select("field", "weight").iter_rows())
    assert of_cold == pytest.approx({"category": 1 / 2.5, "price": 0.2, "name": 1 / 2.5})


def test_a_product_that_nobody_interacted_with_is_recommended_for_what_it_is(rows):
    model = Content()
    artefact = model.fit(Interactions.known_at(CUTOFF, rows), side_information=SIDE_INFORMATION)

    lists = list_after(model, artefact, ["mug2"], k=9)

    assert set(lists["product_id"]) == {"mug1", "cold", "lamp"}
    assert lists["product_id"].item(-1) == "lamp"
    assert lists.filter(product_id="cold")["score"].item() > 0.3


def test_scores_are_the_cosines_of_descriptions(rows, mart):
    model = Content(ContentConfig(category=0.0, brand=0.0, price=0.0, history_decay=0.5))
    artefact = model.fit(Interactions.known_at(CUTOFF, rows), side_information=SIDE_INFORMATION)
    history = mart(("n", "cold", "view", 1, 2), ("n", "lamp", "view", 1, 1))

    lists = model.recommend(artefact, ["n"], k=4, histories=history)

    # idf of words in 1, 2 and 3 of 4 products
    once, twice, thrice = (np.log(5 / (1 + n)) + 1 for n in (1, 2, 3))
    red = twice / np.hypot(twice, thrice) * twice / np.hypot(twice, once)
    mug = thrice / np.hypot(twice, thrice) * thrice / np.hypot(once, thrice)
    score = lists.filter(product_id="mug1")["score"].item()
    assert score == pytest.approx(red + 0.5 * mug, rel=1e-6)


def test_popularity_lifts_what_many_interacted_with_only_where_asked(rows):
    artefact = Content().fit(Interactions.known_at(CUTOFF, rows), side_information=SIDE_INFORMATION)

    def score(popularity: float) -> float:
        model = Content(ContentConfig(popularity=popularity))
        lists = list_after(model, artefact, ["mug1"], k=9)
        return lists.filter(product_id="lamp")["score"].item()

    assert score(1.0) == pytest.approx(2 * score(0.0))


def test_a_product_without_description_is_ranked_by_popularity(rows, mart):
    more = rows.vstack(mart(("d", "odd", "view", 1, 1)))
    model = Content()

    lists = list_after(
        model,
        model.fit(Interactions.known_at(CUTOFF, more), side_information=SIDE_INFORMATION),
        ["mug1"],
        k=9,
    )

    assert lists["product_id"].item(-1) == "odd"
    assert lists["score"].item(-1) == -0.5


@pytest.mark.parametrize(
    ("side_information", "message"),
    [
        (NO_SIDE_INFORMATION, "there is no catalogue"),
        (SideInformation(products=PRODUCTS.head(0)), "no product of raw/products"),
        (
            SideInformation(products=PRODUCTS.select("product_id")),
            "no product of raw/products",
        ),
    ],
)
def test_without_descriptions_the_error_says_what_is_missing(rows, side_information, message):
    with pytest.raises(DataError, match=message):
        Content().fit(Interactions.known_at(CUTOFF, rows), side_information=side_information)


def test_a_description_of_nothing_is_refused():
    with pytest.raises(UserError, match="are all 0"):
        ContentConfig(category=0.0, brand=0.0, price=0.0, name=0.0)
