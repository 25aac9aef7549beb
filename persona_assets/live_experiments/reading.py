"""What experiments are computed from, read from the lake.

Belongs here: which rows are needed. Does not belong here: what is made of them (`exposures.py`,
`unit_metrics.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import narwhals as nw
import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.live_experiments.declaration import LiveExperiment
from persona_assets.live_experiments.exposures import PRE_PERIOD_DAYS, READ_COLUMNS
from persona_assets.tables.collected import IMPRESSIONS
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS

_PURCHASE_COLUMNS = ("user_id", "event_date", "event_ts", "amount")


@dataclass(frozen=True)
class Observed:
    """Rows behind the experiments of a home.

    Attributes:
        lists: of `serving/impressions`, those of the experiments.
        purchases: of the mart, from the earliest pre-period on.
        mart_begins: the mart's first day; None: it is empty.
        mart_ends: its newest day. Served lists may be known before the purchases of their day.
    """

    lists: pl.DataFrame
    purchases: pl.DataFrame
    mart_begins: date | None
    mart_ends: date | None


def observed(
    store: DeltaStore, interactions: nw.LazyFrame, experiments: Sequence[LiveExperiment]
) -> Observed:
    """What is known of the declared experiments; nothing is read where there are none.

    Args:
        store: the lake.
        interactions: the mart's.
        experiments: as declared.

    Raises:
        DataError: a table cannot be read.
    """
    no_lists = IMPRESSIONS.empty().select(READ_COLUMNS)
    no_purchases = USER_ITEM_INTERACTIONS.empty().select(_PURCHASE_COLUMNS)
    if not experiments:
        return Observed(no_lists, no_purchases, None, None)
    first = min(each.start for each in experiments)
    end = max(each.end for each in experiments)
    served = store.partition_rows(IMPRESSIONS) if store.exists(IMPRESSIONS) else {}
    days = [day for day in map(date.fromisoformat, sorted(served)) if first <= day < end]
    lists = no_lists
    if days:
        names = [each.name for each in experiments]
        lists = store.read(IMPRESSIONS, days, columns=READ_COLUMNS).filter(
            pl.col("experiment").is_in(names)
        )
    exists = store.exists(USER_ITEM_INTERACTIONS)
    in_mart = sorted(store.partition_rows(USER_ITEM_INTERACTIONS)) if exists else []
    users = lists["user_id"].drop_nulls().unique()
    purchases = no_purchases
    if users.len():
        day = nw.col("event_date")
        asked = interactions.filter(
            nw.col("event_type") == "purchase",
            day >= first - timedelta(days=PRE_PERIOD_DAYS),
            day < end,
        ).select(*_PURCHASE_COLUMNS)
        purchases = store.collect(asked).filter(pl.col("user_id").is_in(users.implode()))
    mart_days = list(map(date.fromisoformat, in_mart))
    return Observed(lists, purchases, min(mart_days, default=None), max(mart_days, default=None))
