"""Whether a column holds times, how they are written, and how sure that is.

Belongs here: the evidence for a reading, or the readings to choose from. Does not belong here: the
readings and the decision (`times/`).
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.delivered_times import instants
from persona_assets.sources.inspection.columns import share_of
from persona_assets.sources.mapping import parsed
from persona_assets.sources.times.decision import (
    FIRST_PLAUSIBLE,
    AmbiguousTimesError,
    Decision,
    decide,
)
from persona_assets.sources.times.readings import (
    COMPACT,
    NUMBER,
    READINGS,
    Reading,
    how_to_ask_for,
)

TRIED = 200
"""Values by which it is seen whether a column may hold times at all."""
MOSTLY = 0.8
"""Share of them that must look like times."""
ZONED = r"(?:[Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}|:[0-9]{2}(?:[.,][0-9]+)? ?[+-][0-9]{2})(?:$|[ \[])"
"""Texts that name their zone."""
CLOCK = r"[0-9]:[0-9]{2}"
_SHOWN = 4


@dataclass(frozen=True)
class Choice:
    """A reading that fits: what it is called, how a mapping asks for it, and what it gives."""

    name: str
    setting: str
    example: str


@dataclass(frozen=True)
class TimesFound:
    """A column of times.

    Attributes:
        reading: name of the reading; None: undecided.
        setting: line for `[x.time]` that asks for it; empty where nothing needs to be said.
        evidence: why it is this reading.
        readable: values that it reads.
        first: first instant that it gives.
        last: last one.
        choices: readings to choose from, where the values fit several.
        problem: what is wrong with the column, besides.
        digits: whether the values are but digits, and so might be no times.
        zoned: whether the values name their zone, or need none.
        clock: whether there is a time of day.
    """

    reading: str | None
    setting: str = ""
    evidence: str = ""
    readable: int = 0
    first: datetime | None = None
    last: datetime | None = None
    choices: tuple[Choice, ...] = ()
    problem: str = ""
    digits: bool = False
    zoned: bool = False
    clock: bool = False


def times_in(values: pl.Series, *, today: date, named: bool) -> TimesFound | None:
    """How the values of a column are times; None where they are none.

    Args:
        values: (rows,) text without blanks around it.
        today: the caller's day in UTC.
        named: whether the column's name says that it holds times; digits alone do not.
    """
    texts = values.drop_nulls()
    few = texts.head(TRIED)
    if few.is_empty():
        return None
    digits = share_of(few, f"{NUMBER}|{COMPACT}") >= MOSTLY
    if digits and not named:
        return None
    if not digits and not _look_like_times(few):
        return None
    clock = bool(texts.str.contains(CLOCK).any())
    try:
        found = decide(texts, zone="UTC", today=today, name=values.name, section="events")
    except AmbiguousTimesError as error:
        choices = _choices(texts, today)
        return TimesFound(None, choices=choices, problem=str(error), digits=digits, clock=clock)
    except UserError as error:
        return TimesFound(None, problem=str(error), digits=digits, clock=clock)
    if found.reading is None or found.instants.count() < MOSTLY / 2 * len(texts):
        return None
    return _decided(found, texts, digits)


def _look_like_times(few: pl.Series) -> bool:
    patterns = {each.pattern for each in READINGS if each.family != "digits"}
    hits = pl.DataFrame([few.str.contains(each).alias(each) for each in sorted(patterns)])
    return int(hits.select(pl.any_horizontal(pl.all())).to_series().sum()) >= MOSTLY * len(few)


def _decided(found: Decision, texts: pl.Series, digits: bool) -> TimesFound:
    assert found.reading is not None  # noqa: S101 - the caller has looked
    instants_of = found.instants
    known = instants_of.drop_nulls()
    counted = found.reading.setting is not None or found.reading.pattern == NUMBER
    return TimesFound(
        reading=found.reading.name,
        setting=_needed(found, texts),
        evidence=_evidence(found, texts),
        readable=instants_of.count(),
        first=known.min(),  # type: ignore[arg-type]
        last=known.max(),  # type: ignore[arg-type]
        digits=digits,
        zoned=counted or share_of(texts, ZONED) >= MOSTLY,
        clock=bool((known.dt.time() != time()).any()),
    )


def _needed(found: Decision, texts: pl.Series) -> str:
    """What a mapping must say; nothing where the texts are read so without being told."""
    as_they_are = instants(texts)
    meant = found.instants
    if ((as_they_are == meant) | meant.is_null()).fill_null(False).all():
        return ""
    return _sayable(found.setting)


def _sayable(setting: str) -> str:
    """The setting, if a mapping may say so; of several formats the commonest, if not all may be."""
    first = re.sub(r'^format = \[("(?:[^"\\]|\\.)*").*\]$', r"format = \1", setting)
    return next((each for each in (setting, first) if _is_understood(each)), "")


def _is_understood(setting: str) -> bool:
    columns = dict.fromkeys(("user_id", "product_id", "event_type", "timestamp"), "theirs")
    try:
        time_section = tomllib.loads(setting)
        events = {"file": "x", **columns, "constants": {"consent": True}, "time": time_section}
        parsed({"events": events}, Path("draft"))
    except (UserError, tomllib.TOMLDecodeError):
        return False
    return True


def _evidence(found: Decision, texts: pl.Series) -> str:
    reading = found.reading
    assert reading is not None  # noqa: S101 - the caller has looked
    rows = found.instants.count()
    said = f"{100 * rows / len(texts):.4g} % of {len(texts):,} sampled values are {reading.name}"
    if reading.name == "day first":
        over = _over_12(texts, 0)
        said += f"; {over:,} values have a day over 12" if over else ""
    elif reading.name == "month first":
        over = _over_12(texts, 1)
        said += f"; {over:,} values have a day over 12" if over else ""
    elif found.evidence:
        said += f"; {found.evidence}"
    return said


def _over_12(texts: pl.Series, place: int) -> int:
    numbers = texts.str.extract_all("[0-9]+").list.get(place, null_on_oob=True)
    return int((numbers.cast(pl.Int64, strict=False) > 12).sum())


def _choices(texts: pl.Series, today: date) -> tuple[Choice, ...]:
    """The readings that give plausible times for about as many values as the best one does."""
    start = datetime.combine(FIRST_PLAUSIBLE, time(), UTC)
    end = datetime.combine(today + timedelta(days=2), time(), UTC)
    fits: list[tuple[int, Reading, pl.Series, pl.Series]] = []
    for reading in READINGS:
        about = texts.str.contains(reading.pattern).fill_null(False)
        instant = reading.read(texts.set(~about, None), "UTC")
        fit = ((instant >= start) & (instant < end)).fill_null(False)
        if fit.any():
            fits.append((int(fit.sum()), reading, fit, instant))
    most = max((rows for rows, *_ in fits), default=0)
    return tuple(
        Choice(
            reading.name,
            how_to_ask_for(
                reading, texts.filter(fit).unique(maintain_order=True).head(1).to_list()
            ),
            f"{texts.filter(fit)[0]} is {instant.filter(fit)[0]:%Y-%m-%d}",
        )
        for rows, reading, fit, instant in fits
        if rows >= 0.99 * most
    )[:_SHOWN]
