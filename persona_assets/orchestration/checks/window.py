"""The check of every table that looks back over several partitions: were they all there?

A predicate over days that were never materialized finds no rows and raises nothing, so a trailing
window computed too early looks like a quiet shop. This check asks Dagster's record instead.
"""

from collections.abc import Mapping

import dagster as dg

from persona_assets.orchestration.checks.partitioned import CheckedPartitions, asset_check
from persona_assets.orchestration.resources.lake import table_of
from persona_assets.tables import Table

# Enough missing days to see which, few enough to read.
_NAMED = 5


Calendar = Mapping[str, dg.PartitionsDefinition | None]
"""Partitions of every table, by path."""


def window_checks(asset: dg.AssetsDefinition, calendar: Calendar) -> list[dg.AssetChecksDefinition]:
    """The checks of `asset`'s trailing inputs, one per table it makes; none where it has none."""
    partitions = asset.partitions_def
    trailing = {
        dep.asset_key: dep.partition_mapping
        for spec in asset.specs
        for dep in spec.deps
        if isinstance(dep.partition_mapping, dg.TimeWindowPartitionMapping)
        and dep.partition_mapping.start_offset < 0
    }
    if partitions is None or not trailing:
        return []
    return [_check(table_of(key), partitions, trailing, calendar) for key in sorted(asset.keys)]


def _check(
    table: Table,
    partitions: dg.PartitionsDefinition,
    trailing: Mapping[dg.AssetKey, dg.TimeWindowPartitionMapping],
    calendar: Calendar,
) -> dg.AssetChecksDefinition:
    def evaluate(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
        missing: dict[str, dict[str, list[str]]] = {key: {} for key in checked.keys}
        for upstream, mapping in trailing.items():
            path = "/".join(upstream.path)
            days = calendar[path]
            if days is None:
                continue
            there = checked.instance.get_materialized_partitions(upstream)
            for key in checked.keys:
                wanted = mapping.get_upstream_mapped_partitions_result_for_partitions(
                    partitions.empty_subset().with_partition_keys([key]),
                    partitions,
                    days,
                )
                keys = wanted.partitions_subset.get_partition_keys()
                if gaps := [day for day in keys if day not in there]:
                    missing[key][path] = gaps
        return {key: _result(table, gaps) for key, gaps in missing.items()}

    return asset_check(
        table,
        partitions,
        evaluate,
        name="window_complete",
        description="Every partition in the look-back of "
        + ", ".join(sorted("/".join(upstream.path) for upstream in trailing))
        + " had been materialized.",
        blocking=True,
    )


def _result(table: Table, gaps: Mapping[str, list[str]]) -> dg.AssetCheckResult:
    text = "; ".join(
        f"{path} lacks {', '.join(days[:_NAMED])}"
        + (f" and {len(days) - _NAMED} more" if len(days) > _NAMED else "")
        for path, days in gaps.items()
    )
    return dg.AssetCheckResult(
        passed=not gaps,
        metadata={"missing_partitions": sum(map(len, gaps.values()))},
        description=f"{table.path} was computed over a gap: {text}; materialize those partitions, "
        "then this one again"
        if gaps
        else None,
    )
