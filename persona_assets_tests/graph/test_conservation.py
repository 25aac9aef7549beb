"""Promise 1 on the whole graph: every raw row is in the mart or in quarantine, once, for a reason.

The synthetic shop knows how many rows of which dirt it planted; cleaning must find just those.
"""

from typing import Any

import polars as pl

from persona_assets.definitions import HOME
from persona_assets.orchestration.partitions import days_of
from persona_assets.sources.synthetic import SyntheticShop
from persona_assets.tables import TABLES, mart, raw

DAILY = HOME.calendar.daily

# Planted rows that are unusual but right, and totals: no rules of the quarantine.
NO_RULES = {"late_arrival", "other_time_zone", "other_date_format", "raw_rows", "clean_rows"}


def test_quarantine_holds_exactly_the_planted_dirt(whole: Any, shop: SyntheticShop) -> None:
    planted = shop.planted_truth(days_of(DAILY.get_partition_keys()))
    quarantine = whole.store.read(mart.QUARANTINE)
    found = dict(quarantine.group_by("rule").len().iter_rows())
    wanted = {rule: rows for rule, rows in planted.items() if rule not in NO_RULES and rows}
    assert len(wanted) >= 5  # or the shop is too small for the claim
    assert found == wanted


def test_mart_holds_exactly_the_clean_rows(whole: Any, shop: SyntheticShop) -> None:
    planted = shop.planted_truth(days_of(DAILY.get_partition_keys()))
    assert whole.store.read(mart.USER_ITEM_INTERACTIONS).height == planted["clean_rows"]


def test_every_raw_row_is_found_once(whole: Any) -> None:
    where = ["event_date", "source_row"]
    delivered = whole.store.read(raw.EVENTS).select(where)
    kept = whole.store.read(mart.USER_ITEM_INTERACTIONS).select(where)
    rejected = whole.store.read(mart.QUARANTINE).select(where)
    assert pl.concat([kept, rejected]).sort(where).equals(delivered.sort(where))


def test_no_identifier_of_the_shop_is_found_beyond_raw(whole: Any) -> None:
    """Promise 9: what the shop calls its people stays in `raw`."""
    identifiers = set(whole.store.read(raw.USERS)["user_id"])
    for path in whole.hashes:
        if path.startswith("raw/"):
            continue
        for column in whole.store.read(TABLES[path]).select(pl.col(pl.String)).iter_columns():
            assert not identifiers & set(column.unique()), f"{path}.{column.name}"
