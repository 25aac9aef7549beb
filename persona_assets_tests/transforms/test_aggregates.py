from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.tables.features import ITEM_DAILY, USER_DAILY
from persona_assets.tables.raw import SEARCH_LOGS
from persona_assets.transforms.aggregates import item_daily, user_daily
from persona_assets.transforms.pseudonyms import pseudonym

KEY = b"key of the tests"
NINE = datetime(2025, 3, 3, 9, tzinfo=UTC)
TODAY = date(2025, 3, 3)
ANNA, BOB = (pseudonym(name, KEY) for name in ("anna", "bob"))


def searches(*changes):
    clean = {
        "event_date": TODAY,
        "user_id": "anna",
        "timestamp": NINE.isoformat(),
        "arrived_at": NINE,
        "query": "lamp",
        "results": 3,
        "consent": True,
    }
    rows = [{"source_row": number} | clean | change for number, change in enumerate(changes)]
    return pl.DataFrame(rows, schema=SEARCH_LOGS.polars_schema)


def test_user_days_hold_events_and_searches_apart_by_arrival(mart, on_polars):
    tomorrow = NINE + timedelta(days=1)
    rows = mart(
        {"at": NINE, "user_id": ANNA, "product_id": "p2"},
        {"at": NINE, "user_id": ANNA, "event_type": "purchase", "quantity": 3, "unit_price": 0.1},
        {"at": NINE, "user_id": ANNA, "event_type": "return", "quantity": -1, "unit_price": 0.1},
        {"at": NINE + timedelta(hours=1), "user_id": ANNA, "event_type": "add_to_cart"},
        {"at": NINE, "user_id": ANNA, "arrived_at": tomorrow},
    )
    logs = searches({}, {}, {"arrived_at": tomorrow}, {"user_id": "bob"})
    result = on_polars(user_daily, rows, logs, key=KEY)
    assert dict(result.schema) == dict(USER_DAILY.polars_schema)
    names = [c.name for c in USER_DAILY.columns if c.name not in USER_DAILY.key]
    found = {
        (row["user_id"], row["arrival_date"]): tuple(row[name] for name in names)
        for row in result.to_dicts()
    }
    assert found == {
        (ANNA, TODAY): (4, 1, 1, 1, 1, 2, 2, 2, 0.2, 9.0),
        # Late rows have sessions of their own; the product, p1, was there on time.
        (ANNA, tomorrow.date()): (1, 1, 0, 0, 0, 1, 1, 0, 0.0, 1.0),
        (BOB, TODAY): (0, 0, 0, 0, 0, 1, 0, 0, 0.0, 0.0),
    }


def test_searches_without_consent_person_or_day_do_not_count(mart, on_polars):
    logs = searches(
        {"consent": False},
        {"consent": None},
        {"user_id": None},
        {"user_id": " "},
        {"timestamp": None},
        {"timestamp": "last week"},
        {"timestamp": "2025-03-03T00:30:00+01:00"},  # the evening before in UTC
    )
    rows = mart({"at": NINE, "user_id": ANNA})
    result = on_polars(user_daily, rows, logs, key=KEY)
    assert result.select("user_id", "events", "searches").rows() == [(ANNA, 1, 0)]


@settings(max_examples=20)
@given(seed=st.integers(0, 10**9))
def test_item_days_agree_with_a_plain_loop(dirty_mart, on_polars, seed):
    rows = dirty_mart(seed)
    groups = defaultdict(list)
    first = {}
    for row in rows.sort("arrival_date").to_dicts():
        first.setdefault(
            (row["event_date"], row["product_id"], row["user_id"]), row["arrival_date"]
        )
        groups[row["event_date"], row["product_id"], row["arrival_date"]].append(row)
    result = on_polars(item_daily, rows)
    assert dict(result.schema) == dict(ITEM_DAILY.polars_schema)
    found = result.rows_by_key(
        ["event_date", "product_id", "arrival_date"], named=True, unique=True
    )
    assert found.keys() == groups.keys()
    for key, group in groups.items():
        types = [row["event_type"] for row in group]
        row = found[key]
        assert row["events"] == len(group)
        day, product, arrival = key
        came_first = {
            each["user_id"] for each in group if first[day, product, each["user_id"]] == arrival
        }
        assert row["users"] == len(came_first)
        names = ("view", "add_to_cart", "purchase", "return")
        assert [row[f"{name}s"] for name in names] == [types.count(name) for name in names]
        assert abs(row["revenue"] - sum(row["amount"] or 0.0 for row in group)) < 1e-9
        assert row["weight"] == sum(row["weight"] for row in group)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**9))
def test_different_values_known_at_any_time_are_the_sum_over_what_had_arrived(
    dirty_mart, dirty_shop, on_polars, seed
):
    """A user of whom one row came on time and another one late is one user at any time."""
    rows = dirty_mart(seed)
    items = on_polars(item_daily, rows)
    users = on_polars(user_daily, rows, dirty_shop(seed).search_logs.clear(), key=KEY)
    counts = (
        (items, "product_id", "users", "user_id"),
        (users, "user_id", "sessions", "session_id"),
        (users, "user_id", "products", "product_id"),
    )
    for as_of in sorted(set(rows["arrival_date"])):
        known = pl.col("arrival_date") <= as_of
        for daily, entity, count, column in counts:
            keys = ["event_date", entity]
            added = daily.filter(known).group_by(keys).agg(pl.col(count).sum()).sort(keys)
            plain = (
                rows.filter(known)
                .group_by(keys)
                .agg(pl.col(column).n_unique().cast(pl.Int64).alias(count))
                .sort(keys)
            )
            assert_frame_equal(added, plain)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**9))
def test_a_range_equals_its_days_to_the_last_digit(dirty_mart, dirty_shop, on_polars, seed):
    rows, logs = dirty_mart(seed), dirty_shop(seed).search_logs
    shuffled = rows.sample(fraction=1, shuffle=True, seed=seed)
    days = sorted(set(rows["event_date"]) | set(logs["event_date"]), reverse=True)

    def of_day(frame, day):
        return frame.filter(pl.col("event_date") == day)

    users = on_polars(user_daily, rows, logs, key=KEY)
    by_day = [on_polars(user_daily, of_day(shuffled, d), of_day(logs, d), key=KEY) for d in days]
    key = list(USER_DAILY.key)
    assert_frame_equal(users.sort(key), pl.concat(by_day).sort(key), check_exact=True)

    items = on_polars(item_daily, rows)
    by_day = [on_polars(item_daily, of_day(shuffled, day)) for day in days]
    key = list(ITEM_DAILY.key)
    assert_frame_equal(items.sort(key), pl.concat(by_day).sort(key), check_exact=True)
