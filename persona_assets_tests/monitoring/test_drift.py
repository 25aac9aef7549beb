from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.monitoring.drift import data_drift, with_popularity_tier
from persona_assets.tables import TABLES

START = datetime(2025, 1, 6, tzinfo=UTC)
W = date(2025, 2, 3)  # four whole weeks after the start
COLUMNS = [
    "event_type",
    "popularity_tier",
    "weekday",
    "hour",
    "unit_price",
    "purchase_amount",
    "session_events",
    "session_duration_s",
]


def shop(per_week=600, weeks=5, seed=0):
    """Interactions and sessions of a shop whose every week is drawn from one distribution."""
    rng = np.random.default_rng(seed)
    rows = per_week * weeks
    popularity = 1 / np.arange(1, 81)
    events = (
        pl.DataFrame(
            {
                "source_row": np.arange(rows),
                "event_id": [f"e{number:06d}" for number in range(rows)],
                "user_id": [f"person-{number:03d}" for number in rng.integers(150, size=rows)],
                "product_id": [
                    f"p{number:02d}"
                    for number in rng.choice(80, rows, p=popularity / popularity.sum())
                ],
                "event_type": rng.choice(
                    ["view", "add_to_cart", "purchase"], rows, p=[0.7, 0.2, 0.1]
                ),
                "offset": rng.integers(7 * 86_400, size=rows)
                + np.repeat(np.arange(weeks), per_week) * 7 * 86_400,
                "unit_price": rng.lognormal(3, 0.6, rows),
            }
        )
        .with_columns(event_ts=pl.lit(START) + pl.duration(seconds=pl.col("offset")))
        .with_columns(
            event_date=pl.col("event_ts").dt.date(),
            arrived_at=pl.col("event_ts"),
            arrival_date=pl.col("event_ts").dt.date(),
            quantity=1,
            amount=pl.when(pl.col("event_type") == "purchase")
            .then(pl.col("unit_price"))
            .otherwise(0.0),
            weight=1.0,
            order_id=pl.lit(None, pl.String),
            related_event_id=pl.lit(None, pl.String),
        )
        .with_columns(session_id=pl.concat_str("user_id", "event_date"))
    )
    sessions = events.group_by("session_id").agg(
        pl.col("user_id", "event_date", "arrival_date").first(),
        events=pl.len(),
        duration_s=(pl.col("event_ts").max() - pl.col("event_ts").min()).dt.total_seconds(),
    )
    return events.cast(TABLES["mart/user_item_interactions"].polars_schema), sessions.cast(
        {"duration_s": pl.Float64}
    )


EVENTS, SESSIONS = shop()
IN_WEEK = pl.col("event_date") >= W


def drift(events=EVENTS, sessions=SESSIONS, cutoff=W, seed=1):
    return data_drift(events, sessions, cutoff=cutoff, seed=seed)


@pytest.fixture(scope="module")
def calm():
    return drift()


def changed(**expressions):
    return EVENTS.with_columns(
        pl.when(IN_WEEK).then(expression).otherwise(name).alias(name)
        for name, expression in expressions.items()
    )


def test_a_week_like_the_others_does_not_drift(calm):
    assert calm.table.schema == TABLES["monitoring/data_drift"].polars_schema
    assert calm.table["column"].to_list() == COLUMNS
    assert not calm.table["drifted"].any()
    assert calm.drift_share == 0.0
    events = calm.table.filter(pl.col("column") == "event_type")
    assert events.select("current_rows", "reference_rows").row(0) == (600, 2400)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("unit_price", {"unit_price": pl.col("unit_price") * 2}),
        (
            "event_type",
            {
                # Half of the views; purchases stay, and with them their amounts.
                "event_type": pl.when(
                    (pl.col("event_type") == "view") & (pl.col("source_row") % 2 == 0)
                )
                .then(pl.lit("add_to_cart"))
                .otherwise("event_type")
            },
        ),
        ("hour", {"event_ts": pl.col("event_ts").dt.truncate("1d") + pl.duration(hours=20)}),
        ("popularity_tier", {"product_id": pl.lit("p79")}),
        ("weekday", {"event_date": pl.lit(W)}),
    ],
)
def test_a_planted_change_is_found_in_its_own_column(column, change):
    result = drift(changed(**change))
    drifted = result.table.filter("drifted")["column"].to_list()
    # Prices of purchases are prices too.
    assert set(drifted) - {"purchase_amount"} == {column}
    assert result.drift_share == len(drifted) / len(COLUMNS)


def test_longer_sessions_are_found():
    longer = SESSIONS.with_columns(
        pl.when(IN_WEEK).then(pl.col("events") * 3).otherwise("events").alias("events")
    )
    assert drift(sessions=longer).table.filter("drifted")["column"].to_list() == ["session_events"]


def test_same_result_whatever_the_order_of_rows(calm):
    shuffled = drift(
        EVENTS.sample(fraction=1, shuffle=True, seed=4),
        SESSIONS.sample(fraction=1, shuffle=True, seed=4),
    )
    assert shuffled.table.equals(calm.table)


def test_rows_outside_the_weeks_or_arriving_later_move_nothing(calm):
    odd = EVENTS.with_columns(
        event_id=pl.concat_str("event_id", pl.lit("x")), unit_price=pl.lit(1e6)
    )
    late = odd.with_columns(arrival_date=pl.lit(W + timedelta(days=7)))
    after = odd.with_columns(pl.col("event_date") + timedelta(days=35))
    before = odd.with_columns(pl.col("event_date") - timedelta(days=35))
    assert drift(pl.concat([EVENTS, late, after, before])).table.equals(calm.table)


def test_samples_are_seeded(monkeypatch):
    monkeypatch.setattr("persona_assets.monitoring.windows.SAMPLED_VALUES", 300)
    once, again, other = drift(seed=1), drift(seed=1), drift(seed=2)
    assert once.table.equals(again.table)
    assert not once.table.equals(other.table)
    assert once.table["current_rows"][0] == 600  # rows of the week, not of the sample


def test_columns_without_values_are_left_out():
    bare = EVENTS.with_columns(unit_price=pl.lit(None, pl.Float64), event_type=pl.lit("view"))
    columns = drift(bare, SESSIONS.clear()).table["column"].to_list()
    assert columns == ["event_type", "popularity_tier", "weekday", "hour"]
    # One reference week has no week before it, so its products have no tier.
    second = drift(cutoff=date(2025, 1, 13)).table["column"].to_list()
    assert "popularity_tier" not in second


def test_a_closed_shop_is_named():
    with pytest.raises(DataError, match=r"no rows for the weeks before the evaluated week"):
        drift(cutoff=date(2025, 1, 6))
    with pytest.raises(DataError, match=r"no rows for the evaluated week"):
        drift(cutoff=date(2025, 3, 10))


def test_popularity_tiers_by_hand():
    first = ["a"] * 5 + ["b"] * 2 + ["c"] * 2 + ["d"]  # shares .5 .2 .2 .1: a | b c | d
    events = pl.DataFrame(
        {
            "event_date": [date(2025, 1, 8)] * 10 + [date(2025, 1, 13)] * 5,
            "product_id": [*first, "a", "b", "c", "d", "e"],
        }
    )
    tiers = with_popularity_tier(events)
    assert tiers["product_id"].to_list() == events["product_id"].to_list()
    assert tiers["popularity_tier"].to_list() == [None] * 10 + [
        "head",
        "middle",
        "middle",
        "tail",
        "new",
    ]


def test_html_is_self_contained_and_names_every_column_but_no_person(calm):
    assert '<script src="http' not in calm.html
    assert '<link rel="stylesheet" href="http' not in calm.html
    assert all(column in calm.html for column in COLUMNS)
    assert "person-" not in calm.html
