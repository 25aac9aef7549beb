"""What a mapping says about how values are written: times, numbers, words for nothing.

Belongs here: `[x.time]`, `[x.numbers]` and `null_words` of a section, and what can be wrong with
them. Does not belong here: applying them (`delivered_values.py`), the other keys (`mapping.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Literal, cast, get_args
from zoneinfo import available_timezones

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.null_words import NULL_WORDS
from persona_assets.sources.numbers import Decimal, Thousands
from persona_assets.sources.times.strftime import pattern_of
from persona_assets.sources.toml_values import subsection, text_of, texts_of

Unit = Literal["s", "ms", "us", "ns", "excel"]
"""Since 1970-01-01 UTC; `excel`: days since 1899-12-30 in local time."""


@dataclass(frozen=True)
class TimeReading:
    """How a section's times are written.

    `zone` is the zone of times that name none; at most one of `formats` (strftime, tried in their
    order) and `unit` is set, and without either the whole column decides (`times/decision.py`).
    """

    zone: str = "UTC"
    formats: tuple[str, ...] = ()
    unit: Unit | None = None


@dataclass(frozen=True)
class NumberReading:
    """How a section's numbers are written; what is None, the texts decide (`numbers.py`).

    `decimal` is the decimal sign, `thousands` the sign between groups of digits, `currency` the
    signs and codes that may stand beside a price.
    """

    decimal: Decimal | None = None
    thousands: Thousands | None = None
    currency: tuple[str, ...] | None = None


AS_THE_TIMES_SHOW = TimeReading()
AS_THE_NUMBERS_SHOW = NumberReading()


def time_reading(body: dict[str, object], where: str) -> TimeReading:
    """`[x.time]` of a section.

    Raises:
        UserError: an unknown key, zone, unit or directive, or a unit beside a zone or format.
    """
    given = dict(subsection(body, "time", ("zone", "format", "unit"), where))
    wanted = "a format or a list of formats: format = '%d.%m.%Y %H:%M:%S'"
    formats = texts_of(given.pop("format", []), "time.format", wanted, where)
    texts = {key: text_of(each, f"time.{key}", "a text", where) for key, each in given.items()}
    zone, unit = texts.get("zone", "UTC"), texts.get("unit")
    if unit is not None and unit not in get_args(Unit):
        raise UserError(f"{where}: time.unit is {unit!r}; use one of {get_args(Unit)}")
    if unit is not None and (formats or ("zone" in texts and unit != "excel")):
        raise UserError(
            f"{where}: time.unit = {unit!r} already says from which day it counts, so that zone "
            "and format must be left out"
        )
    for each in formats:
        try:
            pattern_of(each)
        except UserError as error:
            raise UserError(f"{where}: {error}") from error
    if not _zone_exists(zone):
        nearest = get_close_matches(zone, available_timezones(), n=1)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise UserError(
            f"{where}: there is no time zone {zone!r}; {hint}"
            "use a name of the IANA database such as 'Europe/Berlin'"
        )
    return TimeReading(zone, formats, cast(Unit | None, unit))


def number_reading(body: dict[str, object], where: str) -> NumberReading:
    """`[x.numbers]` of a section.

    Raises:
        UserError: an unknown key or sign, or one sign for two things.
    """
    given = dict(subsection(body, "numbers", ("decimal", "thousands", "currency"), where))
    wanted = "a sign or a list of signs and codes: currency = '€'"
    currency = texts_of(given.pop("currency", []), "numbers.currency", wanted, where)
    texts = {key: text_of(each, f"numbers.{key}", "a sign", where) for key, each in given.items()}
    for key, known in (("decimal", get_args(Decimal)), ("thousands", get_args(Thousands))):
        if key in texts and texts[key] not in known:
            raise UserError(f"{where}: numbers.{key} is {texts[key]!r}; use one of {known}")
    decimal, thousands = texts.get("decimal"), texts.get("thousands")
    if thousands is not None and thousands == (decimal or "."):
        raise UserError(
            f"{where}: numbers.thousands is {thousands!r}, as is the decimal sign; say "
            "numbers.decimal, too, or correct one of them"
        )
    return NumberReading(
        cast(Decimal | None, decimal or ("." if thousands is not None else None)),
        cast(Thousands | None, thousands),
        currency or None,
    )


def null_words(body: dict[str, object], where: str) -> tuple[str, ...]:
    """Words that mean that there is no value; given ones are in place of the usual ones.

    Raises:
        UserError: they are no list of texts.
    """
    if "null_words" not in body:
        return NULL_WORDS
    return texts_of(body["null_words"], "null_words", 'a list of words: ["NULL"]', where)


def _zone_exists(zone: str) -> bool:
    # Polars knows offsets (`+01:00`), too, and the system names that mean another place elsewhere.
    if zone not in available_timezones() - {"localtime", "Factory", "posixrules"}:
        return False
    try:
        pl.Series([datetime(2000, 1, 1)]).dt.replace_time_zone(zone)
    except pl.exceptions.PolarsError:
        return False
    return True
