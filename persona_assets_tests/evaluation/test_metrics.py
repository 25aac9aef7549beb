import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.evaluation.hits import Hits
from persona_assets.evaluation.metrics import KS, METRICS

DEPTH = 20


def hits_of(*users: tuple[str, int]) -> Hits:
    """Users as ("0101…" from rank 1, number of relevant products)."""
    matrix = np.zeros((len(users), DEPTH), dtype=bool)
    for row, (text, _) in enumerate(users):
        matrix[row, : len(text)] = [letter == "1" for letter in text]
    return Hits(matrix, np.array([relevant for _, relevant in users]))


@st.composite
def users(draw) -> tuple[str, int]:
    text = "".join(draw(st.lists(st.sampled_from("01"), min_size=DEPTH, max_size=DEPTH)))
    return text, max(1, text.count("1") + draw(st.integers(0, 30)))


# Worked out by hand: hits at ranks 2, 4 and 7; four relevant products.
GOLDEN = {
    ("precision", 5): 2 / 5,
    ("precision", 10): 3 / 10,
    ("recall", 5): 2 / 4,
    ("recall", 10): 3 / 4,
    ("hit_rate", 5): 1.0,
    ("mrr", 5): 1 / 2,
    ("map", 5): (1 / 2 + 2 / 4) / 4,
    ("map", 10): (1 / 2 + 2 / 4 + 3 / 7) / 4,
    ("ndcg", 5): (1 / math.log2(3) + 1 / math.log2(5))
    / (1 + 1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)),
    ("ndcg", 10): (1 / math.log2(3) + 1 / math.log2(5) + 1 / math.log2(8))
    / (1 + 1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)),
}


@pytest.mark.parametrize(("metric", "k"), GOLDEN)
def test_golden_case(metric, k):
    assert METRICS[metric](hits_of(("0101001", 4)), k) == pytest.approx(GOLDEN[metric, k])


def test_every_metric_has_a_golden_case():
    assert {metric for metric, _ in GOLDEN} == set(METRICS)


# More relevant products than places: where the divisor min(k, |Rel|) shows.
@pytest.mark.parametrize(
    ("metric", "expected"),
    [("precision", 0.4), ("recall", 2 / 8), ("map", (1 + 2 / 2) / 5), ("mrr", 1.0)],
)
def test_golden_case_with_more_relevant_products_than_places(metric, expected):
    assert METRICS[metric](hits_of(("11", 8)), 5) == pytest.approx(expected)


def test_users_are_judged_each_by_itself():
    for metric in METRICS.values():
        both = metric(hits_of(("0101001", 4), ("", 2)), 10)
        assert both.tolist() == [metric(hits_of(("0101001", 4)), 10)[0], 0.0]


def plain(metric: str, text: str, relevant: int, k: int) -> float:
    """The definitions once more, a rank at a time."""
    ranks = [rank for rank, letter in enumerate(text[:k], start=1) if letter == "1"]
    if metric == "precision":
        return len(ranks) / k
    if metric == "recall":
        return len(ranks) / relevant
    if metric == "hit_rate":
        return float(bool(ranks))
    if metric == "mrr":
        return 1 / ranks[0] if ranks else 0.0
    if metric == "map":
        return sum(n / rank for n, rank in enumerate(ranks, start=1)) / min(k, relevant)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, relevant) + 1))
    return sum(1 / math.log2(rank + 1) for rank in ranks) / ideal


@given(st.lists(users(), min_size=1, max_size=8), st.sampled_from(KS))
def test_equals_the_definition_a_rank_at_a_time(population, k):
    for name, metric in METRICS.items():
        expected = [plain(name, text, relevant, k) for text, relevant in population]
        np.testing.assert_allclose(metric(hits_of(*population), k), expected, rtol=1e-12)


@given(users(), st.sampled_from(KS))
def test_between_0_and_1(user, k):
    for metric in METRICS.values():
        assert 0 <= metric(hits_of(user), k)[0] <= 1 + 1e-12


@given(users())
def test_longer_lists_never_lose_recall_hits_or_the_first_hit(user):
    for name in ("recall", "hit_rate", "mrr"):
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


@given(st.integers(1, 40), st.sampled_from(KS))
def test_the_best_list_reaches_the_best_value(relevant, k):
    best = hits_of(("1" * min(relevant, DEPTH), relevant))
    reached = {name: metric(best, k)[0] for name, metric in METRICS.items()}
    assert reached == pytest.approx(
        {
            "precision": min(k, relevant) / k,
            "recall": min(k, relevant) / relevant,
            "hit_rate": 1,
            "mrr": 1,
            "map": 1,
            "ndcg": 1,
        }
    )


def random_lists(seed: int, users: int = 60, products: int = 50):
    """Random truth and rankings: (relevance matrix, ranking of all products per user)."""
    generator = np.random.default_rng(seed)
    truth = generator.random((users, products)) < generator.uniform(0.02, 0.6, size=(users, 1))
    truth[np.arange(users), generator.integers(products, size=users)] = True
    ranking = np.argsort(generator.random((users, products)), axis=1)
    hits = Hits(np.take_along_axis(truth, ranking, axis=1)[:, :DEPTH], truth.sum(axis=1))
    return truth, ranking, hits


@pytest.mark.parametrize("k", KS)
def test_ndcg_equals_scikit_learn(k):
    from sklearn.metrics import ndcg_score

    truth, ranking, hits = random_lists(seed=k)
    scores = -np.argsort(ranking, axis=1).astype(float)
    expected = [ndcg_score(truth[[user]], scores[[user]], k=k) for user in range(len(truth))]
    np.testing.assert_allclose(METRICS["ndcg"](hits, k), expected, rtol=1e-12)


@pytest.mark.parametrize("k", KS)
def test_map_ndcg_and_pooled_hits_equal_implicit(k):
    from implicit.evaluation import ranking_metrics_at_k
    from scipy.sparse import csr_matrix

    truth, ranking, hits = random_lists(seed=100 + k)

    class Ranked:
        def recommend(self, ids, user_items, N):  # noqa: N803 -- implicit's own name
            return ranking[ids, :N].astype(np.int32), None

    theirs = ranking_metrics_at_k(
        Ranked(),
        csr_matrix(truth.shape),
        csr_matrix(truth.astype(float)),
        K=k,
        show_progress=False,
        num_threads=1,
    )
    assert METRICS["map"](hits, k).mean() == pytest.approx(theirs["map"], rel=1e-9)
    assert METRICS["ndcg"](hits, k).mean() == pytest.approx(theirs["ndcg"], rel=1e-9)
    pooled = METRICS["precision"](hits, k).sum() * k / np.minimum(k, hits.relevant).sum()
    assert pooled == pytest.approx(theirs["precision"], rel=1e-9)
