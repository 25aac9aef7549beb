"""Is every raw row in the mart or in quarantine, exactly once: promise 1?"""

import dagster as dg

from persona_assets.orchestration.checks.partitioned import CheckedPartitions, asset_check
from persona_assets.orchestration.partitions import days_of
from persona_assets.tables import Table, mart, raw
from persona_assets.transforms.conservation import COUNTS, tally

_COUNTED = (raw.EVENTS, mart.USER_ITEM_INTERACTIONS, mart.QUARANTINE)


def conservation_check(table: Table, daily: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    """Blocking check of the mart: raw rows = mart rows + quarantine rows, row by row."""

    def evaluate(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
        days, store = days_of(checked.keys), checked.store.local_if_small(*_COUNTED)
        counted = store.collect(tally(*(store.scan(each, days) for each in _COUNTED)))
        by_day = {str(row["event_date"]): row for row in counted.iter_rows(named=True)}
        return {key: _result(by_day.get(key, dict.fromkeys(COUNTS, 0))) for key in checked.keys}

    return asset_check(
        table,
        daily,
        evaluate,
        name="conservation",
        description="Every row of raw/events is in mart/user_item_interactions or in "
        "mart/quarantine, exactly once.",
        blocking=True,
    )


def _result(row: dict[str, int]) -> dg.AssetCheckResult:
    wrong = {name: row[name] for name in ("lost", "doubled", "invented") if row[name]}
    return dg.AssetCheckResult(
        passed=not wrong,
        metadata={name: int(row[name]) for name in ("raw", "mart", "quarantine")},
        description=f"raw rows {wrong}; materialize mart/user_item_interactions and "
        "mart/quarantine together from the present raw/events"
        if wrong
        else None,
    )
