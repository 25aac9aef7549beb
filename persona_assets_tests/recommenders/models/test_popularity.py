from datetime import date

import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.popularity import Popularity, PopularityConfig
from persona_assets.tables.models import POPULARITY_MODEL

CUTOFF = date(2024, 3, 4)
NO_PAIRS = pl.DataFrame(schema={"user_id": pl.String(), "product_id": pl.String()})


def test_scores_are_the_hand_computed_decayed_sums(mart):
    rows = mart(
        ("a", "x", "purchase", 5, 14),
        ("b", "x", "view", 1, 28),
        ("a", "y", "add_to_cart", 3, 0.000001),
        ("b", "y", "return", 0, 1),
    )

    artefact = Popularity().fit(Interactions.known_at(CUTOFF, rows))

    assert artefact.schema == POPULARITY_MODEL.polars_schema
    assert artefact["cutoff"].unique().to_list() == [CUTOFF]
    assert dict(artefact.select("product_id", "score").iter_rows()) == {
        "x": 2.75,  # 5/2 + 1/4
        "y": pytest.approx(3, abs=1e-6),
    }


def test_the_half_life_decides_whether_old_or_new_interest_wins(mart):
    rows = mart(("a", "old", "purchase", 5, 30), ("b", "new", "view", 1, 1))

    def first(half_life_days: float) -> str:
        model = Popularity(PopularityConfig(half_life_days=half_life_days))
        artefact = model.fit(Interactions.known_at(CUTOFF, rows))
        return model.recommend(artefact, ["c"], k=1, excluded=NO_PAIRS)["product_id"].item()

    assert first(5) == "new"
    assert first(100) == "old"


def test_everyone_gets_the_same_order_less_what_is_excluded(mart):
    model = Popularity()
    artefact = model.fit(
        Interactions.known_at(
            CUTOFF,
            mart(("a", "x", "view", 1, 1), ("a", "y", "view", 3, 1), ("a", "z", "view", 2, 1)),
        )
    )

    lists = model.recommend(
        artefact.reverse(),
        ["a", "b"],
        k=2,
        excluded=pl.DataFrame({"user_id": ["a"], "product_id": ["y"]}),
    )

    assert lists["product_id"].to_list() == ["z", "x", "y", "z"]


def test_ties_go_to_the_earlier_product_whatever_the_order_of_the_artefact(mart):
    model = Popularity()
    artefact = model.fit(
        Interactions.known_at(CUTOFF, mart(*(("a", product, "view", 1, 1) for product in "zxy")))
    )

    for rows in (artefact, artefact.reverse()):
        lists = model.recommend(rows, ["b"], k=2, excluded=NO_PAIRS)
        assert lists["product_id"].to_list() == ["x", "y"]


def test_two_trainings_are_never_mixed(mart):
    model = Popularity()
    rows = mart(("a", "x", "view", 1, 30))
    both = pl.concat(
        [model.fit(Interactions.known_at(day, rows)) for day in (CUTOFF, date(2024, 3, 11))]
    )

    with pytest.raises(DataError, match="models/popularity_model"):
        model.recommend(both, ["a"], k=1, excluded=NO_PAIRS)


def test_among_the_products_of_a_category_it_is_the_popularity_there(mart):
    model = Popularity()
    artefact = model.fit(
        Interactions.known_at(
            CUTOFF,
            mart(
                ("a", "shoe-1", "view", 1, 1),
                ("a", "hat-1", "view", 9, 1),
                ("b", "shoe-2", "view", 3, 1),
                ("b", "hat-2", "view", 5, 1),
            ),
        )
    )

    lists = model.recommend(artefact, ["c"], k=5, candidates=["shoe-1", "shoe-2"])

    assert lists["product_id"].to_list() == ["shoe-2", "shoe-1"]
