"""Scores of trees are LightGBM's own, to the last bit, on values that it treats in its own ways."""

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import DataError
from persona_assets.recommenders.lambdarank import Boosting, Examples, train
from persona_assets.recommenders.trees import Trees

PECULIAR = np.array(
    [np.nan, 0.0, -0.0, 1e-36, -1e-36, 1e-35, 2e-35, np.inf, -np.inf, 1.0, -1.0, 3.4e38],
    dtype=np.float32,
)


def grown(seed, *, missing, zero_as_missing=False, rounds=12, rows=400):
    """(LightGBM's booster, its text), of four columns of which some values are peculiar."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 4)).astype(np.float32)
    values[:, 3] = rng.integers(0, 3, rows)
    odd = rng.random(values.shape) < missing
    values[odd] = rng.choice(PECULIAR, odd.sum())
    label = (np.nan_to_num(values[:, 0], nan=0.5, posinf=2, neginf=-2) > rng.normal(size=rows)) * 1
    data = lightgbm.Dataset(
        values, label=label, params={"verbosity": -1, "zero_as_missing": zero_as_missing}
    )
    parameters = {
        "objective": "regression", "num_leaves": 9, "verbosity": -1, "num_threads": 1,
        "zero_as_missing": zero_as_missing, "min_data_in_leaf": 5,
    }  # fmt: skip
    booster = lightgbm.train(parameters, data, num_boost_round=rounds)
    return booster, booster.model_to_string()


@given(
    seed=st.integers(0, 10**6),
    missing=st.sampled_from([0.0, 0.1, 0.6]),
    zero_as_missing=st.booleans(),
)
def test_scores_are_lightgbms_to_the_last_bit(seed, missing, zero_as_missing):
    booster, text = grown(seed, missing=missing, zero_as_missing=zero_as_missing)
    rng = np.random.default_rng(seed + 1)
    asked = rng.normal(size=(200, 4)).astype(np.float32)
    odd = rng.random(asked.shape) < 0.3
    asked[odd] = rng.choice(PECULIAR, odd.sum())
    with np.errstate(over="ignore"):
        edges = Trees.read(text).thresholds.astype(np.float32)  # what lies on one goes left
    asked[:50, 0] = rng.choice(edges, 50)

    found = Trees.read(text).scores(asked)

    assert found.tobytes() == booster.predict(asked, num_threads=1).tobytes()


def test_a_ranker_scores_as_lightgbm_does_and_names_its_features():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(600, 3)).astype(np.float32)
    right = np.zeros(600, dtype=bool)
    right[np.arange(0, 600, 10) + values[:, 1].reshape(-1, 10).argmax(axis=1)] = True
    text = train(
        Examples(values, right, np.full(60, 10)), ["one", "two", "three"], Boosting(rounds=30)
    )

    trees = Trees.read(text)

    assert trees.features == ["one", "two", "three"]
    assert len(trees.roots) == 30
    expected = lightgbm.Booster(model_str=text).predict(values, num_threads=1)
    assert trees.scores(values).tobytes() == expected.tobytes()
    assert trees.scores(values[:0]).shape == (0,)


def test_trees_without_a_split_add_their_only_leaf():
    values = np.zeros((50, 2), dtype=np.float32)
    data = lightgbm.Dataset(values, label=np.full(50, 3.0), params={"verbosity": -1})
    booster = lightgbm.train({"objective": "regression", "verbosity": -1}, data, num_boost_round=3)
    found = Trees.read(booster.model_to_string()).scores(values[:4])
    assert found.tobytes() == booster.predict(values[:4]).tobytes()


def test_a_text_that_is_cut_is_refused():
    _, text = grown(1, missing=0.0)
    with pytest.raises(DataError, match="ends before its trees do"):
        Trees.read(text[: text.index("end of trees")])


def test_categories_are_refused():
    values = np.random.default_rng(0).integers(0, 8, size=(400, 1)).astype(np.float32)
    data = lightgbm.Dataset(
        values, label=values[:, 0] % 2, categorical_feature=[0], params={"verbosity": -1}
    )
    text = lightgbm.train(
        {"objective": "regression", "verbosity": -1, "min_data_per_group": 1}, data, 3
    ).model_to_string()
    with pytest.raises(DataError, match="categories"):
        Trees.read(text)
