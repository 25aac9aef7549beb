"""Instants of events: from what is delivered to microseconds, and which are possible.

Belongs here: conversion and bounds. Does not belong here: what becomes of an event outside them.
"""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY_US = 86_400_000_000

MOST_AHEAD_US = _DAY_US
"""A clock that is further ahead is wrong; smaller errors are the mart's to reject."""
MOST_BEHIND_US = 3_660 * _DAY_US
"""Ten years, as for files: each further day would be one more partition."""


def microseconds(instant: datetime) -> int:
    """µs since 1970 UTC; a time without a zone is UTC."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - EPOCH) // _MICROSECOND


def is_possible(event_time: int, arrival_time: int) -> bool:
    """Can an event that arrived then have happened at `event_time` (both µs since 1970)?"""
    return arrival_time - MOST_BEHIND_US <= event_time <= arrival_time + MOST_AHEAD_US


def hour_of(instant: int) -> int:
    """The beginning of its hour, all in µs since 1970."""
    return instant // 3_600_000_000 * 3_600_000_000
