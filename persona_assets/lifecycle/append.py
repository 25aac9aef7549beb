"""Adding rows by key to tables of decisions, which are never overwritten.

Belongs here: adding by key. Does not belong here: what keeps a rival's rows when two people decide
at once (`lake/rewriting.py`), or what the rows mean (`configurations.py`, `promotion.py`,
`study.py`).
"""

import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.lake.rewriting import rewrite
from persona_assets.tables import Table


def held(store: DeltaStore, table: Table) -> pl.DataFrame:
    """The rows of `table` in the order of its key; none where it was never written."""
    return store.read(table).sort(table.key) if store.exists(table) else table.empty()


def append(store: DeltaStore, table: Table, rows: pl.DataFrame) -> None:
    """Add `rows` to the unpartitioned `table`; a row of the same key is replaced.

    Args:
        store: the lake.
        table: contract of an unpartitioned table.
        rows: what to add, with the table's columns.
    """
    rewrite(
        store,
        table,
        lambda before: pl.concat([before.join(rows, on=table.key, how="anti"), rows]),
    )
