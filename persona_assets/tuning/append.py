"""Adding rows to tables that nothing ever overwrites by partition.

Belongs here: what keeps a rival's rows when two people decide at once. Does not belong here: what
the rows mean (`configurations.py`, `promotion.py`, `study.py`) or how a table is written (`lake/`).
"""

import polars as pl

from persona_assets.lake import Commit, DeltaStore
from persona_assets.tables import Table


def held(store: DeltaStore, table: Table) -> pl.DataFrame:
    """The rows of `table` in the order of its key; none where it was never written."""
    return store.read(table).sort(table.key) if store.exists(table) else table.empty()


def append(store: DeltaStore, table: Table, rows: pl.DataFrame) -> None:
    """Add `rows` to the unpartitioned `table`; a row of the same key is replaced.

    The lake overwrites a table whole. So the commit must follow the version that was read: where
    another writer's came between, its rows are taken up and written once more.

    Args:
        store: the lake.
        table: contract of an unpartitioned table.
        rows: what to add, with the table's columns.
    """
    version = store.version(table)
    before = table.empty() if version is None else store.read(table, at=version)
    # A table that is not there yet is created as version 0, without rows.
    expected = (version or 0) + 1
    while True:
        rows = pl.concat([before.join(rows, on=table.key, how="anti"), rows]).sort(table.key)
        written = store.overwrite(table, rows, commit=Commit(asset=table.path)).version
        if written == expected:
            return
        before, expected = store.read(table, at=written - 1), written + 1
