from itertools import permutations, product
from math import log2

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import DataError
from persona_assets.evaluation.expected import gains_of
from persona_assets.evaluation.hits import hit_matrix, hits_of_scores
from persona_assets.evaluation.metrics import DEBIASED, METRICS
from persona_assets.recommenders import score_blocks
from persona_assets.tables.models import TOP_K

DEPTH = 8


def truth(**products):
    return pl.DataFrame(
        [(user, product) for user, text in products.items() for product in text.split()],
        schema=["user_id", "product_id"],
        orient="row",
    )


def test_hits_lie_at_the_rank_of_the_relevant_product(lists):
    shown = lists("als", bob="x a", ann="a b c", everyone="z")
    hits = hit_matrix(shown, truth(bob="a q", ann="c a"), depth=3)
    assert hits.matrix.tolist() == [[1, 0, 1], [0, 1, 0]]  # ann, bob
    assert hits.relevant.tolist() == [2, 2]
    assert hits.listed.tolist() == [3, 2]
    assert hits.candidates.tolist() == [3, 3]  # bob: x, a and q


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


def test_users_without_a_list_are_evaluated_with_the_fallback_list(lists):
    shown = lists("als", ann="a b", everyone="x b")
    hits = hit_matrix(shown, truth(ann="b", new="b x"), depth=2)
    assert hits.matrix.tolist() == [[0, 1], [1, 1]]


def test_users_with_a_list_do_not_get_the_fallback_list_on_top(lists):
    shown = lists("als", ann="a", everyone="x b")
    assert hit_matrix(shown, truth(ann="b"), depth=2).matrix.tolist() == [[0, 0]]


def test_users_without_any_list_are_an_error(lists):
    with pytest.raises(
        DataError, match=r"top_k, model 'als': 1 evaluated user.*'new'.*materialize"
    ):
        hit_matrix(lists("als", ann="a"), truth(ann="a", new="a"), depth=2)


def test_ranks_beyond_the_depth_are_not_looked_at(lists):
    hits = hit_matrix(lists("als", ann="x y a"), truth(ann="a"), depth=2)
    assert hits.matrix.tolist() == [[0, 0]]


def test_a_product_listed_twice_would_count_twice_and_is_refused(lists):
    with pytest.raises(DataError, match="user_id 'ann': product_id 'a' occurs twice"):
        hit_matrix(lists("als", ann="a b a"), truth(ann="a"), depth=3)


def test_two_products_at_one_rank_are_refused(lists):
    shown = lists("als", ann="a b c").with_columns(rank=pl.col("rank").clip(upper_bound=2))
    with pytest.raises(DataError, match="user_id 'ann': rank 2 occurs twice"):
        hit_matrix(shown, truth(ann="a"), depth=3)


def test_only_neighbours_in_a_list_tie(lists):
    # Whoever lists a higher score below a lower one has said which comes first.
    shown = lists("als", ann="a b c").with_columns(score=pl.Series([1.0, 2.0, 1.0]))
    assert hit_matrix(shown, truth(ann="a"), depth=3).matrix.tolist() == [[1, 0, 0]]


# Ties: one user's products as (score, relevant, worth), ranked in all orders of equal scores.
tied_products = st.lists(
    st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from([0.25, 1.0, 3.0])),
    min_size=1,
    max_size=6,
).filter(lambda products: any(relevant for _, relevant, _ in products))


def orders(products):
    """Every ranking by descending score."""
    scores = sorted({score for score, *_ in products}, reverse=True)
    groups = [[each for each in products if each[0] == score] for score in scores]
    for arranged in product(*(permutations(group) for group in groups)):
        yield [each for group in arranged for each in group]


def ratio(part, whole):
    return part / whole if whole else 1.0


def discounted(gains, k):
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains[:k], start=1))


def of_one_order(ranking, missing, k):
    """Every metric from its definition; `missing` relevant products cannot be ranked at all."""
    hit = [relevant for _, relevant, _ in ranking]
    top = hit[:k]
    worth = [w for _, relevant, w in ranking if relevant] + [1.0] * missing
    ranks = [rank for rank, each in enumerate(top, start=1) if each]
    total = sum(hit) + missing
    others = len(hit) - sum(hit)
    precisions = [sum(top[:rank]) / rank for rank in ranks]
    # Pairs of a relevant product and another one; what is not among the first k ties there.
    place = [min(rank, k) for rank in range(len(hit))] + [min(k, len(hit))] * missing
    pairs = [
        (place[a], place[b])
        for a in range(len(place))
        for b in range(len(hit))
        if (a >= len(hit) or hit[a]) and not hit[b]
    ]
    gains = [w * relevant for _, relevant, w in ranking]
    return {
        "precision": sum(top) / k,
        "recall": sum(top) / total,
        "f1": 2 * ratio(sum(top) / k * sum(top) / total, sum(top) / k + sum(top) / total)
        if ranks
        else 0.0,
        "hit_rate": float(bool(ranks)),
        "mrr": 1 / ranks[0] if ranks else 0.0,
        "map": sum(precisions) / min(k, total),
        "map_all": sum(precisions) / total,
        "ndcg": discounted(top, k) / discounted([1] * total, k),
        "ndcg_full": discounted(top, k) / discounted([1] * k, k),
        "r_precision": sum(top[: min(k, total)]) / min(k, total),
        "auc": sum(1.0 if a < b else 0.5 * (a == b) for a, b in pairs) / len(pairs)
        if others
        else 1.0,
        "recall_debiased": sum(gains[:k]) / sum(worth),
        "ndcg_debiased": discounted(gains, k) / discounted(sorted(worth, reverse=True), k),
    }


def expected(products, missing, k):
    every = [of_one_order(ranking, missing, k) for ranking in orders(products)]
    return {name: sum(each[name] for each in every) / len(every) for name in every[0]}


def measured(hits, rows, worth, k):
    gains = gains_of(hits, rows, worth)
    return {name: metric(hits, k) for name, metric in METRICS.items()} | {
        name: metric(gains, k) for name, metric in DEBIASED.items()
    }


# The first example loads compiled code.
@given(st.lists(tied_products, min_size=1, max_size=3), st.integers(0, 2), st.integers(1, DEPTH))
def test_every_metric_is_its_mean_over_all_orders_of_tied_products(people, missing, k):
    width = max(map(len, people))
    scores = np.full((len(people), width), -9.0)
    rows, columns, worth, hidden = [], [], [], []
    for row, products in enumerate(people):
        for column, (score, relevant, weight) in enumerate(products):
            scores[row, column] = score
            if relevant:
                rows, columns, worth = [*rows, row], [*columns, column], [*worth, weight]
        hidden += [(row, column) for column in range(len(products), width)]
    relevant = np.array(rows), np.array(columns)
    hits = hits_of_scores(
        lambda block: scores[block].copy(),
        relevant,
        tuple(np.array(hidden, dtype=np.int64).reshape(-1, 2).T),
        totals=np.bincount(relevant[0]) + missing,
        products=width,
        depth=DEPTH,
    )
    of = [expected(products, missing, k) for products in people]
    names = [*METRICS] if missing else [*METRICS, *DEBIASED]
    found = measured(hits, relevant[0], np.array(worth), k)
    for name in names:
        np.testing.assert_allclose(
            found[name], [each[name] for each in of], atol=1e-12, err_msg=name
        )


@st.composite
def shops(draw):
    """Scores of three users for seven products, what is relevant and what excluded."""
    scores = np.array(draw(st.lists(st.integers(0, 3), min_size=21, max_size=21))).reshape(3, 7)
    kind = np.array(draw(st.lists(st.sampled_from("rxo"), min_size=21, max_size=21))).reshape(3, 7)
    kind[:, 0] = "r"
    return scores.astype(float), kind


def lists_from(scores, kind, users, products):
    """Lists that hold everything but what is excluded, equal scores in the order of names."""
    rows = []
    for row, user in enumerate(users):
        listed = [column for column in range(7) if kind[row, column] != "x"]
        listed.sort(key=lambda column: (-scores[row, column], products[column]))
        rows += [
            (None, "m", user, rank, products[column], scores[row, column])
            for rank, column in enumerate(listed, start=1)
        ]
    return pl.DataFrame(rows, schema=TOP_K.polars_schema, orient="row")


def pairs(kind, users, products, letter="r"):
    return pl.DataFrame(
        [(users[row], products[column]) for row, column in np.argwhere(kind == letter)],
        schema={"user_id": pl.String, "product_id": pl.String},
        orient="row",
    )


def everything(hits):
    groups = hits.groups
    return [
        *(hits.matrix, hits.joint, hits.missed, hits.relevant, hits.candidates, hits.listed),
        *(groups.row, groups.above, groups.size, groups.relevant, groups.of_pair),
    ]


@given(shops(), st.integers(1, 9), st.integers(1, 25))
def test_full_ranking_equals_lists_that_hold_everything(shop, depth, scores_per_block):
    scores, kind = shop
    users, products = ["ann", "bob", "cid"], list("abcdefg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_blocks, "SCORES_PER_BLOCK", scores_per_block)
        from_scores = hits_of_scores(
            lambda block: scores[block].astype(np.float32),
            tuple(np.argwhere(kind == "r").T),
            tuple(np.argwhere(kind == "x").T),
            totals=(kind == "r").sum(axis=1),
            products=7,
            depth=depth,
        )
    from_lists = hit_matrix(
        lists_from(scores, kind, users, products), pairs(kind, users, products), depth=depth
    )
    for one, other in zip(everything(from_scores), everything(from_lists), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@given(shops(), st.permutations("abcdefg"), st.permutations(["ann", "bob", "cid"]))
def test_names_of_users_and_products_change_no_metric(shop, products, users):
    scores, kind = shop

    def evaluated(users, products):
        hits = hit_matrix(
            lists_from(scores, kind, users, products), pairs(kind, users, products), depth=DEPTH
        )
        order = np.argsort(users)
        return {
            (name, k): metric(hits, k)[np.argsort(order)]
            for name, metric in METRICS.items()
            for k in range(1, DEPTH + 1)
        }

    renamed = evaluated(users, products)
    for key, values in evaluated(["ann", "bob", "cid"], list("abcdefg")).items():
        np.testing.assert_allclose(renamed[key], values, atol=1e-12, err_msg=str(key))


def test_a_tie_by_hand():
    # Three products of one score, two of them relevant, below one that is not.
    hits = hits_of_scores(
        lambda block: np.array([[9.0, 5.0, 5.0, 5.0, 1.0]])[block].copy(),
        (np.array([0, 0]), np.array([1, 3])),
        (np.array([], dtype=int), np.array([], dtype=int)),
        totals=np.array([2]),
        products=5,
        depth=4,
    )
    np.testing.assert_allclose(hits.matrix, [[0, 2 / 3, 2 / 3, 2 / 3]])
    np.testing.assert_allclose(hits.missed, [[1, 1 / 3, 0, 0]])
    # H is 1 at the first place, 1 or 2 at the second, 2 at the third.
    np.testing.assert_allclose(hits.joint, [[0, 2 / 3, 1 / 3 * 1 + 1 / 3 * 2, 2 / 3 * 2]])


def test_users_with_few_and_with_many_relevant_products_are_counted_right():
    generator = np.random.default_rng(3)
    scores = generator.integers(0, 40, size=(4, 700)).astype(np.float32)
    kind = np.where(generator.random((4, 700)) < [[0.1], [0.5], [0.2], [0.9]], "r", "o")
    hits = hits_of_scores(
        lambda block: scores[block].copy(),
        tuple(np.argwhere(kind == "r").T),
        (np.array([], dtype=int), np.array([], dtype=int)),
        totals=(kind == "r").sum(axis=1),
        products=700,
        depth=20,
    )
    groups = hits.groups
    for row, above, size, relevant in zip(
        groups.row, groups.above, groups.size, groups.relevant, strict=True
    ):
        [score] = {s for s in scores[row] if (scores[row] > s).sum() == above}
        assert size == (scores[row] == score).sum()
        assert relevant == ((scores[row] == score) & (kind[row] == "r")).sum()
