from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persona_assets.recommenders.snapshots import Goal, snapshots

CUTOFF = date(2024, 3, 4)
NEXT_INTERACTION = Goal(None, 0.0, True)
ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from("pqrst"),
        st.just("view"),
        st.sampled_from((0, 1, 5)),
        st.integers(1, 30),
    ),
    max_size=40,
)


def pairs(labels: pl.DataFrame) -> set[tuple[str, str]]:
    return set(labels.select("user_id", "product_id").iter_rows())


def test_each_snapshot_takes_one_more_instant_away(mart):
    rows = mart(
        ("u", "p", "view", 1, 9), ("u", "q", "view", 1, 8), ("u", "r", "view", 1, 7),
        ("u", "s", "view", 1, 7), ("v", "p", "view", 1, 3), ("v", "q", "view", 1, 2),
    )  # fmt: skip

    first, second = snapshots(rows, NEXT_INTERACTION, 5)

    assert pairs(first.labels) == {("u", "r"), ("u", "s"), ("v", "q")}
    assert pairs(first.known) == {("u", "p"), ("u", "q"), ("v", "p")}
    assert pairs(second.labels) == {("u", "q")}
    assert pairs(second.known) == {("u", "p")}


def test_a_purchase_after_the_snapshot_does_not_make_an_earlier_view_stronger(mart):
    rows = mart(
        ("u", "p", "view", 1, 9), ("u", "q", "view", 1, 8), ("u", "p", "purchase", 5, 7)
    )  # fmt: skip

    (snapshot,) = snapshots(rows, NEXT_INTERACTION, 2)

    assert snapshot.known["weight"].to_list() == [1.0]


def test_with_a_target_a_snapshot_asks_as_the_funnel_does(mart):
    rows = mart(
        ("u", "p", "view", 1, 9), ("u", "q", "purchase", 5, 8), ("u", "r", "view", 1, 7.5),
        ("u", "p", "purchase", 5, 7), ("u", "r", "purchase", 5, 7), ("u", "q", "purchase", 5, 6),
        ("v", "s", "view", 1, 5),
    )  # fmt: skip

    first, second = snapshots(rows, Goal(None, 5.0, False), 3)

    assert pairs(first.labels) == {("u", "r")}
    assert first.known.filter(user_id="u").height == 3
    assert pairs(first.known) == {("u", "p"), ("u", "q"), ("v", "s")}
    assert pairs(second.labels) == {("u", "q")}
    assert pairs(second.known) == {("u", "p"), ("v", "s")}


def test_by_time_what_is_new_within_the_horizon_is_the_label(mart):
    rows = mart(
        ("u", "p", "view", 1, 9), ("u", "q", "view", 1, 8), ("u", "p", "view", 1, 3),
        ("u", "r", "view", 1, 3), ("v", "p", "view", 1, 2), ("w", "p", "view", 1, 10),
        ("w", "q", "view", 1, 1), ("x", "p", "view", 1, 20), ("x", "q", "view", 1, 10),
    )  # fmt: skip

    first, second = snapshots(rows, Goal(timedelta(days=7), 0.0, True), 2)

    assert pairs(first.labels) == {("u", "r"), ("w", "q")}
    assert pairs(first.known) == {("u", "p"), ("u", "q"), ("w", "p"), ("x", "p"), ("x", "q")}
    assert pairs(second.labels) == {("x", "q")}
    assert pairs(second.known) == {("x", "p")}


def test_by_time_a_row_that_arrives_after_the_snapshot_is_not_known_in_it(mart):
    rows = mart(
        ("u", "p", "view", 1, 20), ("u", "late", "view", 1, 19, 2), ("u", "q", "view", 1, 1)
    )  # fmt: skip

    (snapshot,) = snapshots(rows, Goal(timedelta(days=7), 0.0, True), 1)

    assert pairs(snapshot.known) == {("u", "p")}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ROWS,
    st.sampled_from((None, timedelta(days=3), timedelta(days=7))),
    st.sampled_from((0.0, 5.0)),
    st.booleans(),
)
def test_no_label_and_nothing_after_it_is_known_to_its_snapshot(
    mart, rows, horizon, target_weight, unseen
):
    goal = Goal(horizon, target_weight, unseen)
    table = mart(*rows)

    for snapshot in snapshots(table, goal, 3):
        reached = (
            table.filter(pl.col("weight") >= max(target_weight, 0.1))
            .group_by("user_id", "product_id")
            .agg(reached=pl.col("event_ts").min())
        )
        labels = snapshot.labels.join(reached, on=["user_id", "product_id"])
        assert labels.height == snapshot.labels.height
        if horizon is not None:
            later = table.filter(
                pl.col("event_ts") > snapshot.known["event_ts"].max(),
                pl.col("weight") >= max(target_weight, 0.1),
            )
            assert pairs(labels) <= pairs(later)
            assert not unseen or not pairs(labels) & pairs(snapshot.known)
            continue
        own = snapshot.known.join(labels.select("user_id", "reached"), on="user_id")
        if target_weight > 0:
            assert (own["event_ts"] <= own["reached"]).all()
            assert not pairs(labels) & pairs(snapshot.known)
        else:
            assert (own["event_ts"] < own["reached"]).all()
        known = pairs(snapshot.known)
        strong = pairs(snapshot.known.filter(pl.col("weight") >= target_weight))
        assert not pairs(labels) & (known if unseen else strong)


def test_what_was_bought_is_no_answer_and_what_was_only_seen_may_be_one_again(mart):
    rows = mart(
        ("u", "bought", "purchase", 5, 20), ("u", "seen", "view", 1, 19),
        ("u", "bought", "purchase", 5, 3), ("u", "seen", "view", 1, 2), ("u", "new", "view", 1, 1),
    )  # fmt: skip

    (snapshot,) = snapshots(rows, Goal(timedelta(days=7), 0.0, False, 5.0), 1)

    assert pairs(snapshot.labels) == {("u", "seen"), ("u", "new")}


@pytest.mark.parametrize("horizon", [None, timedelta(days=7)])
def test_nothing_interacted_with_gives_no_snapshot(mart, horizon):
    goal = Goal(horizon, 0.0, True)

    assert list(snapshots(mart(("u", "p", "return", 0, 3)), goal, 2)) == []
    assert list(snapshots(mart(("u", "p", "view", 1, 3)), goal, 2)) == []
