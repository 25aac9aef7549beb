"""The calendar of the graph: daily and weekly partitions and the windows between them.

Belongs here: partition definitions and mappings. Does not belong here: which asset uses which.

The bounds come from the home's settings at import, since Dagster wants definitions whole. A weekly
partition is named by its cut-off, a Monday: it trains on what happened and arrived before, and is
judged on the seven days from it.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from persona_assets import settings
from persona_assets.tables.feature_store import WINDOWS
from persona_assets.transforms.temporal import LOOKBACK_DAYS

SOURCE = settings.load().source

_WEEK = timedelta(days=7)
# Models see at most a year: tastes older than that say little, and memory stays bounded.
HISTORY_WEEKS = 52
REFERENCE_WEEKS = 4


def first_cutoff(start: date) -> date:
    """The first Monday with at least seven days of data before it."""
    day = start + _WEEK
    return day + timedelta(days=-day.weekday() % 7)


def _weekly(end: date | None) -> dg.WeeklyPartitionsDefinition:
    return dg.WeeklyPartitionsDefinition(
        start_date=first_cutoff(SOURCE.start).isoformat(),
        end_date=None if end is None else end.isoformat(),
        day_offset=1,  # Monday; Dagster's own default is Sunday
        # Open-ended: the current Monday is a cut-off at once, not when its week is over.
        end_offset=1 if end is None else 0,
    )


DAILY = dg.DailyPartitionsDefinition(
    start_date=SOURCE.start.isoformat(),
    end_date=None if SOURCE.end is None else SOURCE.end.isoformat(),
)
# A cut-off on the day after the last one can be trained, so its week may lie beyond the end.
WEEKLY = _weekly(None if SOURCE.end is None else SOURCE.end + _WEEK)
JUDGED = dg.WeeklyPartitionsDefinition(
    start_date=first_cutoff(SOURCE.start).isoformat(),
    end_date=None if SOURCE.end is None else SOURCE.end.isoformat(),
    day_offset=1,
)
"""Cut-offs whose seven days are over."""

SAME = dg.TimeWindowPartitionMapping()
"""The same day, or the same cut-off."""
BEFORE_CUTOFF = dg.TimeWindowPartitionMapping(start_offset=-HISTORY_WEEKS, end_offset=-1)
"""Weekly from daily: up to a year of days before the cut-off."""
THROUGH_JUDGED_WEEK = dg.TimeWindowPartitionMapping(start_offset=-HISTORY_WEEKS)
"""Weekly from daily: the history and the seven days from the cut-off."""
REFERENCE_AND_WEEK = dg.TimeWindowPartitionMapping(start_offset=-REFERENCE_WEEKS)
"""Weekly from daily: the reference weeks and the judged week."""
WEEK_BEFORE = dg.TimeWindowPartitionMapping(start_offset=-2, end_offset=-1)
"""Weekly from daily: the week before the cut-off and one more, for the eve of its first day."""
TRAILING_SNAPSHOT = dg.TimeWindowPartitionMapping(start_offset=-(max(WINDOWS) - 1))
"""Daily from daily: the trailing days of the longest feature window."""
LOOK_BACK = dg.TimeWindowPartitionMapping(start_offset=-LOOKBACK_DAYS)
"""Daily from daily: the days in which a user's last event is looked for."""


def days_of(keys: Sequence[str]) -> list[date]:
    """Partition keys as dates."""
    return [date.fromisoformat(key) for key in keys]
