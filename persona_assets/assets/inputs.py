"""`Reads`: one input of an asset.

Belongs here: naming what is read. Does not belong here: reading it (`resources/lake.py`).
"""

from dataclasses import dataclass

import dagster as dg

from persona_assets.tables import Table


@dataclass(frozen=True)
class Reads:
    """One input of an asset: a table, the partitions needed of it, and the columns (None: all)."""

    table: Table
    mapping: dg.PartitionMapping | None = None
    columns: tuple[str, ...] | None = None
