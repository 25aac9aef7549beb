"""Which reading a whole column of times means.

Belongs here: the decision and its evidence. Does not belong here: the readings (`readings.py`) or
what becomes of the times (`delivered_times.py`).

A text alone often says too little: `01/02/2024` is in January or in February. So every reading is
tried on the whole column and fits a row where it gives a plausible day, one from 1990 on that is
not in the future. The reading that fits the most rows is used if

- every other reading that fits them too gives the same instants; else the column is ambiguous;
- no row fits another reading only; else formats or units are mixed. Rows of another way of writing
  are dirt, and not a second format, as long as they are at most one in a hundred.

Both are errors, for guessing would move events by months without anybody noticing.
"""

import functools
import operator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.shown_values import shown
from persona_assets.sources.times.components import LARGEST_SHARE_OF_DIRT
from persona_assets.sources.times.readings import (
    COMPACT,
    NUMBER,
    NUMERIC,
    READINGS,
    Reading,
    how_to_ask_for,
)

FIRST_PLAUSIBLE = date(1990, 1, 1)
"""No shop has events of before the web; counts in a wrong unit land in 1970, far below it."""

SMALLEST_SHARE_OF_NUMBERS = 0.5
"""Share of the numbers that must be plausible times; otherwise they are mere counts."""

_SHOWN_FORMATS = 3


@dataclass(frozen=True)
class Decision:
    """What a column means.

    Attributes:
        reading: how its texts are read; None: no reading gives a time for any of them.
        instants: (rows,) timestamp[us, UTC]; null where the reading gives none.
        setting: how a mapping would state the reading, as in `format = "%d/%m/%Y"`.
        evidence: what ruled out the other readings; empty where there was no other.
    """

    reading: Reading | None
    instants: pl.Series
    setting: str = ""
    evidence: str = ""

    @property
    def note(self) -> str:
        """One sentence for reports."""
        if self.reading is None:
            return "no reading gives a time"
        because = f": {self.evidence}" if self.evidence else ""
        return f"read as {self.reading.name} ({self.setting}){because}"


@dataclass(frozen=True)
class _Candidate:
    """A reading, the instants it gives (full length) and the rows that it fits."""

    reading: Reading
    instants: pl.Series
    fits: pl.Series


class AmbiguousTimesError(UserError):
    """Several readings give plausible times for the same column."""


class MixedTimesError(UserError):
    """Rows of one column are written in different formats or units."""


def decide(
    texts: pl.Series,
    *,
    zone: str,
    today: date,
    name: str,
    section: str,
    places: pl.Series | None = None,
) -> Decision:
    """The reading of a column of times.

    Args:
        texts: (rows,) text without blanks around it; null where nothing was delivered.
        zone: IANA name of the zone of times that name none.
        today: the caller's day in UTC; a reading that puts times behind it does not fit them.
        name: the column's name, for errors.
        section: the mapping's section, for errors.
        places: (rows,) where each row was delivered, for errors; None: its number.

    Returns:
        The decision; `Decision.reading` is None where no text is a time of any reading.

    Raises:
        AmbiguousTimesError: several readings fit the same rows and give different instants.
        MixedTimesError: rows fit different readings only.
    """
    tried = _tried(texts, zone, today)
    best = max(tried, key=lambda each: each.fits.sum(), default=None)
    if best is None or not best.fits.any():
        nothing = pl.Series(texts.name, [None], pl.Datetime("us", "UTC"))
        return Decision(None, nothing.new_from_index(0, len(texts)))
    problem = _Problem(texts, name, section, places)
    evidence = []
    for other in tried:
        if other is best:
            continue
        same_family = other.reading.family == best.reading.family
        only_best, only_other = best.fits & ~other.fits, other.fits & ~best.fits
        if only_other.any():
            # A day-first date of next week is none of the other reading, only a clock ahead.
            contradicts = same_family and (only_other & best.instants.is_null()).any()
            if contradicts or only_other.sum() > LARGEST_SHARE_OF_DIRT * texts.count():
                raise problem.mixed(best, other)
        elif _rules_out(only_best, other, texts.count()):
            if same_family and best.reading.pattern == NUMERIC:
                evidence.append(problem.evidence(only_best, other))
        elif (best.instants != other.instants).filter(best.fits).any():
            raise problem.ambiguous(best, other)
    setting = how_to_ask_for(best.reading, problem.shapes(best))
    instants = best.instants.alias(texts.name)
    return Decision(best.reading, instants, setting, "; ".join(evidence))


def _rules_out(only_best: pl.Series, other: _Candidate, rows: int) -> bool:
    """True when rows that only the best reading fits prove that the other one is not meant.

    One day that does not exist is proof. Days in the future are so only if there are many: a
    single one may be the mistake of a clock, and would turn all other rows around.
    """
    impossible = only_best & other.instants.is_null()
    return bool(impossible.any()) or int(only_best.sum()) > LARGEST_SHARE_OF_DIRT * rows


def _tried(texts: pl.Series, zone: str, today: date) -> list[_Candidate]:
    """All readings of what is written, with the rows of plausible days that they fit.

    Where no reading fits a row, as with events of 1980, they fit the rows that they can read; not
    so numbers, which can always be read.
    """
    written = {
        pattern: texts.str.contains(pattern).fill_null(False) for pattern in _patterns(texts)
    }
    start = datetime.combine(FIRST_PLAUSIBLE, time(), UTC)
    end = datetime.combine(today + timedelta(days=2), time(), UTC)
    tried = []
    for reading in READINGS:
        rows = written.get(reading.pattern)
        if rows is None or not rows.any():
            continue
        instants = reading.read(texts.set(~rows, None), zone)
        fits = ((instants >= start) & (instants < end)).fill_null(False)
        tried.append(_Candidate(reading, instants, fits))
    tried = _without_mere_numbers(tried, texts)
    if any(each.fits.any() for each in tried):
        return tried
    return [
        _Candidate(each.reading, each.instants, each.instants.is_not_null())
        for each in tried
        if each.reading.family != "digits"
    ]


def _without_mere_numbers(tried: list[_Candidate], texts: pl.Series) -> list[_Candidate]:
    """Takes out the readings of digits where few of the numbers are a plausible time of any."""
    digits = [each.fits for each in tried if each.reading.family == "digits"]
    if not digits:
        return tried
    plausible = functools.reduce(operator.or_, digits)
    numbers = texts.str.contains(f"{NUMBER}|{COMPACT}").sum()
    if plausible.sum() >= SMALLEST_SHARE_OF_NUMBERS * int(numbers):
        return tried
    return [each for each in tried if each.reading.family != "digits"]


def _patterns(texts: pl.Series) -> list[str]:
    """Patterns in the readings' order until every text is explained."""
    unexplained = texts.drop_nulls()
    patterns: list[str] = []
    families = list(dict.fromkeys(reading.family for reading in READINGS))
    for family in families:
        if unexplained.is_empty():
            break
        for pattern in dict.fromkeys(each.pattern for each in READINGS if each.family == family):
            patterns.append(pattern)
            unexplained = unexplained.filter(~unexplained.str.contains(pattern))
    return patterns


class _Problem:
    """Writes what is wrong with a column; holds what its sentences need."""

    def __init__(self, texts: pl.Series, name: str, section: str, places: pl.Series | None) -> None:
        self.texts = texts
        self.name = name
        self.section = section
        self.places = places

    def ambiguous(self, best: _Candidate, other: _Candidate) -> AmbiguousTimesError:
        row = _first(best.fits & (best.instants != other.instants).fill_null(False))
        ways = " or ".join(
            f"{each.reading.name}, {_shown(each.instants[row])} ({self._ask(each)})"
            for each in (best, other)
        )
        return AmbiguousTimesError(
            f"{self._at(row)}: {self.name} {shown(self.texts[row])} can be read as {ways}, and so "
            f"can all other rows; say which in [{self.section}.time]"
        )

    def mixed(self, best: _Candidate, other: _Candidate) -> MixedTimesError:
        first = _first(best.fits & ~other.fits)
        second = _first(other.fits & ~best.fits)
        advice = "deliver one of them"
        if best.reading.setting is None and other.reading.setting is None:
            advice += (
                f", or state in [{self.section}.time] in which order formats are tried, as in "
                f"format = [{', '.join(self._formats(best) + self._formats(other))}]"
            )
        else:
            advice += (
                f", or say which one is right in [{self.section}.time] (other rows are then "
                f"rejected): {self._ask(best)}"
            )
        return MixedTimesError(
            f"{self.name} is written in two ways: {self._at(first)} is {shown(self.texts[first])} "
            f"({best.reading.name}), {self._at(second)} is {shown(self.texts[second])} "
            f"({other.reading.name}); {advice}"
        )

    def evidence(self, rows: pl.Series, other: _Candidate) -> str:
        """Why a reading is not meant, by the first of the rows that it does not fit."""
        row = _first(rows)
        instant = other.instants[row]
        why = "is no date" if instant is None else f"would be {_shown(instant)}"
        return f"{self.texts[row]!r} {why} with the {other.reading.name}"

    def shapes(self, candidate: _Candidate) -> list[str]:
        """First texts of the commonest ways in which the texts of one reading are written."""
        read = self.texts.filter(candidate.fits)
        shape = read.str.replace_all("[0-9]+", "0").str.replace_all(r"\p{L}+", "a")
        firsts = pl.DataFrame({"text": read, "shape": shape}).group_by("shape").agg(
            pl.len(), pl.col("text").first()
        )  # fmt: skip
        return firsts.sort("len", "shape", descending=[True, False])["text"].head(
            _SHOWN_FORMATS
        ).to_list()  # fmt: skip

    def _formats(self, candidate: _Candidate) -> list[str]:
        asked = how_to_ask_for(candidate.reading, self.shapes(candidate))
        return [asked.removeprefix("format = ").strip("[]")]

    def _ask(self, candidate: _Candidate) -> str:
        return how_to_ask_for(candidate.reading, self.shapes(candidate))

    def _at(self, row: int) -> str:
        return f"row {row + 1}" if self.places is None else str(self.places[row])


def _first(mask: pl.Series) -> int:
    return int(mask.arg_max() or 0)


def _shown(instant: datetime) -> str:
    clock = "" if (instant.hour, instant.minute, instant.second) == (0, 0, 0) else " %H:%M"
    return f"{instant:%Y-%m-%d{clock}}"
