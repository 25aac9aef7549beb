"""Golden cases and a naive quadratic matcher as the second opinion."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.sources.matched_returns import match_returns

START = datetime(2011, 1, 1, tzinfo=UTC)
SCHEMA = {
    "event_id": pl.String,
    "event_type": pl.String,
    "user_id": pl.String,
    "product_id": pl.String,
    "arrived_at": pl.Datetime("us", "UTC"),
    "quantity": pl.Int64,
}


def lines(*rows):
    """Rows of (event_id, hour, quantity[, user]); a negative quantity is a return."""
    full = [
        (
            event_id,
            "return" if quantity < 0 else "purchase",
            user[0] if user else "ann",
            "mug",
            START + timedelta(hours=hour),
            quantity,
        )
        for event_id, hour, quantity, *user in rows
    ]
    return pl.DataFrame(full, schema=SCHEMA, orient="row")


def matched(frame):
    return dict(match_returns(frame).iter_rows())


def test_latest_purchase_that_suffices_is_taken():
    assert matched(lines(("p1", 0, 9), ("p2", 1, 5), ("p3", 2, 2), ("r", 3, -4))) == {"r": "p2"}


def test_pieces_already_returned_do_not_suffice_again():
    frame = lines(("p1", 0, 5), ("p2", 1, 5), ("r1", 2, -3), ("r2", 3, -3), ("r3", 4, -2))
    assert matched(frame) == {"r1": "p2", "r2": "p1", "r3": "p2"}


def test_later_purchase_and_other_peoples_purchases_are_not_taken():
    assert matched(lines(("p1", 5, 9), ("p2", 0, 9, "bob"), ("r", 3, -1))) == {}


def test_unknown_person_is_not_matched():
    assert matched(lines(("p", 0, 9, None), ("r", 3, -1, None))) == {}


def test_line_given_twice_counts_once():
    frame = lines(("p", 0, 4), ("p", 0, 4), ("r", 1, -3), ("r", 1, -3), ("s", 2, -3))
    assert matched(frame) == {"r": "p"}


rows = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.integers(-4, 4).filter(bool),
        st.sampled_from(["ann", "bob", None]),
    ),
    max_size=25,
)


@given(rows)
def test_agrees_with_a_naive_matcher(drawn):
    frame = lines(*((f"e{n:02}", hour, pieces, who) for n, (hour, pieces, who) in enumerate(drawn)))
    left, expected = {}, {}
    for row in sorted(frame.rows(named=True), key=lambda row: row["arrived_at"]):
        if row["user_id"] is None:
            continue
        if row["event_type"] == "purchase":
            left[row["event_id"]] = row["user_id"], row["quantity"]
            continue
        for purchase, (user, pieces) in reversed(left.items()):
            if user == row["user_id"] and pieces + row["quantity"] >= 0:
                left[purchase] = user, pieces + row["quantity"]
                expected[row["event_id"]] = purchase
                break
    assert matched(frame) == expected
