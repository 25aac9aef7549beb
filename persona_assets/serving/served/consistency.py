"""Rules that served lists and impressions keep, beyond the types of their columns.

Belongs here: counting rows that break them. Does not belong here: when it is asked
(`orchestration/event_log/checks.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.tables import Table
from persona_assets.tables.collected import IMPRESSIONS, SERVED_LISTS
from persona_assets.tables.verify import violations

_LIST = ("event_date", "recommendation_id")
_DONE = ("clicked", "carted", "purchased", "rejected")


def contract_broken(store: DeltaStore, table: Table, days: Sequence[date]) -> dict[str, int]:
    """Rule of the contract → rows of the days that break it; empty: none do."""
    if not store.exists(table):
        return {}
    found = violations(store.scan(table, days), table, {}, store.engine.collect)
    broken: dict[str, int] = {}
    for each in (violation for day in found.values() for violation in day):
        broken[each.rule] = broken.get(each.rule, 0) + each.rows
    return broken


def lists_broken(store: DeltaStore, days: Sequence[date]) -> dict[str, int]:
    """Rows of lists with a gap in their places, and of products that are twice in a list."""
    if not store.exists(SERVED_LISTS):
        return {}
    return broken_places(store.read(SERVED_LISTS, days))


def impressions_broken(store: DeltaStore, days: Sequence[date]) -> dict[str, int]:
    """Rows without their list or the other way round, and rows with deeds but no view."""
    if not store.exists(IMPRESSIONS):
        return {}
    made = store.read(IMPRESSIONS, days)
    key = [*_LIST, "position", "product_id"]
    lists = store.read(SERVED_LISTS, days, columns=key)
    return _counted(
        {
            "a served product is missing": lists.join(made, on=key, how="anti").height,
            "a product was not served": made.join(lists, on=key, how="anti").height,
        }
        | deeds_without_view(made)
    )


def broken_places(lists: pl.DataFrame) -> dict[str, int]:
    """See `lists_broken`."""
    each = lists.group_by(_LIST).agg(
        rows=pl.len(),
        first=pl.col("position").min(),
        last=pl.col("position").max(),
        places=pl.col("position").n_unique(),
        products=pl.col("product_id").n_unique(),
    )
    size = pl.col("rows")
    dense = (pl.col("first") == 1) & (pl.col("last") == size) & (pl.col("places") == size)
    return _counted(
        {
            "places are 1, 2, 3 …": _rows(each.filter(~dense)),
            "a product once in a list": _rows(each.filter(pl.col("products") < size)),
        }
    )


def deeds_without_view(made: pl.DataFrame) -> dict[str, int]:
    """Rows of impressions from which something was done though they were not viewed."""
    done = pl.any_horizontal(_DONE)
    return _counted({"clicked and not viewed": made.filter(done & ~pl.col("viewed")).height})


def _counted(found: Mapping[str, int]) -> dict[str, int]:
    return {rule: rows for rule, rows in found.items() if rows}


def _rows(lists: pl.DataFrame) -> int:
    return int(lists["rows"].sum())
