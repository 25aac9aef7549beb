"""A day without a delivery, half a day, and a day of nothing but defects do not look healthy."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from persona_assets.tables import TABLES, mart

EVENTS = TABLES["raw/events"]
LAST = date(2025, 1, 28)
WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def graph_of(open_graph: Callable[..., Any], shop: Any, change: dict[date, int]) -> Any:
    """A graph whose raw/events has four weeks, of some days only so many rows."""
    graph = open_graph()
    days = [LAST - timedelta(days=number) for number in range(28)]
    frames = [shop.events([day]).head(change.get(day, 10**6)) for day in days]
    graph.store.overwrite(EVENTS, pl.concat(frames), partitions=days)
    for day in days:
        graph.instance.report_runless_asset_event(
            dg.AssetMaterialization(["raw", "events"], partition=str(day))
        )
    return graph


def test_a_day_without_a_delivery_and_half_a_day_warn(
    open_graph: Callable[..., Any], shop: Any
) -> None:
    graph = graph_of(open_graph, shop, {LAST: 0, LAST - timedelta(days=1): 20})
    found = graph.check("raw/events", "2025-01-26", "2025-01-28")
    missing = found["delivered", "2025-01-28"]
    assert not missing.passed
    assert missing.severity is WARN
    assert "nothing was delivered for 2025-01-28" in missing.description
    assert found["volume", "2025-01-28"].passed  # said once
    assert not found["volume", "2025-01-27"].passed
    assert "20 rows on 2025-01-27" in found["volume", "2025-01-27"].description
    assert found["delivered", "2025-01-26"].passed
    assert found["volume", "2025-01-26"].passed


def test_checks_without_a_partition_evaluate_all_that_are_materialized(
    open_graph: Callable[..., Any], shop: Any
) -> None:
    """ "Execute" on the Checks tab of the UI names no partition; alone and all together."""
    graph = graph_of(open_graph, shop, {LAST: 0})
    found = graph.check("raw/events")
    assert {name for name, _ in found} >= {"contract", "delivered", "volume"}
    assert not found["delivered", "2025-01-28"].passed
    assert found["contract", "2025-01-01"].passed
    assert {day for name, day in found if name == "volume"} >= {"2025-01-01", "2025-01-28"}
    # Among 28 days, one has to be further off to be one in a hundred.
    alone = graph.check("raw/events", "2025-01-27", "2025-01-27")["volume", "2025-01-27"].metadata
    together = found["volume", "2025-01-27"].metadata
    assert together["low"].value < alone["low"].value
    assert together["high"].value > alone["high"].value


def test_checks_of_a_table_that_was_never_made_have_nothing_to_evaluate(
    open_graph: Callable[..., Any],
) -> None:
    found = open_graph().check("mart/sessions")
    assert found["contract", ""].passed
    assert found["contract", ""].metadata["partitions"].value == 0


def spoil(rule: str, share: float) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A quarantine in which one rule has rejected so many rows a day that were accepted."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        wanted = int(180 * share)
        more = pl.concat([rows] * (wanted // rows.height + 1)).head(wanted)
        return pl.concat([rows, more.with_columns(rule=pl.lit(rule))])

    return change


@pytest.mark.parametrize(
    ("rule", "passed"), [("unreadable_timestamp", False), ("missing_user", True)]
)
def test_a_day_of_defects_blocks_and_one_of_strangers_does_not(
    rule: str, passed: bool, spoiled: Callable[..., Any]
) -> None:
    graph = spoiled(mart.QUARANTINE, date(2025, 1, 2), spoil(rule, 3.0))
    found = graph.check("mart/user_item_interactions", "2025-01-01", "2025-01-03")
    assert found["quarantine_share", "2025-01-02"].passed is passed
    assert found["quarantine_share", "2025-01-02"].blocking
    assert found["quarantine_share", "2025-01-01"].passed


def test_a_misspelt_event_name_does_not_end_green(spoiled: Callable[..., Any]) -> None:
    graph = spoiled(mart.QUARANTINE, date(2025, 1, 2), spoil("unknown_event_type", 0.1))
    found = graph.check("mart/quarantine", "2025-01-01", "2025-01-03")
    assert not found["event_names", "2025-01-02"].passed
    assert found["event_names", "2025-01-02"].severity is ERROR
    assert "[events.values.event_type]" in found["event_names", "2025-01-02"].description
    assert found["event_names", "2025-01-01"].passed
