from datetime import UTC, date, datetime, timedelta

import narwhals as nw
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.tables.features import TEMPORAL_FEATURES
from persona_assets.tables.raw import PRODUCTS
from persona_assets.transforms.temporal import (
    LOOKBACK_DAYS,
    LastInteractions,
    last_interactions,
    temporal_features,
)

NINE = datetime(2025, 3, 3, 9, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CATEGORIES = {"p1": "lamps", "p2": "lamps", "p3": "chairs", "p4": None, "p5": None}
PRODUCT_ROWS = pl.DataFrame(
    [{"product_id": name, "category": category} for name, category in CATEGORIES.items()],
    schema=PRODUCTS.polars_schema,
)
SINCE = ["seconds_since_last_event", "seconds_since_last_product", "seconds_since_last_category"]


def since(frame, event_id):
    return frame.filter(pl.col("event_id") == event_id).select(SINCE).row(0)


def test_time_features_of_one_visit(mart, on_polars):
    rows = mart(
        {"event_id": "a", "at": NINE, "product_id": "p1"},
        {"event_id": "b", "at": NINE + MINUTE, "product_id": "p3"},
        {"event_id": "c", "at": NINE + 3 * MINUTE, "product_id": "p2"},
        {"event_id": "d", "at": NINE + 3 * MINUTE, "product_id": "p1"},
        {"event_id": "e", "at": NINE + 90 * MINUTE, "product_id": "p4"},
        {"event_id": "f", "at": NINE + 91 * MINUTE, "product_id": "p5"},
        {"event_id": "g", "at": NINE - DAY, "product_id": "p9", "user_id": "v"},
    )
    days = [date(2025, 3, 2), date(2025, 3, 3)]
    result = on_polars(temporal_features, rows, PRODUCT_ROWS, days).sort("event_id")
    assert dict(result.schema) == dict(TEMPORAL_FEATURES.polars_schema)
    assert result.select(*SINCE, "session_position", "session_elapsed_s").rows() == [
        (None, None, None, 1, 0.0),
        (60.0, None, None, 2, 60.0),
        (120.0, None, 180.0, 3, 180.0),
        (0.0, 180.0, 0.0, 4, 180.0),
        (5220.0, None, None, 1, 0.0),
        (60.0, None, None, 2, 60.0),  # products without category share none
        (None, None, None, 1, 0.0),
    ]
    assert result.select("hour", "weekday", "is_weekend").rows()[5:] == [
        (10, 1, False),
        (9, 7, True),
    ]


def test_a_late_row_is_no_predecessor_but_has_predecessors(mart, on_polars):
    rows = mart(
        {"event_id": "a", "at": NINE},
        {"event_id": "b", "at": NINE + MINUTE, "arrived_at": NINE + DAY},
        {"event_id": "c", "at": NINE + 2 * MINUTE},
    )
    result = on_polars(temporal_features, rows, PRODUCT_ROWS, [date(2025, 3, 3)])
    assert since(result, "b") == (60.0,) * 3
    assert since(result, "c") == (120.0,) * 3


def test_history_beyond_the_look_back_changes_nothing(mart, on_polars):
    old = {"event_id": "a", "at": NINE - LOOKBACK_DAYS * DAY - timedelta(microseconds=1)}
    edge = {"event_id": "b", "at": NINE - LOOKBACK_DAYS * DAY}
    now = {"event_id": "c", "at": NINE}
    today = [date(2025, 3, 3)]
    alone = on_polars(temporal_features, mart(old, now), PRODUCT_ROWS, today)
    assert since(alone, "c") == (None,) * 3
    edged = on_polars(temporal_features, mart(old, edge, now), PRODUCT_ROWS, today)
    assert since(edged, "c") == (LOOKBACK_DAYS * 86_400.0,) * 3


@settings(max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_features_agree_with_a_plain_loop(dirty_mart, dirty_shop, on_polars, seed):
    rows, products = dirty_mart(seed, dirt=0.2), dirty_shop(seed).products
    days = sorted(set(rows["event_date"]))[1:]
    result = on_polars(temporal_features, rows, products, days)
    assert sorted(result.rows(named=True), key=place) == sorted(
        naive_features(rows.to_dicts(), products, days), key=place
    )


def place(row):
    return row["event_date"], row["event_id"]


def naive_features(rows, products, days):
    category = dict(products.select("product_id", "category").rows())

    def order(row):
        return row["event_ts"], row["event_id"]

    for row in rows:
        if row["event_date"] not in days:
            continue
        at = row["event_ts"]
        before = [
            other
            for other in rows
            if other["user_id"] == row["user_id"]
            and order(other) < order(row)
            and other["arrival_date"] <= other["event_date"]
        ]
        same = [other for other in before if other["product_id"] == row["product_id"]]
        kin = [
            other
            for other in before
            if category[row["product_id"]] is not None
            and category[other["product_id"]] == category[row["product_id"]]
        ]
        visit = sorted(
            (other for other in rows if other["session_id"] == row["session_id"]), key=order
        )
        seconds = [
            min(((at - other["event_ts"]).total_seconds() for other in known), default=None)
            for known in (before, same, kin)
        ]
        yield {
            "event_date": row["event_date"],
            "event_id": row["event_id"],
            "user_id": row["user_id"],
            "product_id": row["product_id"],
            "event_ts": at,
            "arrival_date": row["arrival_date"],
            **dict(zip(SINCE, seconds, strict=True)),
            "hour": at.hour,
            "weekday": at.isoweekday(),
            "is_weekend": at.isoweekday() > 5,
            "session_position": visit.index(row) + 1,
            "session_elapsed_s": (at - visit[0]["event_ts"]).total_seconds(),
        }


@settings(max_examples=10)
@given(seed=st.integers(0, 10**9))
def test_a_range_equals_its_days_alone(dirty_mart, dirty_shop, on_polars, seed):
    rows, products = dirty_mart(seed, days=4), dirty_shop(seed).products
    days = sorted(set(rows["event_date"]))
    whole = on_polars(temporal_features, rows, products, days)
    alone = [
        on_polars(
            temporal_features,
            # A day alone is given no later days: they are not known yet.
            rows.filter(pl.col("event_date") <= day).sample(fraction=1, shuffle=True, seed=1),
            products,
            [day],
        )
        for day in reversed(days)
    ]
    key = ["event_date", "event_id"]
    assert_frame_equal(whole.sort(key), pl.concat(alone).sort(key), check_exact=True)


def test_days_with_gaps_between_them_are_the_same_days(dirty_mart, dirty_shop, on_polars):
    rows, products = dirty_mart(3, rows=400, days=7), dirty_shop(3).products
    days = sorted(set(rows["event_date"]))
    whole = on_polars(temporal_features, rows, products, days)
    some = on_polars(temporal_features, rows, products, days[1::3])
    key = ["event_date", "event_id"]
    expected = whole.filter(pl.col("event_date").is_in(days[1::3]))
    assert_frame_equal(some.sort(key), expected.sort(key), check_exact=True)


@given(st.integers(0, 2**20), st.integers(1, 5))
@settings(max_examples=15)
def test_history_carried_from_piece_to_piece_is_history_read_anew(
    dirty_mart, on_polars, seed, size
):
    """A range in batches of `size` days, with gaps between them; some rows are late."""
    rows = dirty_mart(seed, rows=150, days=9)
    days = [date(2025, 3, 3) + timedelta(days=number) for number in (0, 1, 2, 4, 5, 8)]
    carried = LastInteractions(
        nw.from_native(rows.lazy()),
        nw.from_native(PRODUCT_ROWS.lazy()),
        hold=lambda frame: frame.collect("polars").lazy(),
    )
    batches = [
        on_polars(temporal_features, rows, PRODUCT_ROWS, batch, interacted=carried.before(batch))
        for batch in (days[start : start + size] for start in range(0, len(days), size))
    ]
    order = ["event_date", "event_id", "event_ts", "user_id", "product_id"]
    anew = on_polars(temporal_features, rows, PRODUCT_ROWS, days)
    assert_frame_equal(pl.concat(batches).sort(order), anew.sort(order))


def test_interactions_too_far_back_to_matter_are_let_go(mart, on_polars):
    rows = mart(
        {"event_id": "a", "at": NINE - 31 * DAY, "product_id": "p1"},
        {"event_id": "b", "at": NINE - 29 * DAY, "product_id": "p2"},
    )
    first = on_polars(last_interactions, rows, PRODUCT_ROWS, [date(2025, 1, 31)])
    assert first["product_id"].to_list() == ["p1"]
    days = [date(2025, 2, 1) + timedelta(days=each) for each in range(30)]
    kept = on_polars(
        last_interactions, rows, PRODUCT_ROWS, days, earlier=nw.from_native(first.lazy())
    )
    assert kept["product_id"].to_list() == ["p2"]
