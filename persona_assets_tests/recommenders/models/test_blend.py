from datetime import date

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.errors import UserError
from persona_assets.recommenders.artefact import by_user
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.blend import Blend, BlendConfig
from persona_assets.recommenders.protocol import Task
from persona_assets.recommenders.rank_fusion import reciprocal_ranks, relative_scores

CUTOFF = date(2024, 3, 4)
SMALL = Blend().configured(als={"factors": 4, "iterations": 3})


def shop(mart) -> pl.DataFrame:
    rng = np.random.default_rng(4)
    return mart(
        *(
            (f"u{rng.integers(20)}", f"p{rng.integers(15):02d}", "view", 1, float(days))
            for days in rng.uniform(1, 30, 200)
        )
    )


def users_of(rows: pl.DataFrame) -> list[str]:
    return rows["user_id"].unique().sort().to_list()


def test_reciprocal_ranks_by_hand():
    scores = np.array([[5.0, 9, 5, -1, 0, 2]])

    made = reciprocal_ranks(scores, constant=60, depth=9)

    assert made[0] == pytest.approx([1 / 62.5, 1 / 61, 1 / 62.5, 0, 0, 1 / 64])
    assert reciprocal_ranks(scores, constant=60, depth=2)[0] == pytest.approx(
        [1 / 62.5, 1 / 61, 1 / 62.5, 0, 0, 0]
    )


@settings(max_examples=50)
@given(st.lists(st.integers(-2, 6), min_size=1, max_size=12), st.integers(1, 12), st.randoms())
def test_reciprocal_ranks_do_not_depend_on_columns(values, depth, random):
    order = list(range(len(values)))
    random.shuffle(order)
    scores = np.array([values], dtype=float)

    made = reciprocal_ranks(scores, constant=10, depth=depth)
    moved = reciprocal_ranks(scores[:, order], constant=10, depth=depth)

    assert np.array_equal(made[:, order], moved)
    for value, found in zip(values, made[0], strict=True):
        better = sum(other > value for other in values)
        equal = values.count(value)
        ranked = value > 0 and better < depth
        assert found == pytest.approx(1 / (10 + better + (equal + 1) / 2) if ranked else 0)


def test_relative_scores_are_shares_of_the_best():
    assert relative_scores(np.array([[2.0, -1, 4], [-1, -2, 0]])).tolist() == [
        [0.5, 0, 1], [0, 0, 0]
    ]  # fmt: skip


@pytest.mark.parametrize("part", Blend.parts)
def test_with_the_weight_of_one_part_alone_its_order_is_kept(mart, part):
    rows = shop(mart)
    weights = {f"{name}_weight": float(name == part) for name in Blend.parts}
    blend = SMALL.configured(**weights)
    model = blend.part_models[part]
    users, seen = users_of(rows), rows.select("user_id", "product_id").unique()

    lists = [
        each.recommend(
            each.fit(Interactions.known_at(CUTOFF, rows)), users, k=5, excluded=seen, histories=rows
        ).filter(pl.col("score") > 0)
        for each in (blend, model)
    ]

    pairs = [each.select("user_id", "rank", "product_id") for each in lists]
    # Of scores that differ in their last digits alone, either may come first.
    same = pairs[0].join(pairs[1], on=pairs[0].columns).height
    assert same >= 0.97 * max(pairs[0].height, pairs[1].height) > 0


def test_the_sum_is_weighted(mart):
    rows = shop(mart)
    users = users_of(rows)
    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))

    def scores(**weights: float) -> np.ndarray:
        none = {f"{name}_weight": 0.0 for name in Blend.parts}
        model = SMALL.configured(**(none | weights))
        return model.scorer(artefact, users, histories=rows).scores_of(slice(None))

    both = scores(directional_weight=2.0, als_weight=0.5)
    assert both == pytest.approx(
        2 * scores(directional_weight=1.0) + 0.5 * scores(als_weight=1.0), rel=1e-6, abs=1e-9
    )


def test_the_artefact_holds_its_parts_whatever_the_order_of_its_rows(mart):
    rows = shop(mart)
    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))
    shuffled = artefact.sample(fraction=1, shuffle=True, seed=2)
    users = users_of(rows)

    assert artefact.schema == Blend.artefact.polars_schema
    assert artefact.select(Blend.artefact.key).is_unique().all()
    assert set(artefact["part"]) == set(Blend.parts)
    for column in Blend.artefact.columns:
        assert column.nullable or artefact[column.name].null_count() == 0
    assert SMALL.recommend(shuffled, users, k=5, histories=rows).equals(
        SMALL.recommend(artefact, users, k=5, histories=rows)
    )
    assert SMALL.fit(
        Interactions.known_at(CUTOFF, rows.sample(fraction=1, shuffle=True, seed=1))
    ).equals(artefact)


def test_a_user_can_be_served_from_the_rows_of_everyone_and_their_own(mart):
    rows = shop(mart)
    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))
    common, own = by_user(nw.from_native(artefact.lazy()))
    assert own is not None
    mine = pl.concat([
        common.collect("polars").to_native(),
        own.filter(nw.col("id") == "u3").collect("polars").to_native(),
    ])  # fmt: skip

    served = SMALL.recommend(mine, ["u3"], k=9, histories=rows)

    assert mine.height < artefact.height
    assert served.equals(SMALL.recommend(artefact, ["u3"], k=9, histories=rows))


def test_people_without_history_get_the_popular_products(mart):
    rows = mart(
        ("u", "p", "view", 1, 9), ("v", "p", "view", 1, 9), ("v", "q", "view", 1, 8),
        ("w", "p", "view", 1, 3),
    )  # fmt: skip
    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))

    assert SMALL.recommend(artefact, ["*"], k=9)["product_id"].to_list() == ["p", "q"]


def test_what_lists_may_not_hold_is_not_what_scores_are_compared_with(mart):
    rows = shop(mart)
    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))
    repeats = SMALL.for_task(Task(unseen=False))
    histories = rows.filter(user_id="u3")

    fresh = SMALL.scorer(artefact, ["u3"], histories=histories)
    any_product = repeats.scorer(artefact, ["u3"], histories=histories)

    seen = fresh.products.is_in(histories["product_id"].implode()).to_numpy()
    assert (fresh.scores_of(slice(None))[0, seen] == 0).all()
    assert (any_product.scores_of(slice(None))[0, seen] > 0).any()


def test_nothing_later_changes_the_artefact(mart):
    rows = shop(mart)
    later = mart(("u1", "p01", "view", 1, 0), ("u1", "new", "view", 1, 5, -1))

    assert SMALL.fit(Interactions.known_at(CUTOFF, pl.concat([later, rows]))).equals(
        SMALL.fit(Interactions.known_at(CUTOFF, rows))
    )


def test_a_blend_of_nothing_and_an_unknown_fusion_are_refused():
    with pytest.raises(UserError, match="weights of all parts are 0"):
        Blend().configured(**{f"{name}_weight": 0.0 for name in Blend.parts})
    with pytest.raises(UserError, match="one of relative_score, reciprocal_rank; got 'sum'"):
        BlendConfig(fusion="sum")
