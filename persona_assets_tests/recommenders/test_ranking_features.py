from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from persona_assets.recommenders.candidates import Candidates, FirstStage
from persona_assets.recommenders.directions import directions
from persona_assets.recommenders.pair_counts import PairWeight, pair_counts
from persona_assets.recommenders.ranking import Scorer
from persona_assets.recommenders.ranking_features import (
    FEATURES,
    PairCounts,
    features,
    pair_statistics,
)
from persona_assets.recommenders.ranking_kernels import (
    embedding_features,
    own_features,
    pair_features,
)
from persona_assets.recommenders.sequences import Sequences, sequences

CUTOFF = date(2024, 3, 4)


def first_stage(history: Sequences, *scores: list[list[float]], limit: int, barred=None):
    return FirstStage(
        history,
        tuple(
            Scorer(history.products, lambda block, s=s: np.array(s, dtype=float)[block])
            for s in scores
        ),
        limit,
        np.ones(len(history.items), dtype=bool) if barred is None else np.array(barred),
    )


def history_of(mart, *rows: tuple, products: str = "abcdef") -> Sequences:
    users = sorted({row[0] for row in rows})
    return sequences(mart(*rows), users=users, products=pl.Series("product_id", list(products)))


def test_candidates_are_the_best_by_the_sum_of_relative_scores(mart):
    history = history_of(mart, ("u", "a", "view", 1, 9))
    stage = first_stage(
        history, [[9, 4, 2, 1, 0, -1]], [[7, 0, 10, 5, 0, -0.5]], limit=2
    )  # fmt: skip

    found = stage.candidates(slice(0, 1))

    assert found.items.tolist() == [2, 1]
    assert found.fused[0] == pytest.approx([0, 1, 1.5, 0.75, 0, 0])
    assert found.scores.tolist() == [[2, 10], [4, 0]]
    assert found.relative.tolist() == [[0.5, 1], [1, 0]]
    assert found.ranks.tolist() == [0, 1]


def test_equals_of_the_last_are_all_candidates_or_none(mart):
    history = history_of(mart, ("u", "a", "view", 1, 9), ("v", "a", "view", 1, 9))
    stage = first_stage(
        history, [[0, 3, 1, 1, 1, 0], [0, 3, 1, 1, 1, 1]], limit=2
    )  # fmt: skip

    found = stage.candidates(slice(0, 2))

    assert found.items[: found.starts[1]].tolist() == [1, 2, 3, 4]
    assert found.items[found.starts[1] :].tolist() == [1]
    assert found.ranks[: found.starts[1]].tolist() == [0, 1, 1, 1]


def test_a_product_of_the_history_is_a_candidate_only_if_it_is_not_barred(mart):
    history = history_of(mart, ("u", "a", "view", 1, 9), ("u", "b", "view", 1, 8))
    stage = first_stage(history, [[5, 0, 1, 0, 0, 0]], limit=2, barred=[True, False])

    assert stage.candidates(slice(0, 1)).items.tolist() == [2, 1]


def some_lists(rng: np.random.Generator, users: int, products: int, most: int):
    rows = [rng.permutation(products)[: rng.integers(0, most)] for _ in range(users)]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    return starts, np.concatenate(rows).astype(np.int32)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_the_kernels_agree_with_plain_loops(seed):
    rng = np.random.default_rng(seed)
    starts, candidates = some_lists(rng, 4, 9, 6)
    history_starts, history = some_lists(rng, 4, 9, 6)
    ages = rng.integers(0, 5, len(history)).astype(np.int32)
    strengths = rng.uniform(1, 5, len(history))
    dense = rng.uniform(0, 1, (9, 9)) * (rng.uniform(0, 1, (9, 9)) < 0.5)
    matrix = csr_matrix(dense)
    embeddings = rng.normal(size=(9, 3)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)

    pair = pair_features(
        starts, candidates, history_starts, history, ages,
        matrix.indptr, matrix.indices, matrix.data, 2,
    )  # fmt: skip
    near = embedding_features(starts, candidates, history_starts, history, ages, embeddings, 0.5)
    own = own_features(starts, candidates, history_starts, history, ages, strengths, 9)

    for user in range(4):
        mine = range(history_starts[user], history_starts[user + 1])
        for n in range(starts[user], starts[user + 1]):
            j = candidates[n]
            values = [dense[history[e], j] for e in mine]
            lags = [max([dense[history[e], j] for e in mine if ages[e] == lag], default=0)
                    for lag in (0, 1)]  # fmt: skip
            assert pair[n] == pytest.approx([sum(values), max(values, default=0), *lags])
            mean = sum((0.5 ** ages[e] * embeddings[history[e]] for e in mine), np.zeros(3))
            if mine:
                assert near[n, 0] == pytest.approx(
                    embeddings[j] @ mean / np.linalg.norm(mean), abs=1e-5
                )
            others = [e for e in mine if history[e] != j]
            cosines = [float(embeddings[j] @ embeddings[history[e]]) for e in others]
            assert near[n, 2] == pytest.approx(max(cosines, default=-1), abs=1e-6)
            latest = [c for e, c in zip(others, cosines, strict=True) if ages[e] == 0]
            assert near[n, 1] == pytest.approx(max(latest, default=-1), abs=1e-6)
            itself = [e for e in mine if history[e] == j]
            if itself:
                assert own[n].tolist() == [strengths[itself[0]], ages[itself[0]]]
            else:
                assert np.isnan(own[n]).all()


def test_statistics_of_pairs_by_hand(mart):
    log = sequences(
        mart(
            ("u", "a", "view", 1, 9), ("u", "b", "view", 1, 8), ("u", "c", "view", 1, 7),
            ("v", "a", "view", 1, 3), ("v", "c", "view", 1, 0.5),
        )
    )  # fmt: skip

    found = pair_statistics(
        log,
        PairCounts.of(log, window=PairWeight().window, neighbours=10),
        directional=pair_counts(log, PairWeight()),
        damping=(np.array([2.0, 1, 1]), np.array([1.0, 1, 3])),
        embeddings=np.eye(3, 2, dtype=np.float32),
    )

    directional, forward, together, cosine, jaccard = (pair.toarray() for pair in found.pairs)
    assert directional[0, 2] == pytest.approx(2 * (2**-0.5 + 1) * 3)
    assert forward[0].tolist() == [0, 1, 1.5]
    assert forward[2].tolist() == [0, 0, 0]
    assert together[2].tolist() == [2, 1, 0]
    assert cosine[0] == pytest.approx([0, 1 / np.sqrt(2), 1])
    assert jaccard[0] == pytest.approx([0, 1 / 2, 1])
    assert found.new_users.tolist() == [[0, 1, 2], [0, 0, 1], [1, 2, 2]]


def test_directions_are_product_vectors_of_length_one():
    artefact = pl.DataFrame(
        {
            "entity": ["product", "user", "product"],
            "id": ["b", "*", "a"],
            "vector": [[3.0, 4.0], [1.0, 1.0], [0.0, 0.0]],
        }
    )

    assert directions(artefact, pl.Series(["a", "b", "c"])) == pytest.approx(
        np.array([[0, 0], [0.6, 0.8], [0, 0]])
    )


def test_every_feature_has_a_name_and_says_what_its_name_says(mart):
    rows = mart(
        ("u", "a", "view", 1, 9), ("u", "b", "cart", 3, 8), ("v", "a", "view", 1, 3),
        ("v", "b", "view", 1, 2), ("v", "c", "view", 1, 1), ("w", "c", "view", 1, 1),
    )  # fmt: skip
    log = sequences(rows)
    history = sequences(rows, users=["u"], products=log.products)
    statistics = pair_statistics(
        log,
        PairCounts.of(log, window=PairWeight().window, neighbours=10),
        directional=pair_counts(log, PairWeight()),
        damping=(np.ones(3), np.ones(3)),
        embeddings=np.eye(3, 2, dtype=np.float32),
    )
    candidates = Candidates(
        np.array([0, 2]), np.array([2, 1], dtype=np.int32),
        np.array([[4.0, 3.0, 2.5], [2.0, 1.0, 0.5]]), np.array([[1.0, 1.0, 1.0], [0.5, 0.25, 0.2]]),
        np.array([0, 1]), np.zeros((1, 3), dtype=np.float32),
    )  # fmt: skip

    values = features(candidates, history, slice(0, 1), statistics, tuple(FEATURES), 0.5)

    names = [name for group in FEATURES.values() for name in group]
    assert values.shape == (2, len(names))
    made = dict(zip(names, values[0].astype(float), strict=True))
    expected = {
        "directional_score": 4, "user_knn_score": 3, "als_score": 2.5, "first_stage_rank": 0,
        "log_popularity": np.log(3), "last_log_popularity": np.log(3),
        "mean_log_popularity": np.log(3), "history_length": 2,
        "forward_sum": 1.5, "forward_max": 1, "forward_lag_0": 1, "forward_lag_1": 0.5,
        "forward_lag_2": 0, "together_sum": 2, "cosine_lag_0": 0.5, "jaccard_max": 1 / 3,
        "days_since_user": 7, "days_since_candidate": 0, "new_users_7_days": np.log(3),
    }  # fmt: skip
    assert {name: made[name] for name in expected} == pytest.approx(expected, rel=1e-4)
    own = dict(zip(names, values[1], strict=True))
    assert (own["own_strength"], own["own_age"]) == (3, 0)
