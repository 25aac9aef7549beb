"""Dividing a range of days into batches, so that memory grows with a day and not with the range.

Belongs here: which days are computed and written at once. Does not belong here: computing or
writing them.
"""

from collections.abc import Mapping, Sequence
from datetime import date

ROWS_AT_A_TIME = 2_000_000
"""Rows of a batch, unless one day has more. Cleaning holds about a kilobyte per raw row."""


def day_batches(
    days: Sequence[date], rows: Mapping[str, int], *, limit: int = ROWS_AT_A_TIME
) -> list[list[date]]:
    """`days` in their order, cut into runs of at most `limit` rows and at least one day.

    Args:
        days: the days to divide.
        rows: rows of each day, by its ISO date; absent days have none.
        limit: rows that a batch may have.
    """
    divided: list[list[date]] = []
    room = -1
    for day in days:
        size = rows.get(day.isoformat(), 0)
        if size > room:
            divided.append([])
            room = limit
        divided[-1].append(day)
        room -= size
    return divided
