"""Instants, from the many texts in which shops deliver them.

Belongs here: parsing event times and the calendar arithmetic behind it. Does not belong here:
deciding whether an instant is plausible (`cleaning.py`).

The engines' own parsers disagree (fractions, zones, what is an error and what is null). So one
regular expression decides what is readable, and they only ever see texts of one shape.
"""

from datetime import UTC, datetime, timedelta

import narwhals as nw

MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_US = 1_000_000

# [0-9], never \d: Rust's \d takes any script's digits. \z, never $: Java's $ forgives a newline.
_HOUR = "([01][0-9]|2[0-3])"
_SIXTY = "[0-5][0-9]"
_CLOCK = f"{_HOUR}:{_SIXTY}(:{_SIXTY}"  # the parenthesis stays open for a fraction
# Years 1000 to 8999: no zone can push an instant out of the years that Python and Arrow can hold.
_YEAR = "[1-8][0-9]{3}"
_LEAP_YEAR = (
    "([1-8][0-9](0[48]|[2468][048]|[13579][26])"  # divisible by 4, not by 100
    "|([2468][048]|[1357][26])00)"  # divisible by 400
)
_DAYS_OF_MONTHS = (
    ("(0[1-9]|[12][0-9]|3[01])", "(0[13578]|1[02])", _YEAR),
    ("(0[1-9]|[12][0-9]|30)", "(0[469]|11)", _YEAR),
    ("(0[1-9]|1[0-9]|2[0-8])", "02", _YEAR),
    ("29", "02", _LEAP_YEAR),
)
"""Days, months and years that go together in the calendar."""
_ISO_DATE = "|".join(f"{year}-{month}-{day}" for day, month, year in _DAYS_OF_MONTHS)
_SLASHED_DATE = "|".join(f"{day}/{month}/{year}" for day, month, year in _DAYS_OF_MONTHS)
_ISO = rf"^({_ISO_DATE})[T ]{_CLOCK}(\.[0-9]{{1,9}})?)?(Z|[+-]{_HOUR}:?{_SIXTY})?\z"
_SLASHED = rf"^({_SLASHED_DATE}) {_CLOCK})?\z"
_UNIX = r"^([0-9]{9,10}|[0-9]{12,13})\z"


def _dates_of(years: str, counts: str) -> str:
    """Texts that begin as dates of such years do, in whatever order, or are one of the counts."""
    order = (
        f"{years}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}",
        f"[0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.]{years}",
        f"[0-9]{{1,2}}[-/. ][A-Za-z]{{3,9}}[-/. ]{years}",
    )
    return rf"^(({'|'.join(order)})([T ,][ -~]*)?|({counts})([T ]?[0-9:]{{4,8}})?( \(not .*)?)\z"


BEFORE_ALL = _dates_of("0[0-9]{3}", "00000000|00010101|-62135596800(000){0,2}")
"""Dates that stand for "always" or "unknown": `0001-01-01`, MySQL's `0000-00-00`, .NET's least."""
AFTER_ALL = _dates_of("9[0-9]{3}", "99991231|253402(214400|30079[0-9]|300800)([0-9]{3}){0,2}")
"""Dates that stand for "for ever" or "not yet": `9999-12-31` in whatever notation."""


def parse_timestamps(frame: nw.LazyFrame, column: str, *, into: str) -> nw.LazyFrame:
    """Adds the instant that each text of `column` means, or null.

    Read are exactly:

    - ISO 8601 with `T` or a space: `YYYY-MM-DDTHH:MM[:SS[.f]]`, `f` of 1 to 9 digits (cut off after
      microseconds), then `Z`, `±HH:MM`, `±HHMM` or nothing (UTC);
    - `DD/MM/YYYY HH:MM[:SS]`, UTC;
    - Unix time: seconds of 9 or 10 digits, milliseconds of 12 or 13.

    Everything else is null, never an error: other formats, days that the calendar does not have,
    hour 24, second 60, years before 1000 or after 8999.

    Args:
        frame: any lazy frame with a string column `column`.
        column: name of the texts.
        into: name of the added column, of type timestamp[us, UTC].

    Returns:
        The frame with the column `into`.
    """
    raw, civil, zone = nw.col(column), nw.col("_civil"), nw.col("_zone")
    days = _days_from_civil(nw.col("_year"), nw.col("_month"), nw.col("_day"))
    minutes = days * 1_440 + nw.col("_minute") - _minutes_east(zone)
    # Columns of their own, since Polars computes what repeats inside an expression again and again.
    # Null where a pattern does not hold, so that no cast meets anything but digits.
    return (
        frame.with_columns(_slashed=raw.str.contains(_SLASHED))
        .with_columns(
            _civil=nw.when(nw.col("_slashed") | raw.str.contains(_ISO)).then(raw),
            _unix=nw.when(raw.str.contains(_UNIX)).then(raw),
        )
        .with_columns(
            _year=_number(civil, 0, 4, slashed=6),
            _month=_number(civil, 5, 2, slashed=3),
            _day=_number(civil, 8, 2, slashed=0),
            _minute=_number(civil, 11, 2) * 60 + _number(civil, 14, 2),
            _us=_seconds(civil) * _SECOND_US + _fraction_us(civil),
            _zone=nw.when(~civil.str.ends_with("Z")).then(civil.str.slice(-6)),
        )
        .with_columns(_zone=nw.when(zone.str.contains("[+-]")).then(zone))
        .with_columns(
            _us=nw.coalesce(minutes * (60 * _SECOND_US) + nw.col("_us"), _unix_us(nw.col("_unix")))
        )
        .with_columns((nw.lit(_EPOCH) + nw.col("_us") * nw.lit(MICROSECOND)).alias(into))
        .drop("_slashed", "_civil", "_unix", "_year", "_month", "_day", "_minute", "_us", "_zone")
    )


def stands_for_none(text: nw.Expr) -> nw.Expr:
    """Whether a text is a date of before the year 1000 or after 8999, which is nobody's event."""
    return text.str.contains(BEFORE_ALL) | text.str.contains(AFTER_ALL)


def _seconds(text: nw.Expr) -> nw.Expr:
    """Whole seconds of the minute; 0 where the text ends with the minute."""
    given = text.str.slice(16, 1) == ":"
    return nw.when(given).then(_number(text, 17, 2)).otherwise(nw.lit(0))


def _fraction_us(text: nw.Expr) -> nw.Expr:
    """Microseconds of the second; 0 where the text has none."""
    digits = text.str.slice(20, 6).str.replace_all("[^0-9].*", "").str.pad_end(6, "0")
    given = text.str.slice(19, 1) == "."
    return nw.when(given).then(_int(nw.when(given).then(digits))).otherwise(nw.lit(0))


def _minutes_east(zone: nw.Expr) -> nw.Expr:
    """Minutes ahead of UTC of texts such as `+01:00` or `0-0330`; 0 for null."""
    colon = zone.str.slice(3, 1) == ":"
    hours = _int(nw.when(colon).then(zone.str.slice(1, 2)).otherwise(zone.str.slice(2, 2)))
    west = zone.str.contains("-", literal=True)
    sign = nw.when(west).then(nw.lit(-1)).otherwise(nw.lit(1))
    return (sign * (hours * 60 + _number(zone, 4, 2))).fill_null(0)


def _unix_us(digits: nw.Expr) -> nw.Expr:
    """Microseconds since 1970 of texts that match `_UNIX`."""
    number = _int(digits)
    in_seconds = digits.str.len_chars() <= 10
    return nw.when(in_seconds).then(number * _SECOND_US).otherwise(number * 1_000)


def _number(text: nw.Expr, offset: int, length: int, *, slashed: int | None = None) -> nw.Expr:
    """The digits at `offset`, or at `slashed` where the date is written with slashes."""
    digits = text.str.slice(offset, length)
    if slashed is not None:
        there = text.str.slice(slashed, length)
        digits = nw.when(nw.col("_slashed")).then(there).otherwise(digits)
    return _int(digits)


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
