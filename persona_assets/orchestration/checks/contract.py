"""The check that every table has: do its rows keep the contract?

Belongs here: one `contract` check per table, with each rule's count and sample as metadata. One
check with many rules, not many checks: each costs the event log a row per partition.
"""

from typing import Any

import dagster as dg

from persona_assets.orchestration.checks.partitioned import CheckedPartitions, asset_check
from persona_assets.orchestration.partitions import days_of
from persona_assets.tables import TABLES, Table
from persona_assets.tables.verify import Violation, rule_names, violations


def contract_check(
    table: Table, partitions: dg.PartitionsDefinition | None
) -> dg.AssetChecksDefinition:
    """Schema, nulls, ranges, allowed values, foreign keys and uniqueness of the key; blocking."""
    referenced = {
        column.references: TABLES[column.references.rpartition(".")[0]]
        for column in table.columns
        if column.references
    }

    def evaluate(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
        days = days_of(checked.keys) if partitions else None
        store = checked.store.local_if_small(table, *referenced.values())
        references = {name: store.scan(other) for name, other in referenced.items()}
        frame = store.scan(table, days)
        found = violations(frame, table, references, store.engine.collect)
        return {key: _result(table, found.get(key, [])) for key in checked.keys}

    return asset_check(
        table,
        partitions,
        evaluate,
        name="contract",
        description=f"Rows of {table.path} keep its contract: "
        + "; ".join(rule_names(table))
        + ". The schema itself is enforced on every write.",
        blocking=True,
    )


def _result(table: Table, broken: list[Violation]) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = {"rules": len(rule_names(table))}
    for violation in broken:
        metadata[violation.rule] = {"rows": violation.rows, "sample": list(violation.sample)}
    rules = ", ".join(f"{violation.rule} ({violation.rows} rows)" for violation in broken)
    return dg.AssetCheckResult(
        passed=not broken,
        metadata=metadata,
        description=f"{table.path} breaks: {rules}; correct the input and materialize it again"
        if broken
        else None,
    )
