"""Days of an experiment: dates, times, or numbers of days since the start.

Belongs here: reading and writing them. Does not belong here: what happens over days
(`over_time.py`).
"""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

from persona_assets.errors import DataError
from persona_assets.notation import counted

_EPOCH = date(1970, 1, 1)
_LEAST_DATE = 10_000
"""Days since 1970; smaller numbers are days since a start."""
_MOST_DAYS = 100_000
"""More are no days, but a date without hyphens or seconds since 1970."""


def day_numbers(texts: pl.Series, of: str) -> pl.Series:
    """Cells as numbers of days: since 1970 of dates and times, else as they are.

    Args:
        texts: `2026-03-01`, `2026-03-01 12:30:00`, `12.5`.
        of: what messages call the column.

    Raises:
        DataError: a cell is empty or is neither a date nor a number.
    """
    plain = texts.str.strip_chars()
    as_number = plain.cast(pl.Float64, strict=False)
    as_date = plain.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    days = as_number.zip_with(as_number.is_not_null(), as_date.to_physical().cast(pl.Float64))
    odd = texts.filter(days.is_null() | (days.abs() > _MOST_DAYS).fill_null(value=False))
    if odd.len():
        first = odd.drop_nulls()
        example = f", such as {first[0]!r}" if first.len() else ""
        raise DataError(
            f"{of}: {counted(odd.len(), 'cell')} hold no day{example}; write dates as 2026-03-01, "
            "or numbers of days since the start"
        )
    if as_number.null_count() not in (0, texts.len()):
        raise DataError(f"{of} holds dates and numbers; give either")
    return days


def labels(days: pl.Series, column: str | None) -> Callable[[float], str]:
    """How a day is written: as a date if the column held dates, else as a number of days."""
    if column is not None and float(days.min() or 0) >= _LEAST_DATE:  # type: ignore[arg-type]
        return lambda day: (_EPOCH + timedelta(days=day)).isoformat()
    return lambda day: f"day {day:g}"
