"""Which tables of a step are made: all of them, or those that somebody selected.

Belongs here: asking Dagster what of an asset with several tables is wanted. Does not belong here:
making them (`assets/`), or which assets may be made in part (`table_asset`'s `can_subset`).
"""

from collections.abc import Sequence

import dagster as dg

from persona_assets.tables import Table


def asset_key(table: Table) -> dg.AssetKey:
    """`[group, name]`."""
    return dg.AssetKey([table.group, table.name])


def selected_tables(context: dg.AssetExecutionContext, tables: Sequence[Table]) -> list[Table]:
    """Those of `tables` that the step under way is to make, in their order."""
    return [table for table in tables if asset_key(table) in context.selected_asset_keys]
