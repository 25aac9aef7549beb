"""What is known at a cut-off: the one filter that keeps the future out of every model.

Belongs here: the row filter by event time *and* arrival time. Does not belong here: what is made
of those rows (`matrix.py`, `exclusion.py`, one module per model).
"""

from datetime import UTC, date, datetime, time

import polars as pl


def midnight(cutoff: date) -> datetime:
    """The instant at which the cut-off day begins: 00:00 UTC."""
    return datetime.combine(cutoff, time(), tzinfo=UTC)


def known_before(interactions: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """Rows that happened and arrived before `cutoff` 00:00 UTC.

    An event of last week that reaches the log next week is not known yet: a model that trained on
    it would be judged with knowledge that nobody had.

    Args:
        interactions: rows of `mart/user_item_interactions`; needs `event_ts` and `arrived_at`.
        cutoff: first day that must stay unseen.
    """
    instant = pl.lit(midnight(cutoff), dtype=pl.Datetime("us", "UTC"))
    return interactions.filter(pl.col("event_ts") < instant, pl.col("arrived_at") < instant)
