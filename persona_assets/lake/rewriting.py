"""Changing an unpartitioned table whose rows have several writers.

Belongs here: what keeps a rival's rows when two write at once. Does not belong here: what the rows
mean, or how a table is written (`store.py`).
"""

from collections.abc import Callable

import polars as pl

from persona_assets.lake.commit import Commit
from persona_assets.lake.store import DeltaStore
from persona_assets.tables import Table


def rewrite(
    store: DeltaStore, table: Table, change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    """Make the rows of the unpartitioned `table` what `change` makes of them.

    The lake overwrites a table whole. So the commit must follow the version that was read: where
    another writer's came between, its rows are taken up and changed once more.

    Args:
        store: the lake.
        table: contract of an unpartitioned table; it is created where there is none.
        change: of the rows that the table has; applied to its own result it must change nothing.
    """
    version = store.version(table)
    before = table.empty() if version is None else store.read(table, at=version)
    # A table that is not there yet is created as version 0, without rows.
    expected = (version or 0) + 1
    while True:
        rows = change(before).sort(table.key)
        written = store.overwrite(table, rows, commit=Commit(asset=table.path)).version
        if written == expected:
            return
        before, expected = store.read(table, at=written - 1), written + 1
