from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from persona_assets.errors import DataError
from persona_assets.recommenders.artefact import of_training
from persona_assets.recommenders.neighbours import Neighbours, strongest
from persona_assets.recommenders.sequences import sequences
from persona_assets.tables.models import DIRECTIONAL_MODEL

CUTOFF = date(2024, 3, 4)
PRODUCTS = pl.Series("product_id", ["a", "b", "c", "d"])
LEARNED = Neighbours(
    PRODUCTS,
    np.array([9.0, 4.0, 2.0, 1.0]),
    csr_matrix(np.array([[0, 3, 1, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, -5, 0, 0]], dtype=float)),
)


def scores(mart, *interacted, weights=None, **options):
    rows = mart(*(("u", product, "view", 1, days) for product, days in interacted))
    history = sequences(rows, users=["u"], products=PRODUCTS)
    each = np.ones(len(history.items)) if weights is None else np.array(weights, dtype=float)
    return LEARNED.scorer(history, each, **options).scores_of(slice(0, 1))[0].tolist()


def test_the_table_holds_all_that_was_learned_whatever_its_order():
    rows = of_training(LEARNED.to_artefact(), DIRECTIONAL_MODEL, CUTOFF)

    again = Neighbours.from_artefact(rows.reverse(), DIRECTIONAL_MODEL)

    assert rows.schema == DIRECTIONAL_MODEL.polars_schema
    assert not rows.select(DIRECTIONAL_MODEL.key).is_duplicated().any()
    assert again.products.to_list() == PRODUCTS.to_list()
    assert again.popularity.tolist() == LEARNED.popularity.tolist()
    assert (again.scores != LEARNED.scores).nnz == 0


def test_rows_of_several_trainings_are_refused():
    rows = of_training(LEARNED.to_artefact(), DIRECTIONAL_MODEL, CUTOFF)
    with pytest.raises(DataError, match="pass a single partition"):
        Neighbours.from_artefact(
            pl.concat([rows, rows.with_columns(cutoff=date(2024, 3, 11))]), DIRECTIONAL_MODEL
        )


def test_scores_sum_what_the_history_leads_to(mart):
    # a leads to b (3) and c (1), b leads to a (2); d follows by its popularity.
    assert scores(mart, ("a", 2), ("b", 1), weights=[1.0, 10.0]) == [20, 3, 1, -0.5]


def test_what_nothing_leads_to_follows_by_popularity(mart):
    expected = np.float32(-1.0) / (1 + np.array([9, 4, 2, 1]))
    assert scores(mart) == pytest.approx(expected.tolist())
    assert scores(mart, ("c", 1)) == pytest.approx(expected.tolist())


def test_what_the_history_leads_away_from_comes_last(mart):
    assert np.argsort(scores(mart, ("d", 1))).tolist()[0] == 1


def test_a_revisit_is_worth_a_share_of_the_best(mart):
    assert scores(mart, ("a", 1), revisit=0.5) == [1.5, 3, 1, -0.5]


def test_discoveries_only_put_the_history_last(mart):
    found = scores(mart, ("b", 2), ("a", 1), discover=True)
    assert sorted(np.argsort(found)[:2].tolist()) == [0, 1]


def test_a_target_factor_scales_each_product(mart):
    factor = np.array([1, 1, 9, 1.0])
    assert scores(mart, ("a", 1), target=factor) == pytest.approx([-0.1, 3, 9, -0.5])


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=5, max_size=5),
    st.integers(1, 5),
)
def test_the_strongest_are_kept_with_all_their_equals(rows, most):
    matrix = csr_matrix(np.array(rows, dtype=float))

    kept = strongest(matrix, most).toarray()

    for before, after in zip(np.array(rows), kept, strict=True):
        chosen = sorted(before[before > 0], reverse=True)
        least = chosen[most - 1] if len(chosen) >= most else 0
        assert after.tolist() == [value if value >= max(least, 1) else 0 for value in before]
