import random
from collections import defaultdict
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.tables.feature_store import ITEM_FEATURES, USER_FEATURES, WINDOWS
from persona_assets.tables.features import ITEM_DAILY, USER_DAILY
from persona_assets.transforms.snapshots import LOOKBACK_DAYS, item_features, user_features

TODAY = date(2025, 3, 31)
COUNTS = ("events", "views", "add_to_carts", "purchases", "returns", "sessions", "searches")


def ago(days):
    return TODAY - timedelta(days=days)


def user_days(*rows):
    zeros = dict.fromkeys(USER_DAILY.polars_schema, 0) | {"user_id": "u"}
    filled = [zeros | {"arrival_date": row["event_date"]} | row for row in rows]
    return pl.DataFrame(filled, schema=USER_DAILY.polars_schema)


def test_windows_hold_exactly_their_days(on_polars):
    daily = user_days(
        *({"event_date": ago(days), "events": 10**i, "views": 10**i, "revenue": 0.1 * 10**i}
          for i, days in enumerate((0, 1, 6, 7, 29, 30)))
    )  # fmt: skip
    result = on_polars(user_features, daily, [TODAY])
    assert dict(result.schema) == dict(USER_FEATURES.polars_schema)
    row = result.row(0, named=True)
    assert [row[f"events_{window}d"] for window in WINDOWS] == [1, 111, 11_111]
    assert [row[f"revenue_{window}d"] for window in WINDOWS] == [0.1, 11.1, 1111.1]
    assert (row["active_days_30d"], row["days_since_last_event"]) == (5, 0)
    assert row["conversion_30d"] == 0.0


def test_a_late_row_counts_from_the_day_it_arrived(on_polars):
    daily = user_days(
        {"event_date": ago(3), "events": 1, "purchases": 1},
        {"event_date": ago(3), "events": 1, "arrival_date": ago(1)},
        {"event_date": ago(2), "events": 1, "views": 4, "arrival_date": TODAY},
    )
    days = [ago(number) for number in (4, 3, 2, 1, 0, -27, -28)]
    result = on_polars(user_features, daily, days).sort("as_of")
    names = ["as_of", "events_30d", "active_days_30d", "days_since_last_event", "conversion_30d"]
    assert result.select(names).rows() == [
        (ago(3), 1, 1, 0, None),
        (ago(2), 1, 1, 1, None),
        (ago(1), 2, 1, 2, None),
        (ago(0), 3, 2, 2, 0.25),
        (ago(-27), 1, 1, 29, 0.0),
    ]


def test_searches_alone_make_nobody_active(on_polars):
    daily = user_days(
        {"event_date": ago(1), "events": 1},
        {"event_date": TODAY, "searches": 2},
        {"event_date": TODAY, "searches": 2, "user_id": "v"},
    )
    result = on_polars(user_features, daily, [TODAY])
    names = ["user_id", "searches_1d", "active_days_30d", "days_since_last_event"]
    assert result.select(names).rows() == [("u", 2, 1, 1)]


def random_days(seed, entity):
    """Daily totals over 45 days, many of them late."""
    rng = random.Random(seed)
    table = USER_DAILY if entity == "user_id" else ITEM_DAILY
    rows = {}
    for _ in range(60):
        day = ago(rng.randrange(45))
        arrival = day + timedelta(days=rng.choice([0, 0, 0, 1, 2, 40]))
        row = {name: rng.randrange(3) for name in table.polars_schema}
        row |= {"event_date": day, "arrival_date": arrival, entity: rng.choice("abc")}
        row |= {"revenue": rng.randrange(-999, 9999) / 100}
        rows[day, arrival, row[entity]] = row
    return pl.DataFrame(list(rows.values()), schema=table.polars_schema)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**9))
@pytest.mark.parametrize("entity", ["user_id", "product_id"])
def test_snapshots_agree_with_a_plain_loop(on_polars, entity, seed):
    daily = random_days(seed, entity)
    transform = user_features if entity == "user_id" else item_features
    table = USER_FEATURES if entity == "user_id" else ITEM_FEATURES
    days = [ago(number) for number in (0, 1, 7, 20, 44, 45)]
    result = on_polars(transform, daily, days)
    assert dict(result.schema) == dict(table.polars_schema)
    found = result.rows_by_key(["as_of", entity], named=True, unique=True)
    expected = naive_snapshots(daily.to_dicts(), entity, days)
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        conversion = values.pop("conversion_30d")
        assert found[key]["conversion_30d"] == conversion
        assert {name: found[key][name] for name in values} == pytest.approx(values, rel=1e-12)


def naive_snapshots(rows, entity, days):
    snapshots = {}
    for day in days:
        known = defaultdict(list)
        for row in rows:
            age = (day - row["event_date"]).days
            if 0 <= age < 30 and row["arrival_date"] <= day:
                known[row[entity]].append((age, row))
        for name, group in known.items():
            active = {age for age, row in group if row["events"]}
            if not active:
                continue
            values = {}
            others = COUNTS[:5] + (("sessions", "searches") if entity == "user_id" else ("users",))
            for column in (*others, "revenue"):
                for window in WINDOWS:
                    sums = [row[column] for age, row in group if age < window]
                    label = "user_days" if column == "users" else column
                    values[f"{label}_{window}d"] = sum(sums)
            views = values["views_30d"]
            values["conversion_30d"] = values["purchases_30d"] / views if views else None
            values["active_days_30d"] = len(active)
            values["days_since_last_event"] = min(active)
            snapshots[day, name] = values
    return snapshots


@settings(max_examples=10)
@given(seed=st.integers(0, 10**9))
def test_a_range_equals_its_days_given_only_their_look_back(on_polars, seed):
    daily = random_days(seed, "user_id")
    days = [ago(number) for number in (0, 3, 10)]
    whole = on_polars(user_features, daily, days)
    look_back = timedelta(days=LOOKBACK_DAYS)
    alone = [
        on_polars(
            user_features,
            daily.filter(pl.col("event_date").is_between(day - look_back, day)).reverse(),
            [day],
        )
        for day in days
    ]
    key = ["as_of", "user_id"]
    assert_frame_equal(whole.sort(key), pl.concat(alone).sort(key), check_exact=True)


def test_days_computed_together_are_the_days_computed_one_by_one(on_polars):
    """Rows that several snapshots see alike are added up beforehand, across late arrivals."""
    daily = random_days(5, "user_id")
    days = [ago(number) for number in range(12)]
    together = on_polars(user_features, daily, days)
    alone = [on_polars(user_features, daily, [day]) for day in days]
    key = ["as_of", "user_id"]
    assert together["as_of"].n_unique() == len(days)
    assert_frame_equal(together.sort(key), pl.concat(alone).sort(key), check_exact=True)


def test_a_row_that_arrived_before_its_day_counts_from_its_day(on_polars):
    daily = user_days({"event_date": TODAY, "events": 1, "arrival_date": ago(1)})
    result = on_polars(user_features, daily, [ago(1), TODAY])
    assert result.select("as_of", "events_1d", "events_30d").rows() == [(TODAY, 1, 1)]
