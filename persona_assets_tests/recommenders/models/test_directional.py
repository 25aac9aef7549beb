from datetime import date

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.directional import Directional, DirectionalConfig
from persona_assets_tests.recommenders.after_history import list_after

CUTOFF = date(2024, 3, 4)


def walks(mart, *paths: str):
    """Each user walks a path, a product a day, ending the day before the cut-off."""
    return mart(
        *(
            (f"u{number}", product, "view", 1, len(path) - step)
            for number, path in enumerate(paths)
            for step, product in enumerate(path)
        )
    )


def best(model, learned, history: str, k: int = 1) -> list[str]:
    return list_after(model, learned, list(history), k=k)["product_id"].to_list()


def test_what_comes_after_is_recommended_before_what_came_before(mart):
    model = Directional()
    learned = model.fit(Interactions.known_at(CUTOFF, walks(mart, "abc", "abc", "xbc", "abz")))

    assert best(model, learned, "b") == ["c"]
    assert best(model, learned, "ab", 2) == ["c", "z"]


def test_the_latest_interaction_counts_most(mart):
    model = Directional()
    learned = model.fit(Interactions.known_at(CUTOFF, walks(mart, "ab", "ab", "cd", "cd")))

    assert best(model, learned, "ac") == ["d"]
    assert best(model, learned, "ca") == ["b"]


def test_closeness_in_time_counts_where_it_is_asked_for(mart):
    rows = mart(
        ("u", "a", "view", 1, 30), ("u", "far", "view", 1, 2),
        ("v", "a", "view", 1, 30), ("v", "near", "view", 1, 29.99), ("v", "far", "view", 1, 1),
    )  # fmt: skip
    near = Directional(DirectionalConfig(time_decay=1.7, target_damping=0.0))
    anyhow = Directional(DirectionalConfig(target_damping=0.0))

    assert best(near, near.fit(Interactions.known_at(CUTOFF, rows)), "a") == ["near"]
    assert best(anyhow, anyhow.fit(Interactions.known_at(CUTOFF, rows)), "a") == ["far"]


def test_strong_events_weigh_more_in_the_history(mart):
    rows = walks(mart, "ab", "ab", "cd", "cd")
    history = mart(("me", "a", "purchase", 5, 2), ("me", "c", "view", 1, 1))
    learned = Directional().fit(Interactions.known_at(CUTOFF, rows))

    def first(emphasis: float) -> str:
        model = Directional().configured(emphasis=emphasis, history_decay=1.0)
        return model.recommend(
            learned,
            ["me"],
            k=1,
            histories=history,
            excluded=history.select("user_id", "product_id"),
        )["product_id"].item()

    assert first(1.0) == "b"


def test_a_stranger_gets_what_is_popular(mart):
    model = Directional()
    learned = model.fit(Interactions.known_at(CUTOFF, walks(mart, "ab", "ac", "ad")))

    lists = model.recommend(learned, ["*"], k=4)

    assert lists["product_id"][0] == "a"
    assert lists.height == 4


def test_only_candidates_are_listed(mart):
    model = Directional()
    learned = model.fit(Interactions.known_at(CUTOFF, walks(mart, "abc", "abd")))

    lists = model.recommend(learned, ["*"], k=9, candidates=["d", "c", "unheard"])

    assert sorted(lists["product_id"]) == ["c", "d"]


def test_scoring_only_fields_need_no_training(shop):
    model = Directional()
    learned = model.fit(Interactions.known_at(CUTOFF, shop))
    for name in model.scoring_only:
        other = model.configured(**{name: model.space[name][-1]})
        assert other.fit(Interactions.known_at(CUTOFF, shop)).equals(learned), name
    for name in set(model.space) - model.scoring_only:
        other = model.configured(**{name: model.space[name][-1]})
        assert not other.fit(Interactions.known_at(CUTOFF, shop)).equals(learned), name


def test_few_neighbours_are_the_strongest(shop):
    few = Directional(DirectionalConfig(neighbours=3)).fit(Interactions.known_at(CUTOFF, shop))
    many = Directional().fit(Interactions.known_at(CUTOFF, shop))

    pairs = few.filter(pl.col("product_id") != pl.col("neighbour_id"))
    assert pairs.height < many.height
    assert pairs.group_by("product_id").len()["len"].median() == 3


@pytest.mark.parametrize("field", ["window", "history_decay", "neighbours", "time_unit_hours"])
def test_senseless_configurations_are_refused(field):
    with pytest.raises(UserError, match=rf"{field} must be positive"):
        DirectionalConfig(**{field: 0})
    with pytest.raises(UserError, match="must be finite"):
        DirectionalConfig(forward_decay=float("nan"))
