"""Which days a shop's delivery is of: the bulk of its rows, or as stated.

Belongs here: the first and last day of delivered events, and what is said of the rows outside. Does
not belong here: which days are the bulk (`day_range.py`), or filing rows under days (`files.py`).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.day_range import DayRange, bulk_of, refuse_endless
from persona_assets.sources.shown_values import shown


@dataclass(frozen=True)
class DeliveredDays:
    """The days of a delivery.

    Attributes:
        start: first day.
        end: day after the last.
        outside: days that are not plausible for this shop, whatever was stated.
        notes: what is to be said of the rows of such days.
    """

    start: date
    end: date
    outside: frozenset[date] = frozenset()
    notes: tuple[str, ...] = ()


def delivered_days(
    events: pl.DataFrame,
    *,
    files: str,
    asked: tuple[date | None, date | None],
    today: date,
    may_be_stated: bool,
) -> DeliveredDays:
    """The days of delivered events.

    Args:
        events: rows with `instant`, `timestamp` and `place`.
        files: what messages call the files.
        asked: first day and day after the last, where they are stated.
        today: the caller's day in UTC.
        may_be_stated: whether the caller can state days, so that messages advise it.

    Raises:
        UserError: no row is of a plausible day and none is stated, the days end before they begin,
            or are more than ten years.
    """
    start, end = asked
    bulk = bulk_of(events["instant"].dt.date(), today=today)
    notes: tuple[str, ...] = ()
    if bulk is None and (start is None or end is None):
        first = int(events["instant"].is_not_null().arg_max() or 0)
        state = ", or state the first and last day with --start and --end" * may_be_stated
        raise UserError(
            f"no timestamp of {files} is of a day between 1990 and today ({today}), the first is "
            f"{shown(events['timestamp'][first])} ({events['place'][first]}); correct "
            f"[events.time]{state}"
        )
    if bulk is not None:
        start = start or bulk.first
        end = end or bulk.last + timedelta(days=1)
        notes = _outside(events, bulk, may_be_stated=may_be_stated)
    start, end = cast(date, start), cast(date, end)
    if end <= start:
        raise UserError(
            f"the range ends on {end}, not after its first day {start}; correct start or end"
        )
    places = _places_at_the_ends(events, start, end)
    refuse_endless(start, end - timedelta(days=1), *places, may_be_stated=may_be_stated)
    return DeliveredDays(start, end, bulk.outside if bulk else frozenset(), notes)


def _outside(events: pl.DataFrame, bulk: DayRange, *, may_be_stated: bool) -> tuple[str, ...]:
    outside = events.filter(events["instant"].dt.date().is_in(list(bulk.outside)))
    if outside.is_empty():
        return ()
    state = " (--start and --end state other days)" * may_be_stated
    return (
        f"{outside.height:,} of {events.height:,} events have times that cannot be or are more "
        f"than a year from all others, first {outside['place'][0]} "
        f"({shown(outside['timestamp'][0])}), and are rejected as implausible_timestamp; the "
        f"others are from {bulk.first} to {bulk.last}{state}",
    )


def _places_at_the_ends(events: pl.DataFrame, start: date, end: date) -> tuple[str, str]:
    """Where the events of the first and of the last day are."""
    timely = events.filter(events["instant"].dt.date().is_between(start, end, closed="left")).sort(
        "instant"
    )
    if timely.is_empty():
        return "as stated", "as stated"
    return timely["place"][0], timely["place"][-1]
