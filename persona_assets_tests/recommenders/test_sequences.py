from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.errors import DataError
from persona_assets.recommenders.sequences import sequences

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


def log(*rows):
    """Rows (user, product, hour[, weight])."""
    return pl.DataFrame(
        [
            (user, product, EPOCH + timedelta(hours=hour), float(rest[0]) if rest else 1.0)
            for user, product, hour, *rest in rows
        ],
        schema={
            "user_id": pl.String,
            "product_id": pl.String,
            "event_ts": pl.Datetime("us", "UTC"),
            "weight": pl.Float64,
        },
        orient="row",
    )


def test_products_stand_once_in_the_order_of_first_interaction():
    made = sequences(log(("b", "y", 5), ("b", "x", 1), ("b", "y", 9, 5), ("a", "z", 3)))

    assert made.users.to_list() == ["a", "b"]
    assert made.products.to_list() == ["x", "y", "z"]
    assert made.starts.tolist() == [0, 1, 3]
    assert made.items.tolist() == [2, 0, 1]
    assert made.strengths.tolist() == [1, 1, 5]  # the strongest of y's two events
    assert np.diff(made.times).tolist() == [-2 * 3600, 4 * 3600]  # z 3 h, x 1 h, y 5 h
    assert made.popularity.tolist() == [1, 1, 1]


def test_an_instant_is_one_position():
    made = sequences(log(("a", "x", 1), ("a", "y", 2), ("a", "z", 2), ("a", "w", 7)))

    assert made.positions.tolist() == [0, 1, 1, 2]
    assert made.ages.tolist() == [2, 1, 1, 0]


def test_asked_users_come_in_their_order_with_or_without_history():
    made = sequences(log(("a", "x", 1), ("b", "y", 1)), users=["c", "b"], products=pl.Series(["y"]))

    assert made.users.to_list() == ["c", "b"]
    assert made.starts.tolist() == [0, 0, 1]
    assert made.items.tolist() == [0]
    assert made.ages.tolist() == [0]
    assert made.owners.tolist() == [1]


def test_returns_say_nothing_of_taste():
    assert len(sequences(log(("a", "x", 1, 0))).items) == 0


def test_a_weight_that_is_no_number_is_refused():
    with pytest.raises(DataError, match="weight"):
        sequences(log(("a", "x", 1, float("nan"))))


def test_entries_that_are_kept_keep_their_positions():
    made = sequences(log(("a", "x", 1), ("a", "y", 2), ("b", "x", 3)))

    kept = made.entries(made.positions == made.positions.max())

    assert kept.starts.tolist() == [0, 1, 1]
    assert kept.items.tolist() == [1]
    assert kept.positions.tolist() == [1]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 5)), max_size=20
    )
)
def test_every_pair_is_there_once_and_in_time(rows):
    made = sequences(log(*rows))

    pairs = list(zip(made.users.gather(made.owners), made.products.gather(made.items), strict=True))
    assert sorted(pairs) == sorted({(user, product) for user, product, _ in rows})
    for start, end in zip(made.starts[:-1], made.starts[1:], strict=True):
        assert (np.diff(made.times[start:end]) >= 0).all()
        assert (np.diff(made.positions[start:end]) == (np.diff(made.times[start:end]) > 0)).all()
