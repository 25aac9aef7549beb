import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.evaluation.expected import Gains, Hits, gains_of
from persona_assets.evaluation.hits import hits_of_lists
from persona_assets.evaluation.lists import Lists
from persona_assets.evaluation.metrics import DEBIASED, KS, METRICS, NAMES

DEPTH = 20
CANDIDATES = 60


def hits_of(*users: tuple[str, int]) -> Hits:
    """Users as ("0101…" from rank 1, number of relevant products); 60 products could be listed."""
    width = max(len(text) for text, _ in users)
    products = np.array([[n if n < len(text) else -1 for n in range(width)] for text, _ in users])
    scores = np.tile(-np.arange(width, dtype=float), (len(users), 1))
    pairs = [
        (row, product)
        for row, (text, relevant) in enumerate(users)
        for product in [
            *(place for place, letter in enumerate(text) if letter == "1"),
            *range(100, 100 + relevant - text.count("1")),
        ]
    ]
    return hits_of_lists(
        Lists(products.reshape(len(users), width), scores, np.ones(len(users), dtype=bool)),
        tuple(np.array(pairs).T),
        depth=DEPTH,
        candidates=np.full(len(users), CANDIDATES),
    )


def gains(*worth_of_relevant: float, at: dict[int, float]) -> Gains:
    """One user: what relevant products are worth, and those that stand `at` a rank."""
    matrix = np.zeros((1, DEPTH))
    for rank, worth in at.items():
        matrix[0, rank - 1] = worth
    best = np.zeros((1, DEPTH))
    best[0, : len(worth_of_relevant)] = sorted(worth_of_relevant, reverse=True)
    return Gains(matrix, np.array([sum(worth_of_relevant)]), best)


@st.composite
def users(draw) -> tuple[str, int]:
    text = "".join(draw(st.lists(st.sampled_from("01"), min_size=DEPTH, max_size=DEPTH)))
    return text, max(1, text.count("1") + draw(st.integers(0, 30)))


# Worked out by hand: hits at ranks 2, 4 and 7; four relevant products of sixty.
IDEAL = 1 + 1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)
GOLDEN = {
    ("precision", 5): 2 / 5,
    ("precision", 10): 3 / 10,
    ("recall", 5): 2 / 4,
    ("recall", 10): 3 / 4,
    ("f1", 5): 2 * (2 / 5) * (2 / 4) / (2 / 5 + 2 / 4),
    ("hit_rate", 5): 1.0,
    ("mrr", 5): 1 / 2,
    ("map", 5): (1 / 2 + 2 / 4) / 4,
    ("map", 10): (1 / 2 + 2 / 4 + 3 / 7) / 4,
    ("map_all", 10): (1 / 2 + 2 / 4 + 3 / 7) / 4,
    ("ndcg", 5): (1 / math.log2(3) + 1 / math.log2(5)) / IDEAL,
    ("ndcg", 10): (1 / math.log2(3) + 1 / math.log2(5) + 1 / math.log2(8)) / IDEAL,
    ("ndcg_full", 5): (1 / math.log2(3) + 1 / math.log2(5)) / (IDEAL + 1 / math.log2(6)),
    ("r_precision", 5): 2 / 4,  # of the first four
    # Ranks 1, 3, 5 are misses with 0, 1 and 2 hits above; 53 others stand below the 2 hits, and
    # in no order with the 2 relevant products that are not listed.
    ("auc", 5): (0 + 1 + 2 + 53 * 2 + 53 * 2 / 2) / (4 * 56),
}


@pytest.mark.parametrize(("metric", "k"), GOLDEN)
def test_golden_case(metric, k):
    hits = hits_of(("0101001" + "0" * 13, 4))
    assert METRICS[metric](hits, k) == pytest.approx(GOLDEN[metric, k])


# Three relevant products worth 4, 2 and 1; that of 2 stands at rank 1, that of 1 at rank 3.
GOLDEN_DEBIASED = {
    ("recall_debiased", 2): 2 / 7,
    ("recall_debiased", 5): 3 / 7,
    ("ndcg_debiased", 2): 2 / (4 + 2 / math.log2(3)),
    ("ndcg_debiased", 5): (2 + 1 / math.log2(4)) / (4 + 2 / math.log2(3) + 1 / math.log2(4)),
}


@pytest.mark.parametrize(("metric", "k"), GOLDEN_DEBIASED)
def test_golden_case_of_debiased_metrics(metric, k):
    worth = gains(1.0, 4.0, 2.0, at={1: 2.0, 3: 1.0})
    assert DEBIASED[metric](worth, k) == pytest.approx(GOLDEN_DEBIASED[metric, k])


def test_every_metric_has_a_golden_case():
    assert {metric for metric, _ in {**GOLDEN, **GOLDEN_DEBIASED}} == set(NAMES)


# More relevant products than places: where the divisors differ.
@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("precision", 2 / 5),
        ("recall", 2 / 8),
        ("f1", 2 * 2 / (5 + 8)),
        ("map", (1 + 2 / 2) / 5),
        ("map_all", (1 + 2 / 2) / 8),
        ("mrr", 1.0),
        ("ndcg", (1 + 1 / math.log2(3)) / (IDEAL + 1 / math.log2(6))),
        ("r_precision", 2 / 5),
    ],
)
def test_golden_case_with_more_relevant_products_than_places(metric, expected):
    assert METRICS[metric](hits_of(("11" + "0" * 18, 8)), 5) == pytest.approx(expected)


def test_the_last_rank_counts_and_the_next_does_not():
    last = hits_of(("00001" + "0" * 15, 1))
    for name, metric in METRICS.items():
        if name not in ("auc", "r_precision"):
            assert metric(last, 5)[0] > 0, name
            assert metric(last, 4)[0] == 0, name
    assert METRICS["hit_rate"](last, 5)[0] == 1


def test_auc_is_one_where_nothing_could_stand_wrong():
    assert METRICS["auc"](hits_of(("1" * 10, CANDIDATES)), 5) == [1.0]


def test_auc_of_a_single_pair_is_whether_it_stands_right():
    for text, expected in (("10", 1.0), ("01", 0.0)):
        order = np.array([[0, 1]])
        hits = hits_of_lists(
            Lists(order, -order.astype(float), np.ones(1, dtype=bool)),
            (np.array([0]), np.array([text.index("1")])),
            depth=2,
            candidates=np.array([2]),
        )
        assert METRICS["auc"](hits, 2).tolist() == [expected]


def test_the_first_hit_decides_the_reciprocal_rank_even_where_it_is_uncertain():
    # One of two tied products is relevant: rank 1 or 2, each with chance 1/2.
    lists = Lists(np.array([[0, 1]]), np.array([[1.0, 1.0]]), np.ones(1, dtype=bool))
    hits = hits_of_lists(lists, (np.array([0]), np.array([1])), depth=2)
    assert METRICS["mrr"](hits, 2).tolist() == [(1 + 1 / 2) / 2]


def test_a_short_list_counts_as_filled_up_with_misses():
    for metric, short in METRICS.items():
        if metric != "auc":  # which knows that the ranks hold no product
            full = short(hits_of(("01" + "0" * 18, 3)), 10)
            assert short(hits_of(("01", 3)), 10) == pytest.approx(full), metric
    # Of 57 others, 56 stand below the one hit and tie with the 2 that are missing.
    assert METRICS["auc"](hits_of(("01", 3)), 10) == pytest.approx((56 + 2 * 56 / 2) / (3 * 57))


def test_each_user_is_evaluated_alone():
    for metric in METRICS.values():
        both = metric(hits_of(("0101001", 4), ("", 2)), 10)
        alone = [metric(hits_of(user), 10)[0] for user in (("0101001", 4), ("", 2))]
        assert both.tolist() == pytest.approx(alone)


@given(users(), st.sampled_from(KS))
def test_equal_worth_changes_nothing(user, k):
    hits = hits_of(user)
    same = gains_of(hits, np.zeros(user[1], dtype=int), np.full(user[1], 0.3))
    for name in ("recall", "ndcg"):
        np.testing.assert_allclose(
            DEBIASED[f"{name}_debiased"](same, k), METRICS[name](hits, k), atol=1e-12
        )


@given(users(), st.sampled_from(KS))
def test_f1_is_the_harmonic_mean(user, k):
    hits = hits_of(user)
    p, r = METRICS["precision"](hits, k)[0], METRICS["recall"](hits, k)[0]
    assert METRICS["f1"](hits, k)[0] == pytest.approx(2 * p * r / (p + r) if p + r else 0.0)


@given(users(), st.sampled_from(KS))
def test_between_0_and_1(user, k):
    for metric in METRICS.values():
        assert 0 <= metric(hits_of(user), k)[0] <= 1 + 1e-12


@given(users())
def test_longer_lists_never_lose_recall_hits_or_the_first_hit(user):
    for name in ("recall", "hit_rate", "mrr", "map_all"):
        values = [METRICS[name](hits_of(user), k)[0] for k in KS]
        assert values == sorted(values)


@given(users(), st.integers(0, DEPTH - 2), st.sampled_from(KS))
def test_moving_a_hit_up_never_hurts(user, place, k):
    text, relevant = user
    better = text[:place] + "10" + text[place + 2 :]
    worse = text[:place] + "01" + text[place + 2 :]
    for metric in METRICS.values():
        assert (
            metric(hits_of((better, relevant + 1)), k)[0]
            >= metric(hits_of((worse, relevant + 1)), k)[0] - 1e-12
        )


def best_dcg(hits):
    return sum(1 / math.log2(rank + 1) for rank in range(1, hits + 1))


@given(st.integers(1, 40), st.sampled_from(KS))
def test_the_best_list_reaches_the_best_value(relevant, k):
    best = hits_of(("1" * min(relevant, DEPTH), relevant))
    reached = {name: metric(best, k)[0] for name, metric in METRICS.items()}
    assert reached == pytest.approx(
        {
            "precision": min(k, relevant) / k,
            "recall": min(k, relevant) / relevant,
            "f1": 2 * min(k, relevant) / (k + relevant),
            "hit_rate": 1,
            "mrr": 1,
            "map": 1,
            "map_all": min(k, relevant) / relevant,
            "ndcg": 1,
            "ndcg_full": best_dcg(min(k, relevant)) / best_dcg(k),
            "r_precision": 1,
            "auc": (min(k, relevant) + relevant) / (2 * relevant),
        }
    )
