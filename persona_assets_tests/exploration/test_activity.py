"""A day's totals, counted by hand and by brute force."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.exploration.activity import daily_activity, hourly_activity
from persona_assets.tables.exploration import DAILY_ACTIVITY, HOURLY_ACTIVITY
from persona_assets.transforms.sessions import summarise_sessions

NINE = datetime(2025, 3, 3, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_day_is_counted_as_by_hand(mart, on_polars):
    rows = mart(
        {"at": NINE, "user_id": "a"},
        {"at": NINE, "user_id": "a", "event_type": "add_to_cart", "product_id": "p2"},
        {"at": NINE, "user_id": "a", "event_type": "purchase", "quantity": 2, "unit_price": 1.5,
         "order_id": "o1"},
        {"at": NINE, "user_id": "a", "event_type": "purchase", "order_id": "o1"},
        {"at": NINE, "user_id": "a", "event_type": "purchase", "unit_price": 2.0},
        # Another visit that gets as far as the cart, and one that only returns something.
        {"at": NINE + timedelta(hours=2), "user_id": "a", "event_type": "add_to_cart"},
        {"at": NINE, "user_id": "b", "event_type": "return", "quantity": -1, "unit_price": 9.0},
        {"at": NINE + DAY, "user_id": "c"},
    )  # fmt: skip
    result = on_polars(daily_activity, rows, on_polars(summarise_sessions, rows)).sort("event_date")
    assert dict(result.schema) == dict(DAILY_ACTIVITY.polars_schema)
    assert result.rows() == [
        (date(2025, 3, 3), 1, 2, 3, 1, 2, 1, 2, 1, 6.0, 3, 2, 1),
        (date(2025, 3, 4), 1, 0, 0, 0, 1, 0, 1, 0, 0.0, 1, 0, 0),
    ]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 23), st.sampled_from("abc"),
            st.sampled_from(["view", "add_to_cart", "purchase", "return"]),
            st.sampled_from([None, "o1", "o2"]),
        ),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_totals_are_those_of_counting_row_by_row(mart, on_polars, happened):
    rows = mart(
        *(
            {"at": datetime(2025, 3, 3 + day, hour, tzinfo=UTC), "user_id": user,
             "event_type": kind, "order_id": order, "product_id": f"p{hour % 3}"}
            for day, hour, user, kind, order in happened
        )
    )  # fmt: skip
    found = on_polars(daily_activity, rows, on_polars(summarise_sessions, rows))
    for row in found.iter_rows(named=True):
        of_day = rows.filter(pl.col("event_date") == row["event_date"]).to_dicts()
        bought = [each for each in of_day if each["event_type"] == "purchase"]
        kinds = Counter(each["event_type"] for each in of_day)
        assert (row["views"], row["returns"]) == (kinds["view"], kinds["return"])
        assert row["users"] == len({each["user_id"] for each in of_day})
        assert row["buyers"] == len({each["user_id"] for each in bought})
        assert row["products"] == len({each["product_id"] for each in of_day})
        assert row["orders"] == len({each["order_id"] for each in bought} - {None})
        assert row["sessions"] >= row["sessions_to_cart"] >= row["sessions_to_purchase"]
    hours = on_polars(hourly_activity, rows)
    assert dict(hours.schema) == dict(HOURLY_ACTIVITY.polars_schema)
    expected = Counter((each["event_date"], each["event_ts"].hour) for each in rows.to_dicts())
    assert {(day, hour): events for day, hour, events, *_ in hours.rows()} == expected
