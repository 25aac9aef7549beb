"""The calendar of training and evaluation: which days a cut-off looks back on and is evaluated on.

Belongs here: lengths in days and weeks, and the cut-offs that a history has. Does not belong here:
Dagster's partitions made of them (`orchestration/partitions.py`).

A cut-off is a Monday: models train on what happened and arrived before it, and are evaluated on the
days from it.
"""

from datetime import date, timedelta

HISTORY_WEEKS = 52
"""Models see at most a year: tastes older than that say little, and memory stays bounded."""

HISTORY_DAYS = 7 * HISTORY_WEEKS
"""The same in days."""

EVALUATED_DAYS = 7
"""Days from a cut-off on which its lists are evaluated."""

REFERENCE_WEEKS = 4
"""Weeks before a cut-off that its week is compared with by the drift reports."""


def first_cutoff(start: date) -> date:
    """The first Monday with at least seven days of data before it, if there are as many."""
    day = start + timedelta(days=7)
    return day + timedelta(days=-day.weekday() % 7)
