import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.tables.features import ITEM_EMBEDDINGS, USER_EMBEDDINGS
from persona_assets.transforms.embeddings import VECTOR_SIZE, item_embeddings, user_embeddings

CUTOFF = date(2025, 3, 10)
START = datetime(2025, 3, 10, tzinfo=UTC)
NINE = datetime(2025, 3, 3, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def two_tastes(mart):
    """200 people of whom half walk round products a0 … a4 and half round b0 … b4."""
    return mart(
        *(
            {
                "at": NINE + step * MINUTE,
                "user_id": f"user {person:03}",
                "product_id": f"{'ab'[person % 2]}{(person + step * step) % 5}",
            }
            for person in range(200)
            for step in range(12)
        ),
        {"at": NINE, "user_id": "user 000", "product_id": "rare"},
        {"at": NINE, "user_id": "someone", "product_id": "rare"},
    )


def test_products_that_go_together_lie_together(two_tastes):
    result = item_embeddings(two_tastes, cutoff=CUTOFF, seed=1)
    assert dict(result.schema) == dict(ITEM_EMBEDDINGS.polars_schema)
    assert result["product_id"].to_list() == [f"{taste}{n}" for taste in "ab" for n in range(5)]
    assert set(result["vector"].list.len()) == {VECTOR_SIZE}
    vectors = np.array(result["vector"].to_list())
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = vectors @ vectors.T
    apart = cosine[:5, 5:].mean()
    together = (cosine[:5, :5].sum() - 5) / 20
    assert together > apart + 0.05


def test_same_rows_in_any_order_and_same_seed_give_the_same_vectors(two_tastes):
    result = item_embeddings(two_tastes, cutoff=CUTOFF, seed=1)
    shuffled = two_tastes.sample(fraction=1, shuffle=True, seed=5)
    assert item_embeddings(shuffled, cutoff=CUTOFF, seed=1).equals(result)
    assert not item_embeddings(two_tastes, cutoff=CUTOFF, seed=2).equals(result)


def test_planted_rows_from_the_cut_off_on_move_nothing(two_tastes):
    clean = item_embeddings(two_tastes, cutoff=CUTOFF, seed=1)
    future = two_tastes.with_columns(pl.col("event_ts", "arrived_at") + timedelta(days=7))
    late = two_tastes.reverse().with_columns(arrived_at=pl.lit(START))
    planted = pl.concat([future, two_tastes, late])
    assert item_embeddings(planted, cutoff=CUTOFF, seed=1).equals(clean)
    users = user_embeddings(two_tastes, clean, cutoff=CUTOFF)
    assert user_embeddings(planted, clean, cutoff=CUTOFF).equals(users)


def test_vectors_do_not_depend_on_the_process(two_tastes, tmp_path):
    two_tastes.write_parquet(tmp_path / "rows.parquet")
    script = (
        "import sys, polars as pl; from datetime import date;"
        "from persona_assets.transforms.embeddings import item_embeddings;"
        "rows = pl.read_parquet(sys.argv[1] + '/rows.parquet');"
        "item_embeddings(rows, cutoff=date(2025, 3, 10), seed=1)"
        ".write_parquet(sys.argv[1] + '/vectors.parquet')"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment)
    elsewhere = pl.read_parquet(tmp_path / "vectors.parquet")
    assert elsewhere.equals(item_embeddings(two_tastes, cutoff=CUTOFF, seed=1))


def test_a_user_is_the_weighted_mean_of_known_products(mart):
    axes = np.eye(VECTOR_SIZE, dtype=np.float32)
    items = pl.DataFrame(
        {
            "cutoff": [CUTOFF] * 3,
            "product_id": ["c", "a", "b"],
            "vector": [axes[2].tolist(), axes[0].tolist(), axes[1].tolist()],
            "events": [9, 9, 9],
        },
        schema=ITEM_EMBEDDINGS.polars_schema,
    )
    rows = mart(
        {"at": NINE, "product_id": "a"},
        {"at": NINE, "product_id": "a", "event_type": "add_to_cart"},
        {"at": NINE, "product_id": "b", "event_type": "add_to_cart"},
        {"at": NINE, "product_id": "unknown", "event_type": "add_to_cart"},
        {"at": NINE, "product_id": "c", "event_type": "return", "unit_price": 1.0},
        {"at": START, "product_id": "c"},
        {"at": NINE, "product_id": "c", "arrived_at": START},
        {"at": NINE, "product_id": "unknown", "user_id": "v"},
    )
    result = user_embeddings(rows, items, cutoff=CUTOFF)
    assert dict(result.schema) == dict(USER_EMBEDDINGS.polars_schema)
    assert result.select("cutoff", "user_id", "events").rows() == [(CUTOFF, "u", 3)]
    expected = (4 * axes[0] + 3 * axes[1]) / 7
    np.testing.assert_allclose(result["vector"][0].to_numpy(), expected, rtol=1e-6)
    shuffled = user_embeddings(rows.reverse(), items.reverse(), cutoff=CUTOFF)
    assert_frame_equal(result, shuffled, check_exact=True)


def test_without_frequent_products_there_are_no_vectors(mart):
    rows = mart({"at": NINE})
    items = item_embeddings(rows, cutoff=CUTOFF, seed=1)
    assert items.is_empty()
    assert dict(items.schema) == dict(ITEM_EMBEDDINGS.polars_schema)
    assert user_embeddings(rows, items, cutoff=CUTOFF).equals(USER_EMBEDDINGS.empty())
