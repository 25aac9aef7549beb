"""Instants from the parts of a written time: year, month, name of the month, hour, offset.

Belongs here: calendar arithmetic and zones. Does not belong here: finding the parts in a text
(`readings.py`, `strftime.py`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.local_time import to_utc
from persona_assets.sources.times.month_names import month_number

INSTANT = pl.Datetime("us", "UTC")
_DAYS_OF_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FIRST_YEAR, _LAST_YEAR = 1000, 8999
"""No zone can push an instant of these years out of what Python and Arrow hold (as the mart's)."""
_CENTURY_SPLIT = 69
"""Two-digit years from 69 on are 1969–1999, the others 2000–2068 (POSIX `strptime`, `%y`)."""
LARGEST_SHARE_OF_DIRT = 0.01
"""Share of the rows that may be unlike all others and still count as dirt, not as a format."""
_SAME_AS_UTC = ("Z", "UTC", "GMT", "UT")
_OFFSET = r"^(?:UTC|GMT|UT)?([+-])([0-9]{1,2}):?([0-9]{2})?$"

_REGION = "^[A-Za-z_]+/[A-Za-z0-9_/+-]+$"
"""The name of a zone in the IANA database, as in Europe/Berlin."""

PARTS = ("year", "month", "month_name", "day", "day_of_year", "week_year", "week", "weekday",
         "hour", "minute", "second", "fraction", "half", "zone", "region", "bracketed",
         "epoch")  # fmt: skip
"""Names of the groups from which an instant is made.

`half` is AM or PM, `epoch` Unix seconds; `week_year`, `week` and `weekday` are those of ISO 8601;
`region` and `bracketed` name a zone, which counts where `zone` is no offset from UTC.
"""


def parts_of(texts: pl.Series, pattern: str) -> pl.DataFrame:
    """The named groups of a pattern in each text; null where it does not match."""
    groups = texts.to_frame("text").select(groups=pl.col("text").str.extract_groups(pattern))
    return groups.unnest("groups")


def instants_of(parts: pl.DataFrame, zone: str) -> pl.Series:
    """Instants that written parts mean.

    Args:
        parts: text columns named as in `PARTS`, any subset; a null or empty part is not written.
            Without a month and day the time is no time, without a clock it is midnight.
        zone: IANA name of the zone of the rows that name none.

    Returns:
        (rows,) timestamp[us, UTC]; null where a part is missing, no such day or hour exists or the
        zone is named by an abbreviation that `zone` does not explain, or by a name that is none.
        Digits after the microsecond are cut off.

    Raises:
        UserError: more than one in a hundred rows have such an abbreviation or name.
    """
    given = parts.with_columns(
        pl.lit(None, pl.String).alias(part) for part in PARTS if part not in parts.columns
    ).with_columns(pl.when(pl.col(part) != "").then(pl.col(part)).alias(part) for part in PARTS)
    lone = pl.when(~pl.col("bracketed").str.contains(_REGION)).then("bracketed")
    given = given.with_columns(region=_region(), zone=pl.coalesce("zone", lone)).with_columns(
        zone=pl.when(pl.col("region").is_null() | pl.col("zone").str.contains("[0-9]")).then("zone")
    )
    regions = _known_regions(given["region"])
    week = _day_of_week()
    numbers = given.select(
        year=pl.coalesce(_year(), week.dt.year().cast(pl.Int64)),
        month=pl.coalesce(
            _whole("month"), month_number(pl.col("month_name")), week.dt.month().cast(pl.Int64)
        ),
        day=pl.coalesce(_whole("day"), week.dt.day().cast(pl.Int64)),
        hour=_hour(),
        minute=_whole("minute").fill_null(0),
        second=_whole("second").fill_null(0),
        microsecond=_microseconds(),
        day_of_year=_whole("day_of_year"),
        epoch=_whole("epoch"),
        east=_minutes_east(given["zone"], zone),
        zoned=pl.col("zone").is_not_null() | pl.col("region").is_not_null(),
        region="region",
    )
    # `pl.datetime` fails on a day that does not exist, so it only ever sees such as do.
    ordinal = pl.col("day_of_year").is_not_null()
    month = pl.when(ordinal).then(1).otherwise("month")
    day = pl.when(ordinal).then(1).otherwise("day")
    exists = (
        pl.col("year").is_between(_FIRST_YEAR, _LAST_YEAR)
        & month.is_between(1, 12)
        & day.is_between(1, _days_of_month())
        & pl.col("hour").is_between(0, 23)
        & pl.col("minute").is_between(0, 59)
        & pl.col("second").is_between(0, 59)
        & pl.col("day_of_year").is_between(1, _days_of_year()).fill_null(True)
    )
    civil = pl.datetime(
        *(
            pl.when(exists).then(part)
            for part in (pl.col("year"), month, day, "hour", "minute", "second", "microsecond")
        )
    ) + pl.duration(days=pl.when(ordinal).then(pl.col("day_of_year") - 1).otherwise(0))
    by_offset = civil.dt.replace_time_zone("UTC") - pl.duration(minutes=pl.col("east"))
    local = pl.when(~pl.col("zoned")).then(civil)
    counted = pl.from_epoch(pl.col("epoch"), "s").cast(INSTANT)
    found = pl.coalesce(
        pl.when("zoned").then(by_offset).cast(INSTANT),
        *(
            to_utc(pl.when(pl.col("east").is_null() & (pl.col("region") == each)).then(civil), each)
            for each in regions
        ),
        to_utc(local, zone).cast(INSTANT),
        counted,
    )
    return numbers.select(instant=found).to_series()


def _whole(part: str) -> pl.Expr:
    return pl.col(part).cast(pl.Int64, strict=False)


def _region() -> pl.Expr:
    """The name of a zone, from whichever part has it; an abbreviation is none."""
    by_zone = pl.when(pl.col("zone").str.contains(_REGION)).then("zone")
    bracketed = pl.when(pl.col("bracketed").str.contains(_REGION)).then("bracketed")
    return pl.coalesce("region", bracketed, by_zone)


def _known_regions(regions: pl.Series) -> list[str]:
    """The zones that are named, of those that there are.

    Raises:
        UserError: more than one in a hundred rows name another one.
    """
    named = regions.drop_nulls()
    known = named.is_in(list(available_timezones()))
    if int((~known).sum()) > LARGEST_SHARE_OF_DIRT * len(regions):
        raise UserError(
            f"times name the zone {named.filter(~known)[0]!r}, which the IANA database does not "
            "have; correct it, or deliver times in UTC"
        )
    return named.filter(known).unique().sort().to_list()


def _day_of_week() -> pl.Expr:
    """The date of a day of a week of ISO 8601, whose first week has the 4th of January."""
    year, week, day = (_whole(part) for part in ("week_year", "week", "weekday"))
    sane = year.is_between(_FIRST_YEAR, _LAST_YEAR) & week.is_between(1, 53) & day.is_between(1, 7)
    fourth = pl.date(pl.when(sane).then(year), 1, 4)
    monday = fourth - pl.duration(days=fourth.dt.weekday().cast(pl.Int64) - 1)
    found = monday + pl.duration(days=(week - 1) * 7 + day - 1)
    return pl.when(found.dt.iso_year() == year).then(found)  # a 53rd week is not in every year


def _year() -> pl.Expr:
    written = _whole("year")
    century = pl.when(written < _CENTURY_SPLIT).then(2000).otherwise(1900)
    return pl.when(pl.col("year").str.len_chars() == 2).then(written + century).otherwise(written)


def _hour() -> pl.Expr:
    """Hour of the day; of the 12 of a clock with AM and PM, the 12th comes first."""
    written = _whole("hour")
    afternoon = pl.col("half").str.to_lowercase().str.starts_with("p")
    of_twelve = pl.when(written.is_between(1, 12)).then(
        written % 12 + pl.when(afternoon).then(12).otherwise(0)
    )
    hour = pl.when(pl.col("half").is_null()).then(written).otherwise(of_twelve)
    return pl.when(pl.col("hour").is_null()).then(0).otherwise(hour)


def _microseconds() -> pl.Expr:
    digits = pl.col("fraction").str.slice(0, 6).str.pad_end(6, "0")
    return digits.cast(pl.Int64, strict=False).fill_null(0)


def _is_leap() -> pl.Expr:
    year = pl.col("year")
    return (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))


def _days_of_month() -> pl.Expr:
    lengths = dict(enumerate(_DAYS_OF_MONTHS, 1))
    month = pl.when(pl.col("day_of_year").is_null()).then("month").otherwise(1)
    days = month.replace_strict(lengths, default=0, return_dtype=pl.Int64)
    return days + ((month == 2) & _is_leap()).cast(pl.Int64)


def _days_of_year() -> pl.Expr:
    return 365 + _is_leap().cast(pl.Int64)


def _minutes_east(written: pl.Series, zone: str) -> pl.Expr:
    """Minutes ahead of UTC of offsets and zone names; null where none is written."""
    name = pl.col("zone").str.to_uppercase().str.replace("\u2212", "-", literal=True)
    sign = pl.when(name.str.extract(_OFFSET, 1) == "-").then(-1).otherwise(1)
    hours = name.str.extract(_OFFSET, 2).cast(pl.Int64)
    minutes = name.str.extract(_OFFSET, 3).cast(pl.Int64).fill_null(0)
    offset = pl.when((hours < 24) & (minutes < 60)).then(sign * (hours * 60 + minutes))
    named = _abbreviations(written, zone)
    return pl.coalesce(
        pl.when(name.is_in(_SAME_AS_UTC)).then(0),
        offset,
        name.replace_strict(named, default=None, return_dtype=pl.Int64),
    )


def _abbreviations(written: pl.Series, zone: str) -> Mapping[str, int]:
    """Minutes ahead of UTC of the abbreviations that occur, where the zone explains them.

    `EST` is New York's winter and somewhere else's another time; alone it says no instant.
    """
    names = written.drop_nulls().str.to_uppercase()
    names = names.filter(names.str.contains("^[A-Z]+$") & ~names.is_in(_SAME_AS_UTC))
    if names.is_empty():
        return {}
    known = abbreviations_of(zone)
    unexplained = names.filter(~names.is_in(list(known)))
    if len(unexplained) > LARGEST_SHARE_OF_DIRT * len(written):
        raise UserError(
            f"times name the zone {unexplained[0]!r}, which means different zones in different "
            f"places, and the mapping's zone {zone!r} is none of them; set zone in the "
            'section\'s [time], as in zone = "America/New_York", or deliver times in UTC'
        )
    return known


@cache
def abbreviations_of(zone: str) -> Mapping[str, int]:
    """Minutes ahead of UTC of the abbreviations that a zone has used with one offset since 1990."""
    clock = ZoneInfo(zone)
    start = datetime(1990, 1, 1, tzinfo=UTC)
    offsets: dict[str, set[int]] = {}
    for days in range(0, 40 * 365, 14):
        local = (start + timedelta(days=days)).astimezone(clock)
        offset = local.utcoffset() or timedelta()
        offsets.setdefault(str(local.tzname()).upper(), set()).add(
            int(offset.total_seconds() // 60)
        )
    return {name: min(minutes) for name, minutes in offsets.items() if len(minutes) == 1}
