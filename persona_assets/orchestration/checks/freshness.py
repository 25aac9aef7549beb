"""Is the newest event as recent as the calendar says it should be?

Dagster's own freshness policies look at when an asset ran: backfilling an old day makes it fresh.
This check looks at the data.
"""

from datetime import date, timedelta

import dagster as dg

from persona_assets.orchestration.checks.partitioned import CheckedPartitions, asset_check
from persona_assets.tables import Table

# Shops that close for a weekend or a holiday are not stale.
TOLERANCE = timedelta(days=4)


def freshness_check(
    table: Table, daily: dg.TimeWindowPartitionsDefinition
) -> dg.AssetChecksDefinition:
    """Warns when the table's newest day with rows lags behind the calendar's last day."""

    def evaluate(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
        days = [date.fromisoformat(key) for key in checked.store.partition_rows(table)]
        last = daily.get_last_partition_key()
        return {"": _result(table, max(days, default=None), date.fromisoformat(str(last)))}

    return asset_check(
        table,
        None,
        evaluate,
        name="event_time_freshness",
        description=f"The newest day with rows is at most {TOLERANCE.days} days before the last "
        "day of the calendar.",
        blocking=False,
    )


def _result(table: Table, newest: date | None, last: date) -> dg.AssetCheckResult:
    fresh = newest is not None and last - newest <= TOLERANCE
    return dg.AssetCheckResult(
        passed=fresh,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"newest": str(newest), "expected": str(last)},
        description=None
        if fresh
        else f"{table.path}: newest day with rows is {newest}, the calendar goes to {last}; "
        "materialize the days between",
    )
