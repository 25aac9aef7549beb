"""What is known at a cut-off: the one filter that keeps the future out of every model.

Belongs here: the row filter by event time *and* arrival time. Does not belong here: what is made
of those rows (`matrix.py`, `exclusion.py`, one module per model).
"""

from datetime import UTC, date, datetime, time
from typing import TypeVar

import narwhals as nw
import polars as pl

Rows = TypeVar("Rows", pl.DataFrame, nw.LazyFrame)
"""Rows in this process's memory, or a lazy frame of either engine."""


def midnight(cutoff: date) -> datetime:
    """The instant at which the cut-off day begins: 00:00 UTC."""
    return datetime.combine(cutoff, time(), tzinfo=UTC)


def known_before(interactions: Rows, cutoff: date) -> Rows:
    """Rows that happened and arrived before `cutoff` 00:00 UTC.

    An event of last week that reaches the log next week is not known yet: a model that trained on
    it would be scored with knowledge that nobody had.

    Args:
        interactions: rows of `mart/user_item_interactions`; needs `event_ts` and `arrived_at`.
        cutoff: first day that must stay unseen.
    """
    instant = nw.lit(midnight(cutoff), dtype=nw.Datetime("us", "UTC"))
    known = (nw.col("event_ts") < instant, nw.col("arrived_at") < instant)
    if isinstance(interactions, pl.DataFrame):
        return nw.from_native(interactions).filter(*known).to_native()
    return interactions.filter(*known)
