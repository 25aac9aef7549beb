"""The rows of some days, and of the days just before them.

Belongs here: restricting a frame to days by its partition column, in a form from which both engines
see which files they need not read. Does not belong here: which days a step needs (its own module).
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce
from operator import or_

import narwhals as nw

_DAY = timedelta(days=1)


def during(frame: nw.LazyFrame, days: Sequence[date], *, before: int = 0) -> nw.LazyFrame:
    """The rows whose `event_date` is among `days`, or at most `before` days ahead of one of them.

    Args:
        frame: any lazy frame with the date column `event_date`.
        days: the days, in any order.
        before: how many days of the past belong to each day.
    """
    day = nw.col("event_date")
    spans = [day.is_between(first, last) for first, last in _spans(days, before)]
    return frame.filter(reduce(or_, spans) if spans else day.is_in([]))


def _spans(days: Sequence[date], before: int) -> list[tuple[date, date]]:
    """First and last day of each run of consecutive days, in order."""
    spans: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        first = day - before * _DAY
        if spans and first <= spans[-1][1] + _DAY:
            first = spans.pop()[0]
        spans.append((first, day))
    return spans
