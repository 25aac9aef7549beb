"""Could everything be computed from this shop's data?

Belongs here: the check that repeats what `monitoring/skipped` says of a table. Does not belong
here: why something cannot be computed (`persona_assets.skipped` says who finds out).
"""

from collections.abc import Sequence

import dagster as dg

from persona_assets.monitoring.skipped import recorded
from persona_assets.orchestration.checks.partitioned import CheckedPartitions, asset_check
from persona_assets.skipped import CHECK, Skipped
from persona_assets.tables import Table


def skipped_check(
    table: Table, partitions: dg.PartitionsDefinition | None
) -> dg.AssetChecksDefinition:
    """Warns of each partition of which something was skipped, with the reasons."""

    def evaluate(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
        found: dict[str, list[Skipped]] = {key: [] for key in checked.keys}
        for each in recorded(checked.store, table):
            found.setdefault(str(each.partition or ""), []).append(each)
        return {key: _result(found[key]) for key in checked.keys}

    return asset_check(
        table,
        partitions,
        evaluate,
        name=CHECK,
        description="The shop's data sufficed for everything that the table should hold.",
        blocking=False,
    )


def _result(skipped: Sequence[Skipped]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not skipped,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={each.part or "skipped": each.reason for each in skipped},
        description="skipped, because " + "; ".join(map(str, skipped)) if skipped else None,
    )
