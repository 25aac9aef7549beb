import warnings
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.monitoring.data_quality import measure_data_quality
from persona_assets.tables import TABLES

W = date(2025, 2, 3)
FOLLOWING_MONDAY = datetime(2025, 2, 10, tzinfo=UTC)

ROWS = [
    # days after W, price, type, days late
    (-8, 1.0, "view", 0),
    (-1, 3.0, "view", 0),
    (0, 1.0, "view", 0),
    (1, 2.0, "purchase", 0),
    (2, None, "view", 3),
    (6, 6.0, "view", 0),
    (6, 6.0, "view", 1),  # arrives after the week: not known yet
]
EVENTS = pl.DataFrame(
    {
        "event_date": [W + timedelta(days=row[0]) for row in ROWS],
        "arrival_date": [W + timedelta(days=row[0] + row[3]) for row in ROWS],
        "unit_price": [row[1] for row in ROWS],
        "event_type": [row[2] for row in ROWS],
        "event_id": [f"e{number}" for number in range(len(ROWS))],
        "user_id": [f"person-{number % 3}" for number in range(len(ROWS))],
        "product_id": "p",
        "session_id": "s",
        "order_id": pl.Series([None] * len(ROWS), dtype=pl.String),
        "quantity": 1,
        "amount": 0.0,
    }
)
QUARANTINE = pl.DataFrame(
    {
        "event_date": [W, W, W - timedelta(days=3)],
        "arrived_at": [
            FOLLOWING_MONDAY - timedelta(seconds=1),
            FOLLOWING_MONDAY,  # not known by the end of the week
            FOLLOWING_MONDAY - timedelta(days=10),
        ],
    }
)


def quality(events=EVENTS, quarantine=QUARANTINE, cutoff=W):
    return measure_data_quality(events, quarantine, cutoff=cutoff)


def measures(result):
    return {
        (row["column"], row["measure"]): (row["value"], row["reference"])
        for row in result.table.iter_rows(named=True)
    }


def test_quality_measures_by_hand():
    result = quality()
    assert result.table.schema == TABLES["monitoring/data_quality"].polars_schema
    found = measures(result)
    assert found["*", "rows"] == (4.0, 1.0)  # reference: two weeks of one row each
    assert found["*", "rejected_share"] == (1 / 5, 1 / 3)  # the second of the week arrived later
    assert found["*", "late_share"] == (1 / 4, 0.0)
    assert found["unit_price", "missing_share"] == (1 / 4, 0.0)
    assert found["unit_price", "distinct"] == (3.0, 1.0)
    assert found["unit_price", "mean"] == (3.0, 2.0)
    assert found["unit_price", "median"] == (2.0, 2.0)
    assert (found["unit_price", "min"], found["unit_price", "max"]) == ((1.0, 1.0), (6.0, 3.0))
    assert found["unit_price", "q95"] == pytest.approx((5.6, 2.9))
    assert found["event_type", "distinct"] == (2.0, 1.0)
    assert found["order_id", "missing_share"] == (1.0, 1.0)


def test_quality_ignores_the_order_of_rows():
    shuffled = quality(
        EVENTS.sample(fraction=1, shuffle=True, seed=4),
        QUARANTINE.sample(fraction=1, shuffle=True, seed=4),
    )
    assert shuffled.table.equals(quality().table)


def test_the_first_week_has_no_reference_and_a_closed_week_is_named():
    first = quality(EVENTS.filter(pl.col("event_date") >= W))
    assert first.table["reference"].null_count() == first.table.height > 0
    with pytest.raises(DataError, match=r"no rows for the evaluated week"):
        quality(cutoff=date(2025, 3, 10))


def test_a_column_without_numbers_has_shares_but_no_mean():
    found = measures(quality(EVENTS.with_columns(unit_price=pl.lit(None, pl.Float64))))
    assert found["unit_price", "missing_share"] == (1.0, 1.0)
    assert ("unit_price", "mean") not in found


def test_a_column_without_numbers_makes_no_library_warn():
    quality()  # what Evidently warns of when it is imported is not meant
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        html = quality(EVENTS.with_columns(unit_price=pl.lit(None, pl.Float64))).html
    assert "unit_price" in html


def test_html_is_self_contained_and_names_no_person():
    html = quality().html
    assert '<script src="http' not in html
    assert '<link rel="stylesheet" href="http' not in html
    assert "unit_price" in html
    assert "person-" not in html
