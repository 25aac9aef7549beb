"""Adding rows to an unpartitioned table that several processes write to.

Belongs here: what keeps a rival's rows when two write at once. Does not belong here: what the rows
mean, or how a table is written (`store.py`).
"""

from collections.abc import Callable, Sequence

import polars as pl

from persona_assets.lake.commit import Commit
from persona_assets.lake.store import DeltaStore
from persona_assets.tables import Table


def rewrite(
    store: DeltaStore, table: Table, change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    """Make the rows of the unpartitioned `table` what `change` makes of them.

    The lake overwrites a table whole. So the commit must follow the version that was read: what
    other writers did in between is done once more, and the result written again.

    Args:
        store: the lake.
        table: contract of an unpartitioned table; it is created where there is none.
        change: of the rows that the table has; applied to its own result it must change nothing.
    """
    version = store.version(table)
    base = table.empty() if version is None else store.read(table, at=version)
    rows = change(base).sort(table.key)
    # A table that is not there yet is created as version 0, without rows.
    expected = (version or 0) + 1
    while True:
        written = store.overwrite(table, rows, commit=Commit(asset=table.path)).version
        if written == expected:
            return
        theirs = store.read(table, at=written - 1)
        merged = _merged(rows, base, theirs, table)
        base, rows = rows, change(merged).sort(table.key)
        expected = written + 1


def _merged(
    mine: pl.DataFrame, base: pl.DataFrame, theirs: pl.DataFrame, table: Table
) -> pl.DataFrame:
    """`mine` with what others made of `base`: `theirs`."""

    def without(rows: pl.DataFrame, others: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
        return rows.join(others, on=on, how="anti", nulls_equal=True)

    added = without(theirs, base, theirs.columns)
    removed = without(base, theirs, base.columns)
    kept = without(without(mine, removed, mine.columns), added, table.key)
    return pl.concat([kept, added])
