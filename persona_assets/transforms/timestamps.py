"""Instants: from the many texts in which shops deliver them, and to plain microseconds.

Belongs here: parsing event times and the calendar arithmetic behind it. Does not belong here:
judging whether an instant is plausible (`cleaning.py`).

The engines' own parsers disagree (fractions, zones, what is an error and what is null). So one
regular expression decides what is readable, and they only ever see texts of one shape.
"""

from datetime import UTC, datetime, timedelta

import narwhals as nw

MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_US = 1_000_000
_DAY_S = 86_400

# [0-9], never \d: Rust's \d takes any script's digits. \z, never $: Java's $ forgives a newline.
_HOUR = "([01][0-9]|2[0-3])"
_SIXTY = "[0-5][0-9]"
# Years 1000 to 8999: no zone can push an instant out of the years that Python and Arrow can hold.
_YEAR = "[1-8][0-9]{3}"
_LEAP_YEAR = (
    "([1-8][0-9](0[48]|[2468][048]|[13579][26])"  # divisible by 4, not by 100
    "|([2468][048]|[1357][26])00)"  # divisible by 400
)
_DATE = (
    f"({_YEAR}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    f"|{_YEAR}-(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    f"|{_YEAR}-02-(0[1-9]|1[0-9]|2[0-8])"
    f"|{_LEAP_YEAR}-02-29)"
)
_ISO = rf"^{_DATE}[T ]{_HOUR}:{_SIXTY}(:{_SIXTY}(\.[0-9]{{1,9}})?)?(Z|[+-]{_HOUR}:?{_SIXTY})?\z"
_SLASHED = rf"^[0-9]{{2}}/[0-9]{{2}}/[0-9]{{4}} [0-9]{{2}}:{_SIXTY}(:{_SIXTY})?\z"
_UNIX = r"^([0-9]{9,10}|[0-9]{12,13})\z"


def parse_timestamp(column: str) -> nw.Expr:
    """The instant that each text of `column` means, or null.

    Read are exactly:

    - ISO 8601 with `T` or a space: `YYYY-MM-DDTHH:MM[:SS[.f]]`, `f` of 1 to 9 digits (cut off after
      microseconds), then `Z`, `±HH:MM`, `±HHMM` or nothing (UTC);
    - `DD/MM/YYYY HH:MM[:SS]`, UTC;
    - Unix time: seconds of 9 or 10 digits, milliseconds of 12 or 13.

    Everything else is null, never an error: other formats, days that the calendar does not have,
    hour 24, second 60, years before 1000 or after 8999.

    Args:
        column: name of a string column.

    Returns:
        An expression of type timestamp[us, UTC].
    """
    raw = nw.col(column)
    day, month, year, clock = (raw.str.slice(*at) for at in ((0, 2), (3, 2), (6, 4), (11, None)))
    from_slashed = nw.concat_str(
        [nw.concat_str([year, month, day], separator="-"), clock], separator=" "
    )
    text = nw.when(raw.str.contains(_SLASHED)).then(from_slashed).otherwise(raw)
    # Null where a pattern does not hold, so that no cast and no parser meets anything else.
    iso = nw.when(text.str.contains(_ISO)).then(text)
    unix = nw.when(raw.str.contains(_UNIX)).then(raw)
    return nw.coalesce(_from_iso(iso), _from_unix(unix))


def epoch_micros(instant: nw.Expr) -> nw.Expr:
    """Microseconds from 1970-01-01 00:00 UTC to `instant`, as int64.

    Put together from the calendar's parts because Narwhals offers neither `dt.timestamp` nor
    `dt.total_seconds` on Spark.
    """
    part = instant.dt
    days = _days_from_civil(_int(part.year()), _int(part.month()), _int(part.day()))
    seconds = (
        days * _DAY_S + _int(part.hour()) * 3_600 + _int(part.minute()) * 60 + _int(part.second())
    )
    # Before 1970 Spark gives negative microseconds of the second: hence the modulo.
    return seconds * _SECOND_US + _int(part.microsecond()) % _SECOND_US


def _from_iso(iso: nw.Expr) -> nw.Expr:
    """The instants of texts that match `_ISO`."""
    rest = iso.str.slice(16)  # [:SS[.f]][zone]
    clock = rest.str.replace_all("[Z+-].*", "")  # [:SS[.f]]
    zone = rest.str.replace_all("^[^Z+-]+|[Z:]", "")  # [±HHMM]
    to_the_second = nw.concat_str(
        [
            iso.str.slice(0, 10),
            nw.lit(" "),
            iso.str.slice(11, 5),
            nw.concat_str([clock, nw.lit(":00")]).str.slice(0, 3),
        ]
    )
    local = to_the_second.str.to_datetime(format="%Y-%m-%d %H:%M:%S").cast(nw.Datetime("us", "UTC"))
    fraction_us = _int(nw.concat_str([clock.str.slice(4), nw.lit("000000")]).str.slice(0, 6))
    hhmm = _int(nw.concat_str([nw.lit("0"), zone.str.slice(1)]))
    offset_s = hhmm // 100 * 3_600 + hhmm % 100 * 60
    west = zone.str.starts_with("-")
    utc_less_local_s = nw.when(west).then(offset_s).otherwise(-offset_s)
    return local + (utc_less_local_s * _SECOND_US + fraction_us) * nw.lit(MICROSECOND)


def _from_unix(digits: nw.Expr) -> nw.Expr:
    """The instants of texts that match `_UNIX`."""
    number = _int(digits)
    seconds = digits.str.len_chars() <= 10
    micros = nw.when(seconds).then(number * _SECOND_US).otherwise(number * 1_000)
    return nw.lit(_EPOCH) + micros * nw.lit(MICROSECOND)


def _int(value: nw.Expr) -> nw.Expr:
    return value.cast(nw.Int64)


def _days_from_civil(year: nw.Expr, month: nw.Expr, day: nw.Expr) -> nw.Expr:
    """Days from 1970-01-01 in the proleptic Gregorian calendar, for years from 1 on.

    Years are taken to begin in March, so that the leap day is the last of its year (Howard Hinnant,
    "chrono-compatible low-level date algorithms", `days_from_civil`).
    """
    shifted = year * 12 + month - 3
    march_year = shifted // 12
    month_from_march = shifted % 12
    day_of_year = (month_from_march * 153 + 2) // 5 + day - 1
    leap_days = march_year // 4 - march_year // 100 + march_year // 400
    return march_year * 365 + leap_days + day_of_year - 719_468
