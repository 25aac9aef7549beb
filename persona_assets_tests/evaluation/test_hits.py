import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.evaluation.hits import hit_matrix


def truth(**products):
    return pl.DataFrame(
        [(user, product) for user, text in products.items() for product in text.split()],
        schema=["user_id", "product_id"],
        orient="row",
    )


def test_hits_lie_at_the_rank_of_the_relevant_product(lists):
    shown = lists("als", bob="x a", ann="a b c", everyone="z")
    hits = hit_matrix(shown, truth(bob="a q", ann="c a"), depth=3)
    assert hits.matrix.tolist() == [[True, False, True], [False, True, False]]  # ann, bob
    assert hits.relevant.tolist() == [2, 2]


def test_row_order_does_not_matter(lists):
    shown = lists("als", bob="x a", ann="a b c")
    relevant = truth(bob="a q", ann="c a d")
    expected = hit_matrix(shown, relevant, depth=3)
    for seed in range(5):
        hits = hit_matrix(
            shown.sample(fraction=1, shuffle=True, seed=seed),
            relevant.sample(fraction=1, shuffle=True, seed=seed + 1),
            depth=3,
        )
        assert hits.matrix.tolist() == expected.matrix.tolist()
        assert hits.relevant.tolist() == expected.relevant.tolist() == [3, 2]


def test_users_without_a_list_are_judged_by_the_fallback_list(lists):
    shown = lists("als", ann="a b", everyone="x b")
    hits = hit_matrix(shown, truth(ann="b", new="b x"), depth=2)
    assert hits.matrix.tolist() == [[False, True], [True, True]]


def test_users_with_a_list_do_not_get_the_fallback_list_on_top(lists):
    shown = lists("als", ann="a", everyone="x b")
    assert hit_matrix(shown, truth(ann="b"), depth=2).matrix.tolist() == [[False, False]]


def test_users_without_any_list_are_an_error(lists):
    with pytest.raises(DataError, match=r"top_k, model 'als': 1 judged user.*'new'.*materialize"):
        hit_matrix(lists("als", ann="a"), truth(ann="a", new="a"), depth=2)


def test_ranks_beyond_the_depth_are_not_looked_at(lists):
    assert hit_matrix(lists("als", ann="x y a"), truth(ann="a"), depth=2).matrix.tolist() == [
        [False, False]
    ]


def test_a_product_listed_twice_would_count_twice_and_is_refused(lists):
    with pytest.raises(DataError, match="user_id 'ann': product_id 'a' occurs twice"):
        hit_matrix(lists("als", ann="a b a"), truth(ann="a"), depth=3)


def test_two_products_at_one_rank_are_refused(lists):
    shown = lists("als", ann="a b c").with_columns(rank=pl.col("rank").clip(upper_bound=2))
    with pytest.raises(DataError, match="user_id 'ann': rank 2 occurs twice"):
        hit_matrix(shown, truth(ann="a"), depth=3)
