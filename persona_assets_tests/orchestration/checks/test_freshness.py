"""Freshness by the data: a run of an old day does not make a table fresh."""

from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest

from persona_assets.orchestration.checks.freshness import TOLERANCE, _result
from persona_assets.tables import raw

LAST = date(2025, 1, 28)


@pytest.mark.parametrize(("days_behind", "fresh"), [(0, True), (4, True), (5, False)])
def test_tolerance_is_exact(days_behind: int, fresh: bool) -> None:
    assert _result(raw.EVENTS, LAST - timedelta(days=days_behind), LAST).passed is fresh
    assert timedelta(days=4) == TOLERANCE


def test_table_without_rows_is_not_fresh() -> None:
    assert not _result(raw.EVENTS, None, LAST).passed


def test_stale_table_warns_without_blocking_and_names_both_days(three_days: Any) -> None:
    found = three_days.check("raw/events", "2025-01-01")["event_time_freshness", ""]
    assert not found.passed
    assert not found.blocking
    assert found.severity is dg.AssetCheckSeverity.WARN
    assert "2025-01-03" in found.description
    assert "2025-01-28" in found.description
