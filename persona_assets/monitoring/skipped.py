"""`monitoring/skipped`: what the shop's data were insufficient for, by table and partition.

Belongs here: that table's rows. Does not belong here: finding out (`persona_assets.skipped` says
how), or showing it (`report/`).
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.lake.rewriting import rewrite
from persona_assets.skipped import Skipped
from persona_assets.tables import Table
from persona_assets.tables.monitoring import SKIPPED


def record(
    store: DeltaStore, table: Table, partitions: Sequence[date], skipped: Sequence[Skipped]
) -> None:
    """Make `skipped` all that is said of these partitions of `table`.

    Args:
        store: the lake.
        table: contract of the table that was written.
        partitions: that were written; none: an unpartitioned table.
        skipped: what they lack, in any order.
    """
    names = [day.isoformat() for day in partitions] or [""]
    mine = (pl.col("table") == table.path) & pl.col("partition").is_in(names)
    said = (
        pl.DataFrame(
            [
                {
                    "table": table.path,
                    "partition": each.partition.isoformat() if each.partition else "",
                    "part": each.part,
                    "reason": each.reason,
                }
                for each in skipped
            ],
            schema=SKIPPED.polars_schema,
        )
        .unique(SKIPPED.key, keep="first", maintain_order=True)
        .sort(SKIPPED.key)
    )
    held = store.read(SKIPPED) if store.exists(SKIPPED) else SKIPPED.empty()
    if not held.filter(mine).sort(SKIPPED.key).equals(said):
        rewrite(store, SKIPPED, lambda rows: pl.concat([rows.filter(~mine), said]))


def recorded(store: DeltaStore, table: Table) -> list[Skipped]:
    """What is said of `table`, in the order of partitions and parts."""
    if not store.exists(SKIPPED):
        return []
    rows = store.read(SKIPPED).filter(pl.col("table") == table.path).sort(SKIPPED.key)
    return [
        Skipped(
            row["reason"],
            row["part"],
            date.fromisoformat(row["partition"]) if row["partition"] else None,
        )
        for row in rows.iter_rows(named=True)
    ]
