import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from persona_assets.evaluation.hits import hit_matrix, hits_of_lists, hits_of_scores
from persona_assets.evaluation.lists import Lists
from persona_assets.evaluation.metrics import KS, METRICS
from persona_assets.tables.models import TOP_K
from persona_assets_tests.evaluation.library_variants import VARIANTS

DEPTH = 20
GOLDEN = json.loads(Path(__file__).with_name("golden_libraries.json").read_text(encoding="utf-8"))
CASES = [
    (library, metric)
    for library in ("rectools", "replay", "recommenders")
    for metric in VARIANTS[library]
]


@pytest.fixture(scope="module")
def golden_hits():
    rows = [
        (None, "m", user, rank, product, -float(rank))
        for user, products in GOLDEN["lists"].items()
        for rank, product in enumerate(products, start=1)
    ]
    relevant = [(user, product) for user, of in GOLDEN["truth"].items() for product in of]
    return hit_matrix(
        pl.DataFrame(rows, schema=TOP_K.polars_schema, orient="row"),
        pl.DataFrame(relevant, schema=["user_id", "product_id"], orient="row"),
        depth=DEPTH,
    )


@pytest.mark.parametrize(("library", "metric"), CASES)
def test_equals_what_the_library_said(golden_hits, library, metric):
    theirs = GOLDEN["values"][library][metric]
    ours = {k: VARIANTS[library][metric].value(golden_hits, int(k)) for k in theirs}
    assert ours == pytest.approx(theirs, rel=1e-9)
    assert len({round(value, 6) for value in theirs.values()}) > 1  # the cases tell k apart


def random_lists(seed: int, users: int = 60, products: int = 50):
    """Random truth and rankings of all products: (relevance matrix, ranking per user, hits)."""
    generator = np.random.default_rng(seed)
    truth = generator.random((users, products)) < generator.uniform(0.02, 0.6, size=(users, 1))
    truth[np.arange(users), generator.integers(products, size=users)] = True
    ranking = np.argsort(generator.random((users, products)), axis=1)
    scores = np.tile(-np.arange(products, dtype=float), (users, 1))
    lists = Lists(ranking, scores, np.ones(users, dtype=bool))
    return truth, ranking, hits_of_lists(lists, np.nonzero(truth), depth=products)


@pytest.mark.parametrize("k", KS)
def test_equals_scikit_learn(k):
    from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

    truth, ranking, hits = random_lists(seed=k)
    scores = -np.argsort(ranking, axis=1).astype(float)
    expected = [ndcg_score(truth[[user]], scores[[user]], k=k) for user in range(len(truth))]
    np.testing.assert_allclose(METRICS["ndcg"](hits, k), expected, rtol=1e-12)
    assert VARIANTS["scikit-learn"]["ndcg"].value(hits, k) == pytest.approx(np.mean(expected))
    for metric, theirs in (("auc", roc_auc_score), ("map_all", average_precision_score)):
        each = [theirs(truth[user], scores[user]) for user in range(len(truth))]
        assert VARIANTS["scikit-learn"][metric].value(hits, 50) == pytest.approx(np.mean(each))


@pytest.mark.parametrize("k", KS)
def test_ties_are_evaluated_as_scikit_learn_does(k):
    from sklearn.metrics import ndcg_score, roc_auc_score

    generator = np.random.default_rng(k)
    scores = generator.integers(0, 6, size=(40, 50)).astype(float)
    truth = generator.random((40, 50)) < 0.2
    truth[:, 0] = True
    none = np.array([], dtype=int)
    hits = hits_of_scores(
        lambda block: scores[block].copy(),
        np.nonzero(truth),
        (none, none),
        totals=truth.sum(axis=1),
        products=50,
        depth=50,
    )
    expected = [ndcg_score(truth[[user]], scores[[user]], k=k) for user in range(40)]
    np.testing.assert_allclose(METRICS["ndcg"](hits, k), expected, rtol=1e-12)
    areas = [roc_auc_score(truth[user], scores[user]) for user in range(40)]
    np.testing.assert_allclose(METRICS["auc"](hits, 50), areas, rtol=1e-12)


@pytest.mark.parametrize("k", KS)
def test_equals_implicit(k):
    from implicit.evaluation import ranking_metrics_at_k
    from scipy.sparse import csr_matrix

    truth, ranking, hits = random_lists(seed=100 + k)

    class Ranked:
        def recommend(self, ids, user_items, N):  # noqa: N803 -- implicit's own name
            return ranking[ids, :N].astype(np.int32), None

    nobody = np.zeros((3, truth.shape[1]), dtype=bool)  # users without anything relevant
    theirs = ranking_metrics_at_k(
        Ranked(),
        csr_matrix((len(truth) + 3, truth.shape[1])),
        csr_matrix(np.vstack([truth, nobody]).astype(float)),
        K=k,
        show_progress=False,
        num_threads=1,
    )
    ours = {
        name: each.value(hits, k, without_relevant=3) for name, each in VARIANTS["implicit"].items()
    }
    assert ours == pytest.approx({name: theirs[name] for name in ours}, rel=1e-9)
    assert ours.keys() == theirs.keys()


def test_equals_spark(spark):
    from pyspark.mllib.evaluation import RankingMetrics

    truth, ranking, hits = random_lists(seed=5)
    rows = [
        (
            [float(item) for item in ranking[user]],
            [float(item) for item in np.flatnonzero(relevant)],
        )
        for user, relevant in enumerate(truth)
    ]
    rows += [([1.0, 2.0], [])] * 4  # users without anything relevant
    theirs = RankingMetrics(spark.sparkContext.parallelize(rows, 2))
    calls = {
        "precision": theirs.precisionAt,
        "recall": theirs.recallAt,
        "map": theirs.meanAveragePrecisionAt,
        "ndcg": theirs.ndcgAt,
    }
    for name, call in calls.items():
        for k in KS:
            ours = VARIANTS["spark"][name].value(hits, k, without_relevant=4)
            assert ours == pytest.approx(call(k), rel=1e-9), (name, k)
    whole = VARIANTS["spark"]["map_all"].value(hits, 50, without_relevant=4)
    assert whole == pytest.approx(theirs.meanAveragePrecision, rel=1e-9)
    assert {*calls, "map_all"} == set(VARIANTS["spark"])


def test_users_without_anything_relevant_count_for_spark_alone():
    _, _, hits = random_lists(seed=3)
    for library, of_library in VARIANTS.items():
        for metric, each in of_library.items():
            alone, among = each.value(hits, 5), each.value(hits, 5, without_relevant=60)
            share = 1 / 2 if library == "spark" else 1.0
            assert among == pytest.approx(alone * share), (library, metric)


def test_an_average_over_nobody_is_zero():
    _, _, hits = random_lists(seed=1, users=2, products=4)
    late = hits_of_lists(
        Lists(np.array([[7]]), np.array([[1.0]]), np.array([True])),
        (np.array([0]), np.array([3])),
        depth=4,
    )
    assert VARIANTS["recommenders"]["r_precision"].value(late, 2) == 0.0
    assert VARIANTS["spark"]["precision"].value(hits, 2, without_relevant=2) == pytest.approx(
        METRICS["precision"](hits, 2).sum() / 4
    )
