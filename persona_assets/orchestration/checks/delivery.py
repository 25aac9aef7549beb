"""Silence is a signal: was a day delivered, and does it have the rows that such a day has?

Belongs here: checks of how many rows a day has. They warn: a holiday is no fault. Does not belong
here: the statistics (`monitoring/volume.py`), what the rows are like (`rejections.py`).
"""

from collections.abc import Mapping
from datetime import date

import dagster as dg

from persona_assets.monitoring.volume import LEAST_FACTOR, LEVEL, WEEKS, expected_rows, is_closed
from persona_assets.orchestration.checks.partitioned import CheckedPartitions, asset_check
from persona_assets.orchestration.partitions import days_of
from persona_assets.tables import Table


def delivery_check(table: Table, daily: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    """Warns of a day without rows, unless the shop never has any on that weekday."""

    def evaluate(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
        past = _rows(checked, table)
        return {str(day): _delivered(table, day, past) for day in days_of(checked.keys)}

    return asset_check(
        table,
        daily,
        evaluate,
        name="delivered",
        description="The day has rows, or it is a weekday on which the shop never has any.",
        blocking=False,
    )


def volume_check(table: Table, daily: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    """Warns of a day with far more or fewer rows than days like it had.

    The days of a run are decided on together: a day has a wider interval among many than alone.
    """

    def evaluate(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
        past, days = _rows(checked, table), days_of(checked.keys)
        return {str(day): _volume(table, day, past, len(days)) for day in days}

    return asset_check(
        table,
        daily,
        evaluate,
        name="volume",
        description="The day's number of rows lies in the interval that weekdays and trend of the "
        f"{WEEKS} weeks before it predict; with a probability of {LEVEL:.0%} a run over ordinary "
        f"days has none outside, and up to {LEAST_FACTOR:g} times as many or few are ordinary.",
        blocking=False,
        divide=False,
    )


def _rows(checked: CheckedPartitions, table: Table) -> Mapping[date, int]:
    return {date.fromisoformat(day): n for day, n in checked.store.partition_rows(table).items()}


def _warning(passed: bool, description: str, **metadata: float | str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=None if passed else description,
    )


def _delivered(table: Table, day: date, past: Mapping[date, int]) -> dg.AssetCheckResult:
    rows = past.get(day, 0)
    return _warning(
        rows > 0 or is_closed(day, past),
        f"{table.path}: nothing was delivered for {day}; ask the shop, deliver it, and run again: "
        "everything that reads the day follows",
        rows=rows,
    )


def _volume(table: Table, day: date, past: Mapping[date, int], days: int) -> dg.AssetCheckResult:
    rows, expected = past.get(day, 0), expected_rows(day, past, days)
    if expected is None or not rows:  # without any rows it is the delivery that is missing
        return _warning(True, "", rows=rows)
    return _warning(
        expected.holds(rows),
        f"{table.path}: {rows:,} rows on {day}, where {expected.low:,.0f} to {expected.high:,.0f} "
        "are ordinary; if the delivery is incomplete or doubled, deliver the day again",
        rows=rows,
        low=expected.low,
        high=expected.high,
    )
