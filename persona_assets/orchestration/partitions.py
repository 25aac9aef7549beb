"""The partitions of the graph: days, weekly cut-offs, and the windows between them.

Belongs here: partition definitions and mappings. Does not belong here: which asset uses which, or
how long the windows are (`calendar.py`).

Assets say by `DAILY`, `WEEKLY` or `EVALUATED` how they are divided; which partitions those are is
the `Calendar` of a home, of which one process may hold several. A weekly partition is named by its
cut-off, a Monday: it trains on what happened and arrived before, and is evaluated on the seven days
from it.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum

import dagster as dg

from persona_assets.calendar import HISTORY_WEEKS, REFERENCE_WEEKS, first_cutoff
from persona_assets.orchestration.dagster_internals.graph import now as dagster_now
from persona_assets.settings import SourceSettings
from persona_assets.tables.feature_store import WINDOWS
from persona_assets.transforms.temporal import LOOKBACK_DAYS

_WEEK = timedelta(days=7)
# Dagster hides periods that are not over yet. What a closed calendar holds must not depend on the
# clock: data may end today, and the cut-off after a single day, with its week, may end in the third
# week from now.
_PERIODS_AHEAD = 3


class Cadence(Enum):
    """How a table is divided."""

    DAILY = "daily"
    WEEKLY = "trained cut-offs"
    EVALUATED = "evaluated cut-offs"


DAILY = Cadence.DAILY
"""A partition a day."""
WEEKLY = Cadence.WEEKLY
"""A partition for each Monday that can be trained."""
EVALUATED = Cadence.EVALUATED
"""A partition for each Monday whose seven days are over."""
ON_REQUEST = "on_request"
"""Tag of what only people ask for, undivided; no run brings it up to date."""


@dataclass(frozen=True)
class Calendar:
    """The partitions of a home: its days, and its cut-offs.

    Attributes:
        daily: every day from `start` to the eve of `end`.
        weekly: every Monday that can be trained: from `first_cutoff` to the day after the last one.
            A closed calendar always has one. Where it is too short for a Monday within it, that is
            the first one after it, trained on all there is.
        evaluated: the cut-offs whose seven days are over; none in a calendar that is too short.
        closed: has it an end?
    """

    daily: dg.DailyPartitionsDefinition
    weekly: dg.WeeklyPartitionsDefinition
    evaluated: dg.WeeklyPartitionsDefinition
    closed: bool

    @classmethod
    def of_source(cls, source: SourceSettings) -> "Calendar":
        """The calendar of a home with this source."""
        return cls.of(source.start, source.end, today=datetime.now(UTC).date())

    @classmethod
    def of(cls, start: date, end: date | None, *, today: date) -> "Calendar":
        """The calendar of a source from `start` to the eve of `end` (None: it follows the days).

        A closed one holds the same whatever day it is `today`.
        """
        first = first_cutoff(start)
        if end is None:
            return cls(
                dg.DailyPartitionsDefinition(start_date=start.isoformat()),
                # The current Monday is a cut-off at once, not when its week is over.
                _weekly(first, None, end_offset=1),
                _weekly(first, None),
                closed=False,
            )
        last = max(end, first) + _WEEK
        ahead = 0 if last <= today else _PERIODS_AHEAD
        return cls(
            dg.DailyPartitionsDefinition(
                start_date=start.isoformat(), end_date=end.isoformat(), end_offset=ahead
            ),
            # A cut-off on the day after the last one can be trained: its week lies beyond the end.
            _weekly(first, last, end_offset=ahead),
            # Dagster invents a week for an end within the first one; an end at the start is none.
            _weekly(first, end if end >= first + _WEEK else first, end_offset=ahead),
            closed=True,
        )

    def partitions(self, cadence: Cadence | None) -> dg.TimeWindowPartitionsDefinition | None:
        """The partitions of a table that is divided so; None: of one that is not."""
        match cadence:
            case Cadence.DAILY:
                return self.daily
            case Cadence.WEEKLY:
                return self.weekly
            case Cadence.EVALUATED:
                return self.evaluated
            case None:
                return None

    def mapping(self, mapping: dg.PartitionMapping | None) -> dg.PartitionMapping | None:
        """`mapping` as it is in this calendar.

        The cut-off after a short calendar looks back on days beyond its end as well.
        """
        if not isinstance(mapping, dg.TimeWindowPartitionMapping) or mapping.end_offset >= 0:
            return mapping
        with warnings.catch_warnings():
            # A beta parameter in Dagster 1.13: known and pinned.
            warnings.simplefilter("ignore", category=dg.BetaWarning)
            return dg.TimeWindowPartitionMapping(
                start_offset=mapping.start_offset,
                end_offset=mapping.end_offset,
                allow_nonexistent_upstream_partitions=self.closed,
            )


def _weekly(first: date, end: date | None, end_offset: int = 0) -> dg.WeeklyPartitionsDefinition:
    return dg.WeeklyPartitionsDefinition(
        start_date=first.isoformat(),
        end_date=None if end is None else end.isoformat(),
        day_offset=1,  # Monday; Dagster's own default is Sunday
        end_offset=end_offset,
    )


def _before(weeks: int) -> dg.TimeWindowPartitionMapping:
    """Weekly from daily: the days of the `weeks` before the cut-off, as far as the calendar has."""
    return dg.TimeWindowPartitionMapping(start_offset=-weeks, end_offset=-1)


SAME = dg.TimeWindowPartitionMapping()
"""The same day, or the same cut-off."""
BEFORE_CUTOFF = _before(HISTORY_WEEKS)
"""Weekly from daily: up to a year of days before the cut-off."""
THROUGH_EVALUATED_WEEK = dg.TimeWindowPartitionMapping(start_offset=-HISTORY_WEEKS)
"""Weekly from daily: the history and the seven days from the cut-off."""
REFERENCE_AND_WEEK = dg.TimeWindowPartitionMapping(start_offset=-REFERENCE_WEEKS)
"""Weekly from daily: the reference weeks and the evaluated week."""
WEEK_BEFORE = _before(2)
"""Weekly from daily: the week before the cut-off and one more, for the eve of its first day."""
TRAILING_SNAPSHOT = dg.TimeWindowPartitionMapping(start_offset=-(max(WINDOWS) - 1))
"""Daily from daily: the trailing days of the longest feature window."""
LOOK_BACK = dg.TimeWindowPartitionMapping(start_offset=-LOOKBACK_DAYS)
"""Daily from daily: the days in which a user's last event is looked for."""


def begun(partitions: dg.PartitionsDefinition, now: datetime | None = None) -> list[str]:
    """The keys of the days and cut-offs that there are.

    In a calendar without an end Dagster lists the first cut-off a week before its Monday; until
    then there is nothing to train on that would stay.

    Args:
        partitions: of a calendar.
        now: decides which partitions of an open calendar there are; None: Dagster's clock.
    """
    at = now or dagster_now()
    keys = partitions.get_partition_keys(current_time=at)
    if isinstance(partitions, dg.TimeWindowPartitionsDefinition) and partitions.end is not None:
        return list(keys)
    return [key for key in keys if date.fromisoformat(key) <= at.date()]


def days_of(keys: Sequence[str]) -> list[date]:
    """Partition keys as dates."""
    return [date.fromisoformat(key) for key in keys]
