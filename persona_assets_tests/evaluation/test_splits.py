from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.errors import DataError
from persona_assets.evaluation.splits import (
    funnel,
    leave_last_basket,
    leave_one_out,
    temporal,
    user_split,
)

PAIR = ["user_id", "product_id"]
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


def log(*rows):
    """Rows (user, product, hour[, event])."""
    return pl.DataFrame(
        [
            (user, product, EPOCH + timedelta(hours=hour), *(rest or ["view"]))
            for user, product, hour, *rest in rows
        ],
        schema=[*PAIR, "event_ts", "event_type"],
        orient="row",
    )  # fmt: skip


def pairs(frame):
    return sorted(frame.select(PAIR).unique().rows())


def test_leave_one_out_holds_out_the_last_product_and_before_it_the_last_but_one():
    rows = log(("a", "x", 1), ("a", "y", 2), ("a", "z", 3), ("b", "x", 1), ("b", "y", 2))

    splits = leave_one_out(rows)

    assert pairs(splits.test.truth) == [("a", "z")]
    assert pairs(splits.validation.truth) == [("a", "y")]
    assert pairs(splits.validation.train) == pairs(splits.test.train)
    assert pairs(splits.test.train) == [("a", "x"), ("b", "x"), ("b", "y")]
    assert pairs(splits.test.history) == pairs(splits.refit.train)
    assert pairs(splits.test.history) == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
    assert pairs(splits.test.excluded) == pairs(splits.test.history)


def test_a_product_met_again_counts_where_it_was_first_met():
    rows = log(("a", "x", 1), ("a", "y", 2), ("a", "z", 3), ("a", "x", 9))

    splits = leave_one_out(rows)

    assert pairs(splits.test.truth) == [("a", "z")]
    # The later interaction of x is known when z is asked for: it is not of the pair held out.
    assert splits.test.history.height == 3


def test_leave_last_basket_holds_out_all_of_an_instant():
    rows = log(*(("a", product, hour) for hour, products in ((1, "pq"), (2, "rs"), (3, "tu"))
                 for product in products))  # fmt: skip

    splits = leave_last_basket(rows)

    assert pairs(splits.test.truth) == [("a", "t"), ("a", "u")]
    assert pairs(splits.validation.truth) == [("a", "r"), ("a", "s")]


def test_temporal_evaluates_discoveries_of_known_people_in_the_newest_tenth():
    rows = log(
        *(("a", f"p{hour}", hour) for hour in range(18)),
        ("a", "p3", 18), ("a", "new", 18.5), ("stranger", "p1", 19),
    )  # fmt: skip

    splits = temporal(rows)

    # 21 rows: test from the 18th (hour 18) on; what a knows already and strangers are no truth.
    assert pairs(splits.test.truth) == [("a", "new")]
    assert pairs(splits.validation.truth) == [("a", "p16"), ("a", "p17")]
    assert splits.refit.train["event_ts"].max() < splits.validation.history["event_ts"].max() + (
        timedelta(hours=3)
    )
    assert splits.horizon == timedelta(hours=2)


def test_funnel_takes_away_all_rows_of_the_pair_and_everything_after_it():
    rows = log(
        ("a", "x", 1, "purchase"), ("a", "z", 2, "view"), ("a", "z", 3, "purchase"),
        ("a", "y", 4, "view"), ("a", "w", 4, "purchase"), ("a", "v", 4, "purchase"),
        ("a", "y", 5, "view"),
    )  # fmt: skip

    splits = funnel(rows, target="purchase")

    assert splits.test.truth.rows() == [("a", "w", "basket_completion")]
    assert ("a", "w") not in pairs(splits.test.history)
    assert ("a", "v") in pairs(splits.test.history)  # of the same basket
    assert splits.test.history["event_ts"].max().hour == 4
    assert pairs(splits.test.excluded) == [("a", "v"), ("a", "x"), ("a", "z")]
    assert splits.validation.truth.rows() == [("a", "v", "later")]


def test_funnel_validates_on_buyers_where_test_asks_about_buyers_only():
    rows = log(
        ("a", "x", 1, "purchase"), ("a", "y", 2, "purchase"),
        ("b", "x", 1, "view"), ("b", "y", 2, "purchase"),
    )  # fmt: skip
    held = pl.DataFrame({"user_id": ["a", "b"], "product_id": ["q", "q"]})

    splits = funnel(rows, target="purchase", test=held)

    assert pairs(splits.test.truth) == [("a", "q"), ("b", "q")]
    assert splits.test.history.height == 4
    assert pairs(splits.validation.truth) == [("a", "y")]  # b had bought nothing before


def test_a_target_that_no_row_has_is_refused_with_those_there_are():
    with pytest.raises(DataError, match=r"no row has the event 'buy'.*purchase, view.*--target"):
        funnel(log(("a", "x", 1, "purchase"), ("a", "y", 1, "view")), target="buy")


def test_people_of_the_user_split_are_never_learned_from():
    rows = log(*((f"u{user}", f"p{hour}", hour) for user in range(10) for hour in range(3)))

    splits = user_split(rows)

    assert pairs(splits.test.truth) == [("u0", "p2")]
    assert pairs(splits.validation.truth) == [("u1", "p2")]
    assert set(splits.test.train["user_id"]) == {f"u{user}" for user in range(2, 10)}
    assert set(splits.refit.train["user_id"]) == {f"u{user}" for user in range(1, 10)}
    assert set(splits.test.history["user_id"]) == {"u0"}


@pytest.mark.parametrize("split", [leave_one_out, leave_last_basket, user_split, temporal])
def test_too_little_to_split_is_refused(split):
    with pytest.raises(DataError, match="choose another protocol"):
        split(log(("a", "x", 1), ("b", "y", 1)))


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from("pqrstuv"),
            st.integers(0, 12),
            st.sampled_from(["view", "purchase"]),
        ),
        min_size=12,
        max_size=40,
    )
)
def test_nothing_held_out_can_be_seen(rows):
    frame = log(*rows)
    for split in (leave_one_out, leave_last_basket, temporal, user_split,
                  lambda each: funnel(each, target="purchase")):  # fmt: skip
        try:
            splits = split(frame)
        except DataError:
            continue
        for question in (splits.validation, splits.test, splits.refit):
            held = set(pairs(question.truth))
            assert held
            assert not held & set(pairs(question.history))
            assert not held & set(pairs(question.train))
            assert not held & set(pairs(question.excluded))
        # Nothing of test is in what parameters are chosen by.
        assert not set(pairs(splits.test.truth)) & set(pairs(splits.validation.train))
        assert not set(pairs(splits.test.truth)) & set(pairs(splits.validation.truth))
