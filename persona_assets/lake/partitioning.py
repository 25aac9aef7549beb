"""Partitions of a table: the predicate that names them, their keys, their rows.

Belongs here: what the Delta log and a list of days say. Does not belong here: reading or writing
rows (`store.py`), which partitions a run covers (`orchestration/resources/lake.py`), or how a long
range is divided (`day_batches.py`).
"""

from collections.abc import Sequence
from datetime import date

import polars as pl
from deltalake import DeltaTable

from persona_assets.errors import DataError
from persona_assets.tables import Table


def predicate(table: Table, partitions: Sequence[date] | None) -> str:
    """The SQL predicate of a partition overwrite; dates only, so nothing needs quoting.

    Raises:
        DataError: `partitions` is missing or empty for a partitioned table, given for another, or
            holds something else than dates.
    """
    if table.partition is None:
        if partitions is not None:
            raise DataError(
                f"{table.path} is not partitioned but was to be written for {list(partitions)}; "
                "write it without partitions"
            )
        # Without any, delta-rs lets rivals that find no rows to replace append to each other.
        return "true"
    if not partitions:
        raise DataError(
            f"{table.path} is partitioned by {table.partition} but no partitions were named; name "
            "them (nothing was written)"
        )
    if unknown := [day for day in partitions if type(day) is not date]:
        raise DataError(f"{table.path}: {unknown!r} are not dates; pass datetime.date values")
    days = ", ".join(f"'{key}'" for key in keys(partitions))
    return f"{table.partition} IN ({days})"


def keys(partitions: Sequence[date]) -> list[str]:
    """Partition keys of days, each once, oldest first."""
    return [day.isoformat() for day in sorted(set(partitions))]


def partition_rows(delta: DeltaTable, column: str) -> dict[str, int]:
    """Rows per partition key, oldest first, from the log alone."""
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    if actions.is_empty():
        return {}
    summed = actions.group_by(f"partition.{column}").agg(pl.col("num_records").sum())
    return {day.isoformat(): int(rows) for day, rows in sorted(summed.iter_rows()) if rows}


def files(delta: DeltaTable, column: str | None) -> dict[str, list[str]]:
    """Names of the data files per partition key, from the log; "" where there is no column."""
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    if actions.is_empty():
        return {}
    if column is None:
        return {"": actions["path"].to_list()}
    named = actions.group_by(f"partition.{column}").agg("path")
    return {day.isoformat(): paths for day, paths in named.iter_rows()}
