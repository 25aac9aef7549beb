"""The ways of writing times that are recognised without being told.

Belongs here: their patterns and the instants that they give. Does not belong here: which of them a
column means (`decision.py`).

A *family* is a way of writing; several readings may fit what one family writes: `01/02/2024` is a
day of January or of February, and a number of ten digits may count seconds or name a day.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from persona_assets.sources.local_time import to_utc
from persona_assets.sources.times.components import INSTANT, instants_of, parts_of

LETTER = r"[^\W\d_]"
"""A letter of any script, for Rust's and Python's regular expressions alike."""
_AT = r",? (?:at|um|à|a las|às|alle|ore|om|kl\.?) "
_TIME = (
    rf"(?:(?:[Tt]| +|, *|:|{_AT})(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp]\.?[Mm]\b\.?))?(?: Uhr| ?h)?"
)
_ZONE = (
    r"(?: ?(?P<region>[A-Za-z_]+/[A-Za-z0-9_/+-]+)|"
    r" ?(?P<zone>(?:UTC|GMT)?[+\u2212-][0-9]{1,2}(?::?[0-9]{2})?|[A-Za-z]{1,5})?"
    r"(?: ?\[(?P<bracketed>[A-Za-z0-9_/+-]+)\]| ?\([^()]*\))?))?"
)
_CLOCK = _TIME + _ZONE
_WEEKDAY = rf"(?:{LETTER}{{2,14}}\.?,? +)?"
_OF = r"(?:(?:de|del|of) )?"
_MONTH = rf"(?P<month_name>{LETTER}{{3,14}})\.?"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"

YEAR_FIRST = (
    rf"^(?P<year>[0-9]{{4}})[-/.](?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}}){_CLOCK}$"
)
NUMERIC = (
    r"^(?P<a>[0-9]{1,2})(?:[-/]|\. ?)(?P<b>[0-9]{1,2})(?:[-/]|\. ?)(?P<c>[0-9]{4}|[0-9]{2})"
    rf"{_CLOCK}$"
)
DAY_NAME = (
    rf"^{_WEEKDAY}{_DAY}[-/. ]+{_OF}{_MONTH}[-/., ]+{_OF}(?P<year>[0-9]{{4}}|[0-9]{{2}}){_CLOCK}$"
)
NAME_DAY = rf"^{_WEEKDAY}{_MONTH}[-/ ]+{_DAY}(?:,? +|[-/])(?P<year>[0-9]{{4}}){_CLOCK}$"
YEAR_NAME = rf"^(?P<year>[0-9]{{4}})[-/ ]{_MONTH}[-/ ]{_DAY}{_CLOCK}$"
CTIME = (
    rf"^[A-Za-z]{{3}} +{_MONTH} +{_DAY} +(?P<hour>[0-9]{{2}}):(?P<minute>[0-9]{{2}}):"
    r"(?P<second>[0-9]{2})(?: (?P<zone>[A-Za-z]{1,5}))? (?P<year>[0-9]{4})$"
)
YEAR_LETTER = (
    r"^(?P<year>[0-9]{4}) ?[年년] ?(?P<month>[0-9]{1,2}) ?[月월] ?"
    r"(?P<day>[0-9]{1,2}) ?[日号일](?:[ T]*(?P<hour>[0-9]{1,2})[:时時시] ?"
    r"(?P<minute>[0-9]{1,2})(?:[:分분] ?(?P<second>[0-9]{1,2}))?[分분秒초]?)?$"
)
"""Chinese, Japanese and Korean, with the words for year, month, day, hour, minute, second."""
WEEK = (
    r"^(?P<week_year>[0-9]{4})-?W(?P<week>[0-9]{2})-?(?P<weekday>[1-7])"
    rf"{_CLOCK}$"
)
WRAPPED = r"^\\?/Date\((-?[0-9]+)(?:[+-][0-9]{4})?\)\\?/$"
"""Milliseconds as .NET writes them into JSON; the offset behind them changes no instant."""
COMPACT = (
    r"^(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    r"(?:[Tt ]?(?P<hour>[0-9]{2}):?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]{1,9}))?)?(?: ?(?P<zone>[Zz]|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?)?$"
)
NUMBER = r"^-?[0-9]+(?:[.,][0-9]*)?(?:[eE]\+?[0-9]+)?$"

MICROSECONDS: dict[str, int] = {"s": 1_000_000, "ms": 1_000, "us": 1}
UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_FIRST_US, _LAST_US = (
    float(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1e6) for year in (1000, 9000)
)
"""Counts beyond these years are no times; Python and ISO 8601 end with the year 9999."""
_EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
"""Day 0 of a spreadsheet's serial numbers, for all days from 1900-03-01 on."""


@dataclass(frozen=True)
class Reading:
    """One way to read texts as instants.

    Attributes:
        name: what a message calls it, as in "day first".
        family: readings of one family read the same texts.
        pattern: the texts that it is about, valid times or not.
        read: (texts, zone of those that name none) → instants, null where there is no such time.
        setting: how a mapping asks for it; None: by the `format` of the texts, see `format_of`.
    """

    name: str
    family: str
    pattern: str
    read: Callable[[pl.Series, str], pl.Series]
    setting: str | None = None


def _with_points(texts: pl.Series) -> pl.DataFrame:
    """Numbers with a decimal point, which spreadsheets of many countries write as a comma."""
    return texts.str.replace(",", ".", literal=True).to_frame("text")


def counted(texts: pl.Series, unit: str) -> pl.Series:
    """Instants of counts since 1970-01-01 UTC; digits after the microsecond are cut off.

    Args:
        texts: numbers as text; null where one is no number.
        unit: `s`, `ms`, `us` or `ns`.
    """
    frame = _with_points(texts.str.replace(WRAPPED, "$1"))
    whole = pl.col("text").str.extract("^(-?[0-9]+)(?:\\.[0-9]*)?$", 1).cast(pl.Int64, strict=False)
    if unit == "ns":
        exact, rounded = whole // 1_000, pl.col("text").cast(pl.Float64, strict=False) / 1_000
    else:
        # Whole counts by integers: a float64 holds microseconds of our time, but no more digits.
        exact = pl.when(~pl.col("text").str.contains(".", literal=True)).then(
            whole * MICROSECONDS[unit]
        )
        rounded = pl.col("text").cast(pl.Float64, strict=False) * MICROSECONDS[unit]
    sane = pl.when(rounded.is_between(_FIRST_US, _LAST_US, closed="left")).then(
        pl.coalesce(exact, rounded.round())
    )
    return frame.select(instant=sane.cast(pl.Int64, strict=False).cast(INSTANT)).to_series()


def excel_serial(texts: pl.Series, zone: str) -> pl.Series:
    """Instants of a spreadsheet's days since 1899-12-30, in local time, to the millisecond."""
    days = _with_points(texts).select(
        days=pl.col("text").cast(pl.Float64, strict=False)
    ).to_series()  # fmt: skip
    sane = days.set(~days.is_between(1, 2_958_465).fill_null(False), None)
    milliseconds = (sane * 86_400_000).round().cast(pl.Int64)
    shifted = milliseconds + int(_EXCEL_EPOCH.timestamp() * 1_000)
    local = shifted.cast(pl.Datetime("ms")).to_frame("local")
    return local.select(instant=to_utc(pl.col("local"), zone).cast(INSTANT)).to_series()


def _written(pattern: str, **renamed: str) -> Callable[[pl.Series, str], pl.Series]:
    def read(texts: pl.Series, zone: str) -> pl.Series:
        return instants_of(parts_of(texts, pattern).rename(renamed, strict=False), zone)

    return read


def _counts(unit: str) -> Callable[[pl.Series, str], pl.Series]:
    def read(texts: pl.Series, zone: str) -> pl.Series:
        return counted(texts, unit)

    return read


def _year_first_of_two_digits(texts: pl.Series, zone: str) -> pl.Series:
    # Only written with two digits throughout, by hyphens or slashes: `24-01-05`, never `1.5.24`.
    padded = texts.str.contains("^[0-9]{2}([-/])[0-9]{2}[-/][0-9]{2}([^0-9]|$)")
    return _written(NUMERIC, a="year", b="month", c="day")(texts.set(~padded, None), zone)


_NUMERIC = "numbers with the year last"
READINGS: tuple[Reading, ...] = (
    Reading("year first", "year first", YEAR_FIRST, _written(YEAR_FIRST)),
    Reading("day first", _NUMERIC, NUMERIC, _written(NUMERIC, a="day", b="month", c="year")),
    Reading("month first", _NUMERIC, NUMERIC, _written(NUMERIC, a="month", b="day", c="year")),
    Reading("year of two digits first", _NUMERIC, NUMERIC, _year_first_of_two_digits),
    *(
        Reading(f"{name} since 1970", "digits", NUMBER, _counts(unit), setting=f'unit = "{unit}"')
        for unit, name in UNIT_NAMES.items()
    ),
    Reading("digits of year, month and day", "digits", COMPACT, _written(COMPACT)),
    Reading("a spreadsheet's days since 1900", "digits", NUMBER, excel_serial, 'unit = "excel"'),
    Reading("month by name", "names", DAY_NAME, _written(DAY_NAME)),
    Reading("month by name, before the day", "names", NAME_DAY, _written(NAME_DAY)),
    Reading("month by name, after the year", "names", YEAR_NAME, _written(YEAR_NAME)),
    Reading("month by name, year last", "names", CTIME, _written(CTIME)),
    Reading("year, month and day by their words", "words", YEAR_LETTER, _written(YEAR_LETTER)),
    Reading("a day of an ISO week", "weeks", WEEK, _written(WEEK)),
    Reading("milliseconds since 1970", ".NET", WRAPPED, _counts("ms"), setting='unit = "ms"'),
)
"""Every reading; none of them reads a text of another family."""

_DIRECTIVE_OF = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M",
                 "second": "%S", "fraction": "%f", "half": "%p", "region": "%Z",
                 "bracketed": "%Z", "week_year": "%G", "week": "%V", "weekday": "%u"}  # fmt: skip
_ROLES = {
    "day first": {"a": "day", "b": "month", "c": "year"},
    "month first": {"a": "month", "b": "day", "c": "year"},
    "year of two digits first": {"a": "year", "b": "month", "c": "day"},
}


def format_of(text: str, reading: Reading) -> str:
    """The `strftime` format in which a reading sees a text, as a mapping would state it."""
    found = re.match(reading.pattern, text)
    if found is None:
        raise ValueError(f"{reading.name} is not about such a text")
    pieces, end = [], 0
    roles = _ROLES.get(reading.name, {})
    for group, index in sorted(found.re.groupindex.items(), key=lambda each: found.start(each[1])):
        start, stop = found.span(index)
        if start < 0 or start == stop:
            continue
        if group == "bracketed" and found["zone"]:
            continue  # the offset says it already
        directive = _directive(roles.get(group, group), found[group], found.groupdict().get("half"))
        pieces += [_literal(text[end:start]), directive]
        end = stop
    return "".join([*pieces, _literal(text[end:])])


def _directive(part: str, written: str, half: str | None) -> str:
    if part == "year":
        return "%y" if len(written) == 2 else "%Y"
    if part == "month_name":
        return "%b" if len(written) <= 4 else "%B"
    if part == "hour" and half:
        return "%I"
    if part == "zone":
        return "%Z" if len(written) > 1 and written.isalpha() else "%z"
    return _DIRECTIVE_OF[part]


def _literal(text: str) -> str:
    return re.sub(rf"{LETTER}{{3,14}}(?=[.,]? )", "%a", text.replace("%", "%%"))


def how_to_ask_for(reading: Reading, texts: list[str]) -> str:
    """What a mapping says to have texts read so: `format`, with one or a list, or `unit`."""
    if reading.setting is not None:
        return reading.setting
    formats = dict.fromkeys(f'"{format_of(text, reading)}"' for text in texts)
    stated = ", ".join(formats)
    return f"format = {stated}" if len(formats) == 1 else f"format = [{stated}]"
