from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.tables.mart import SESSIONS
from persona_assets.transforms.sessions import assign_sessions, summarise_sessions

NINE = datetime(2025, 3, 3, 9, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)
MICROSECOND = timedelta(microseconds=1)


def ids(frame):
    return dict(frame.select("event_id", "session_id").rows())


def test_more_than_thirty_minutes_of_silence_end_a_session(mart):
    found = ids(
        mart(
            {"event_id": "a", "at": NINE},
            {"event_id": "b", "at": NINE + HALF_AN_HOUR},
            {"event_id": "c", "at": NINE + 2 * HALF_AN_HOUR + MICROSECOND},
            {"event_id": "d", "at": NINE + HALF_AN_HOUR, "user_id": "v"},
        )
    )
    assert found == {
        "a": "u-20250303-1",
        "b": "u-20250303-1",
        "c": "u-20250303-2",
        "d": "v-20250303-1",
    }


def test_midnight_utc_ends_a_session(mart):
    midnight = datetime(2025, 3, 4, tzinfo=UTC)
    rows = ({"event_id": "a", "at": midnight - MICROSECOND}, {"event_id": "b", "at": midnight})
    on_time = [row | {"arrived_at": row["at"]} for row in rows]
    assert ids(mart(*on_time)) == {"a": "u-20250303-1", "b": "u-20250304-1"}


def test_a_late_row_forms_a_session_of_its_own_and_changes_no_other(mart):
    rows = [
        {"event_id": "a", "at": NINE},
        {"event_id": "c", "at": NINE + 2 * HALF_AN_HOUR},  # the late row would bridge the gap
    ]
    late = {"event_id": "b", "at": NINE + HALF_AN_HOUR, "arrived_at": NINE + timedelta(days=2)}
    assert ids(mart(*rows, late)) == ids(mart(*rows)) | {"b": "u-20250303-1-20250305"}


def test_a_session_is_summed_up(mart, on_polars):
    rows = mart(
        {"at": NINE},
        {"at": NINE, "product_id": "p2"},
        {"at": NINE + MICROSECOND, "event_type": "add_to_cart"},
        {"at": NINE, "user_id": "v", "event_type": "purchase", "quantity": 3, "unit_price": 0.1},
        {"at": NINE, "user_id": "v", "event_type": "return", "quantity": -1, "unit_price": 5.0},
        {"at": NINE, "user_id": "w", "event_type": "return", "quantity": -1, "unit_price": 5.0},
    )
    result = on_polars(summarise_sessions, rows).sort("user_id")
    assert dict(result.schema) == dict(SESSIONS.polars_schema)
    names = ["events", "products", "views", "add_to_carts", "purchases", "revenue", "depth"]
    assert result.select(*names, "abandoned_cart", "duration_s").rows() == [
        (3, 2, 2, 1, 0, 0.0, "add_to_cart", True, 0.000001),
        (2, 1, 0, 0, 1, 0.3, "purchase", False, 0.0),
        (1, 1, 0, 0, 0, 0.0, "return", False, 0.0),
    ]


@settings(max_examples=30)
@given(seed=st.integers(0, 10**9))
def test_sessions_agree_with_a_plain_loop(dirty_mart, on_polars, seed):
    rows = dirty_mart(seed, dirt=0.2)
    found = defaultdict(set)
    for event, session in rows.select(pl.struct("event_date", "event_id"), "session_id").rows():
        found[session].add((event["event_date"], event["event_id"]))
    expected = {frozenset(session) for session in naive_sessions(rows.to_dicts())}
    assert {frozenset(events) for events in found.values()} == expected

    summary = on_polars(summarise_sessions, rows)
    assert summary["session_id"].is_unique().all()
    assert set(summary["session_id"]) == set(found)
    assert summary["events"].sum() == rows.height
    purchases = rows.filter(pl.col("event_type") == "purchase")
    assert abs(summary["revenue"].sum() - purchases["amount"].sum()) < 1e-6


def naive_sessions(rows):
    visits = defaultdict(list)
    for row in rows:
        visits[row["user_id"], row["event_date"], row["arrived_at"].date()].append(row)
    for visit in visits.values():
        visit.sort(key=lambda row: (row["event_ts"], row["event_id"]))
        session = [visit[0]]
        for one, other in pairwise(visit):
            if other["event_ts"] - one["event_ts"] > HALF_AN_HOUR:
                yield {(row["event_date"], row["event_id"]) for row in session}
                session = []
            session.append(other)
        yield {(row["event_date"], row["event_id"]) for row in session}


@settings(max_examples=10)
@given(seed=st.integers(0, 10**9))
def test_the_order_of_rows_is_irrelevant(dirty_mart, on_polars, seed):
    rows = dirty_mart(seed).drop("session_id")
    shuffled = rows.sample(fraction=1, shuffle=True, seed=seed)
    key = ["event_date", "event_id"]
    one, other = on_polars(assign_sessions, rows), on_polars(assign_sessions, shuffled)
    assert_frame_equal(one.sort(key), other.sort(key))
    assert_frame_equal(
        on_polars(summarise_sessions, one).sort("session_id"),
        on_polars(summarise_sessions, other).sort("session_id"),
        check_exact=True,
    )
