"""The days of a delivery: from the bulk of its rows, not from a clock that ran wrong.

Belongs here: which days a source has, and which times are far from all others. Does not belong
here: reading times (`delivered_times.py`), rejecting rows (`transforms/cleaning.py`).

A single row of 1970 or 2014 would give the calendar thousands of empty days. So rows behind a gap
of more than a year count only where they are several and at least one in a hundred: a shop may
have been closed for a year, and then it has more than one row on the other side.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.times.decision import FIRST_PLAUSIBLE
from persona_assets.transforms.cleaning import FAR_FROM_ITS_DAY

SMALLEST_SHARE_BEHIND_A_GAP = 0.01
FEWEST_ROWS_BEHIND_A_GAP = 2
LONGEST_RANGE = timedelta(days=3653)
"""Ten years. No shop trains on more, and every day is a partition of some twenty tables."""


@dataclass(frozen=True)
class DayRange:
    """The days that most rows are of.

    Attributes:
        first: first day.
        last: last day.
        outside: days that are not among them, each once: of 1970, of the future, far from all
            others.
    """

    first: date
    last: date
    outside: frozenset[date]


def bulk_of(days: pl.Series, *, today: date) -> DayRange | None:
    """The days of a delivery.

    Args:
        days: (rows,) UTC day of each row; null: unreadable.
        today: the caller's day in UTC.

    Returns:
        None where no row is of a plausible day.
    """
    counts = days.drop_nulls().alias("day").value_counts().sort("day")
    plausible = counts.filter(pl.col("day").is_between(FIRST_PLAUSIBLE, today))
    if plausible.is_empty():
        return None
    gap = pl.col("day").diff() > FAR_FROM_ITS_DAY
    stretches = (
        plausible.with_columns(stretch=gap.fill_null(False).cum_sum())
        .group_by("stretch")
        .agg(pl.col("count").sum(), first=pl.col("day").min(), last=pl.col("day").max())
        .sort("count", "first", descending=True)
    )
    fewest = max(
        FEWEST_ROWS_BEHIND_A_GAP, SMALLEST_SHARE_BEHIND_A_GAP * int(stretches["count"].sum())
    )
    # The largest always counts, of equally large ones the newest.
    kept = stretches.filter((pl.col("count") >= fewest) | (pl.int_range(pl.len()) == 0))
    first, last = min(kept["first"]), max(kept["last"])
    outside = counts.filter(~pl.col("day").is_between(first, last))["day"]
    return DayRange(first, last, frozenset(outside))


def refuse_endless(
    first: date, last: date, first_place: str, last_place: str, *, may_be_stated: bool = True
) -> None:
    """Check that the days are not more than anybody means.

    Args:
        first: first day.
        last: last day.
        first_place: where the row of the first day is.
        last_place: where that of the last day is.
        may_be_stated: whether the caller can state days.

    Raises:
        UserError: they are more than ten years; the text names the rows at both ends.
    """
    if last - first >= LONGEST_RANGE:
        state = ", or state the days with --start and --end" * may_be_stated
        raise UserError(
            f"the rows are of {(last - first).days + 1:,} days, from {first} ({first_place}) to "
            f"{last} ({last_place}), which is more than ten years; correct the times of these rows "
            f"or how they are read ([events.time]){state}"
        )
