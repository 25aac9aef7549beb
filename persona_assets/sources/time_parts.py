"""A time that stands in several columns: date and time of day, or year, month and day.

Belongs here: which parts a mapping may name, and the text that they make together. Does not belong
here: how such a text is read (`times/`), or which columns there are (`column_rules.py`).

```toml
timestamp = {date = "day", time = "clock"}
timestamp = {year = "year", month = "month", day = "day"}    # folders year=2024/month=3/day=5, too
```
"""

from collections.abc import Mapping

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.toml_values import refuse_unknown, text_of

IN_PARTS = ("timestamp", "arrived_at")
"""Our columns that may stand in several of theirs."""
CALENDAR = ("year", "month", "day")
CLOCK = ("hour", "minute", "second")
PARTS = ("date", *CALENDAR, "time", *CLOCK, "zone")
_MIDNIGHT = r"[T ]00:00(?::00(?:\.0+)?)?$"
"""What a column of dates has behind the date where it is one of times by its type."""
DAY_ZERO = r"^(?:1899-12-3[01]|1900-01-0[01]|1970-01-01)[T ]"
"""What a workbook's or database's column of times of day has before the time by its type."""
_DIGITS = r"^([0-9]{1,6})(?:\.0*)?$"


def time_parts(value: Mapping[str, object], key: str, where: str) -> dict[str, str]:
    """The part → their column that a mapping names for a time.

    Args:
        value: what the mapping says.
        key: our column.
        where: the section, for errors.

    Raises:
        UserError: an unknown part, or parts that make no time.
    """
    inside = f"{where}: {key}"
    refuse_unknown(value.keys(), PARTS, inside, "part")
    parts = {part: text_of(each, part, "the name of their column", inside)
             for part, each in value.items()}  # fmt: skip
    calendar = [part for part in CALENDAR if part in parts]
    clock = [part for part in CLOCK if part in parts]
    if ("date" in parts) == bool(calendar) or (calendar and len(calendar) < len(CALENDAR)):
        raise UserError(
            f'{inside} needs a day; give date = "<their column>", or each of year, month and day'
        )
    if ("time" in parts and clock) or clock != list(CLOCK[: len(clock)]):
        raise UserError(
            f"{inside} has an unclear time of day; give time, or hour, hour and minute, or hour, "
            "minute and second"
        )
    return parts


def joined(parts: Mapping[str, pl.Expr]) -> pl.Expr:
    """The text that the parts of a time make: `day clock zone`.

    A row without a time of day is at the beginning of its day; one without a day has no time. Of
    times of day in digits alone, those of a file with more than four are `HHMMSS`, others `HHMM`;
    leading zeros may be missing.

    Args:
        parts: part → text without blanks around it and null words.
    """
    if "date" in parts:
        text = parts["date"].str.replace(_MIDNIGHT, "")
    else:
        text = pl.concat_str([_whole(parts[part]) for part in CALENDAR], separator="-")
    if "time" in parts:
        text = _with(text, _clock(parts["time"].str.replace(DAY_ZERO, "")))
    elif "hour" in parts:
        minutes = [_whole(parts[part]) for part in CLOCK[1:] if part in parts] or [pl.lit("00")]
        text = _with(text, pl.concat_str([_whole(parts["hour"]), *minutes], separator=":"))
    return _with(text, parts["zone"]) if "zone" in parts else text


def _with(text: pl.Expr, more: pl.Expr) -> pl.Expr:
    """Two texts with a blank between them; the first alone where there is no second."""
    return pl.when(more.is_null()).then(text).otherwise(pl.concat_str([text, more], separator=" "))


def _whole(number: pl.Expr) -> pl.Expr:
    """A number of two digits or more, without the `.0` of a column of floats."""
    return number.str.replace(r"\.0*$", "").str.zfill(2)


def _clock(text: pl.Expr) -> pl.Expr:
    """A time of day with colons; a number of one or two digits says too little and stays."""
    digits = text.str.extract(_DIGITS, 1)
    longest = digits.str.len_chars().max()
    seconds = digits.str.zfill(6).str.replace(r"^(..)(..)(..)$", "${1}:${2}:${3}")
    minutes = digits.str.zfill(4).str.replace(r"^(..)(..)$", "${1}:${2}")
    short = longest <= 2
    read = pl.when(longest > 4).then(seconds).when(~short).then(minutes)
    return pl.coalesce(read, text)
