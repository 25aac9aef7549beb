"""The conservation check sees every lost, doubled and invented row, and only on its day."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from persona_assets.tables import mart, raw

SECOND = date(2025, 1, 2)
DAYS = ("2025-01-01", "2025-01-02", "2025-01-03")


def invented(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(
        [
            frame,
            frame.head(1).with_columns(
                source_row=pl.lit(10**9, pl.Int64), event_id=pl.lit("invented")
            ),
        ]
    )


@pytest.mark.parametrize(
    ("table", "change", "found"),
    [
        (mart.USER_ITEM_INTERACTIONS, lambda frame: frame.head(-2), "'lost': 2"),
        (mart.QUARANTINE, lambda frame: frame.head(-1), "'lost': 1"),
        (
            mart.USER_ITEM_INTERACTIONS,
            lambda frame: pl.concat([frame, frame.head(3)]),
            "'doubled': 3",
        ),
        (mart.USER_ITEM_INTERACTIONS, invented, "'invented': 1"),
        (raw.EVENTS, lambda frame: frame.clear(), "'invented'"),
    ],
    ids=["mart row lost", "rejected row lost", "rows doubled", "row invented", "raw day emptied"],
)
def test_difference_is_counted(
    table: Any, change: Any, found: str, spoiled: Callable[..., Any]
) -> None:
    results = spoiled(table, SECOND, change).check("mart/user_item_interactions", DAYS[0], DAYS[2])
    assert [results["conservation", day].passed for day in DAYS] == [True, False, True]
    assert found in results["conservation", DAYS[1]].description


def test_row_moved_from_mart_to_quarantine_and_lost_elsewhere_is_not_evened_out(
    spoiled: Callable[..., Any],
) -> None:
    """Equal totals are not enough: one row lost and another doubled are two faults."""
    graph = spoiled(
        mart.USER_ITEM_INTERACTIONS,
        SECOND,
        lambda frame: pl.concat([frame.slice(1), frame.slice(1, 1)]),
    )
    failed = graph.check("mart/user_item_interactions", DAYS[1])["conservation", DAYS[1]]
    assert "'lost': 1" in failed.description
    assert "'doubled': 1" in failed.description


def test_counts_are_shown_when_all_is_well(three_days: Any) -> None:
    found = three_days.check("mart/user_item_interactions", DAYS[0])["conservation", DAYS[0]]
    assert found.passed
    counts = {name: found.metadata[name].value for name in ("raw", "mart", "quarantine")}
    assert counts["raw"] == counts["mart"] + counts["quarantine"] > 0
