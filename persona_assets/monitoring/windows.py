"""The evaluated week and the weeks it is compared with.

Belongs here: which rows are looked at, and samples of them that do not depend on row order. Does
not belong here: what is measured on the rows (`drift.py`, `data_quality.py`).
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from persona_assets.errors import InsufficientDataError

WEEK = timedelta(days=7)
SAMPLED_VALUES = 20_000
"""Values a side given to Evidently, whose time, about 1 s, is up to here mostly that of drawing and
grows linearly beyond; the error of a share (at most 0.4 %) is far below any threshold for drift."""


def split_weeks(
    frame: pl.DataFrame, *, cutoff: date, reference_weeks: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of the week from `cutoff`, and rows of the `reference_weeks` weeks before it.

    Only rows that had arrived by the end of the evaluated week are kept, so that a report reads the
    same whenever it is made.

    Args:
        frame: has `event_date` and `arrival_date`; rows outside the weeks are ignored.
        cutoff: Monday on which the evaluated week begins.
        reference_weeks: how many weeks to look back.
    """
    known = frame.filter(pl.col("arrival_date") < cutoff + WEEK)
    current = known.filter(pl.col("event_date").is_between(cutoff, cutoff + WEEK, closed="left"))
    start = cutoff - reference_weeks * WEEK
    reference = known.filter(pl.col("event_date").is_between(start, cutoff, closed="left"))
    return current, reference


def require_rows(frame: pl.DataFrame, *, what: str, cutoff: date) -> None:
    """Refuse an empty side of a comparison.

    Raises:
        InsufficientDataError: `frame` has no rows; the text names the week.
    """
    if frame.is_empty():
        raise InsufficientDataError(f"mart/user_item_interactions has no rows for {what}")


def sample_values(values: pl.Series, rng: np.random.Generator) -> pl.Series:
    """At most `SAMPLED_VALUES` of the values, without replacement, in their given order."""
    if len(values) <= SAMPLED_VALUES:
        return values
    return values.gather(np.sort(rng.choice(len(values), SAMPLED_VALUES, replace=False)))
