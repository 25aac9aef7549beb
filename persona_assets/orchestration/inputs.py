"""`Reads`: one input of an asset.

Belongs here: naming what is read. Does not belong here: reading it
(`orchestration/resources/lake.py`).
"""

from dataclasses import dataclass

import dagster as dg

from persona_assets.tables import Table


@dataclass(frozen=True)
class Reads:
    """One input of an asset: a table, the partitions needed of it, and the columns (None: all).

    Attributes:
        table: its contract.
        mapping: the partitions needed of it.
        columns: the only columns that are read; None: all.
        until: a weekly table. An asset without partitions reads no day after the seven from that
            table's newest cut-off, and no more than the year before it.
        names: a column of identifiers of a daily table, and that table. Rows of a history that
            became known after a day count for it if the day names them.
    """

    table: Table
    mapping: dg.PartitionMapping | None = None
    columns: tuple[str, ...] | None = None
    until: Table | None = None
    names: tuple[str, Table] | None = None

    @property
    def said(self) -> dict[str, str]:
        """What the partition mapping does not say, as metadata."""
        found = {"until": self.until.path} if self.until else {}
        if self.names:
            found |= {"names": self.names[0], "named_in": self.names[1].path}
        return found
