from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from persona_assets.transforms.engine import latest_before, with_epoch_micros


@pytest.mark.parametrize("within", [("group",), ("group", "kind")])
def test_the_latest_value_before_a_row_is_that_of_a_loop(lazy, collect, dirty_mart, within):
    rows = (
        dirty_mart(5, rows=120)
        .select(
            pl.col("user_id").alias("group"),
            pl.when(pl.col("product_id") != "p1").then("product_id").alias("kind"),
            "event_ts",
            "event_id",
            value=pl.when(pl.col("arrival_date") == pl.col("event_date")).then("source_row"),
        )
        .unique(["event_ts", "event_id"])
    )
    order = ("event_ts", "event_id")
    found = collect(latest_before(lazy(rows), "value", within=within, order_by=order, into="last"))
    expected, seen = [], {}
    for row in rows.sort(order).iter_rows(named=True):
        group = tuple(row[name] for name in within)
        expected.append(seen.get(group))
        if row["value"] is not None:
            seen[group] = row["value"]
    assert found.sort(order)["last"].to_list() == expected
    assert rows["value"].null_count() > 5
    assert rows["kind"].null_count() > 5


def test_microseconds_invert_the_calendar(lazy, collect):
    micros = [-62_135_596_800_000_000, -1, 0, 1_741_515_630_123_456, 253_402_300_799_999_999]
    instants = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us) for us in micros]
    frame = pl.DataFrame({"at": [*instants, None]}, schema={"at": pl.Datetime("us", "UTC")})
    result = collect(with_epoch_micros(lazy(frame), us="at").sort("at"))
    assert result["us"].to_list() == [None, *micros]
