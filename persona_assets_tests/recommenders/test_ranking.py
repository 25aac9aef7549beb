import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import UserError
from persona_assets.recommenders import score_blocks
from persona_assets.recommenders.best_columns import best_columns
from persona_assets.recommenders.ranking import LIST_SCHEMA, ranked_lists

NO_PAIRS = pl.DataFrame(schema={"user_id": pl.String(), "product_id": pl.String()})


def brute_force(users, products, scores, k, excluded):
    return [
        (user, rank, products[column], scores[row][column])
        for row, user in enumerate(users)
        for rank, column in enumerate(
            sorted(
                (c for c in range(len(products)) if (user, products[c]) not in excluded),
                key=lambda c: (-scores[row][c], c),
            )[:k],
            start=1,
        )
    ]


@st.composite
def ranking_problems(draw):
    users = [f"u{n}" for n in draw(st.permutations(range(draw(st.integers(1, 5)))))]
    products = [f"p{n}" for n in range(draw(st.integers(1, 6)))]
    # Few different values, so that ties are the rule.
    score = st.integers(-2, 2).map(float)
    row = st.lists(score, min_size=len(products), max_size=len(products))
    scores = draw(st.lists(row, min_size=len(users), max_size=len(users)))
    pair = st.tuples(st.sampled_from([*users, "stranger"]), st.sampled_from([*products, "gone"]))
    return users, products, scores, draw(st.integers(1, 8)), draw(st.sets(pair))


@given(problem=ranking_problems(), per_block=st.integers(1, 12))
def test_lists_equal_a_full_sort_whatever_the_block_size(problem, per_block):
    users, products, scores, k, excluded = problem
    pairs = pl.DataFrame(
        [*excluded], schema={"user_id": pl.String(), "product_id": pl.String()}, orient="row"
    )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_blocks, "SCORES_PER_BLOCK", per_block)
        lists = ranked_lists(
            users,
            pl.Series(products),
            lambda block: np.array(scores[block], dtype=np.float32),
            k=k,
            excluded=pairs,
        )

    assert lists.rows() == brute_force(users, products, scores, k, excluded)


@given(
    scores=st.lists(
        st.lists(st.floats(-1e6, 1e6, width=32), min_size=7, max_size=7), min_size=1, max_size=4
    ),
    k=st.integers(1, 7),
)
def test_best_columns_equal_a_stable_sort(scores, k):
    array = np.array(scores, dtype=np.float32)

    np.testing.assert_array_equal(
        best_columns(array, k), np.argsort(-array, axis=1, kind="stable")[:, :k]
    )


def test_all_ties_are_listed_in_product_order():
    lists = ranked_lists(
        ["u"], pl.Series(["a", "b", "c"]), lambda _: np.zeros((1, 3)), k=2, excluded=NO_PAIRS
    )

    assert lists["product_id"].to_list() == ["a", "b"]


def test_nobody_asked_gives_no_rows_of_the_same_shape():
    lists = ranked_lists([], pl.Series(["a"]), lambda _: np.zeros((0, 1)), k=2, excluded=NO_PAIRS)

    assert lists.is_empty()
    assert lists.schema == LIST_SCHEMA


@pytest.mark.parametrize("k", [0, -5])
def test_k_below_one_is_refused_with_the_remedy(k):
    with pytest.raises(UserError, match=f"k must be at least 1; got {k}; pass a positive --k"):
        ranked_lists(["u"], pl.Series(["a"]), lambda _: np.zeros((1, 1)), k=k, excluded=NO_PAIRS)
