"""Formats in the notation of `strftime`, as patterns of text.

Belongs here: which directives are understood and what they match. Does not belong here: what the
matched parts mean (`components.py`).

The engines' own parsers ignore `%Z`, take `%f` for nanoseconds and fail on dates without a clock.
So a format becomes a regular expression whose named groups are the parts of a time.
"""

import re

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.times.components import instants_of, parts_of

_TWO = "[0-9]{1,2}"
DIRECTIVES: dict[str, str] = {
    "Y": "(?P<year>[0-9]{4})",
    "y": "(?P<year>[0-9]{2})",
    "m": f"(?P<month>{_TWO})",
    "d": f"(?P<day>{_TWO})",
    "e": f" ?(?P<day>{_TWO})",
    "j": "(?P<day_of_year>[0-9]{1,3})",
    "b": r"(?P<month_name>[^\W\d_]{3,14})",
    "a": r"[^\W\d_]{2,14}",
    "H": f"(?P<hour>{_TWO})",
    "I": f"(?P<hour>{_TWO})",
    "M": f"(?P<minute>{_TWO})",
    "S": f"(?P<second>{_TWO})",
    "f": "(?P<fraction>[0-9]{1,9})",
    "p": r"(?P<half>[AaPp]\.?[Mm]\.?)",
    "z": r"(?P<zone>[Zz]|(?:UTC|GMT)?[+\u2212-][0-9]{1,2}(?::?[0-9]{2})?)",
    "G": "(?P<week_year>[0-9]{4})",
    "V": f"(?P<week>{_TWO})",
    "u": "(?P<weekday>[1-7])",
    "Z": r"(?P<zone>[A-Za-z_]+/[A-Za-z0-9_/+-]+|[A-Za-z]{1,5}|(?:UTC|GMT)?"
    r"[+\u2212-][0-9]{1,2}(?::?[0-9]{2})?)",
    "s": "(?P<epoch>-?[0-9]{1,11})",
    "n": r"\s+",
    "t": r"\s+",
    "%": "%",
}
"""Directive → what it matches; `%e`, `%n` and `%t` with the blanks they stand for."""
_SAME = {"B": "b", "h": "b", "A": "a", "k": "H", "l": "I", "P": "p"}
_SHORT = {"T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "F": "%Y-%m-%d", "r": "%I:%M:%S %p"}
_DIRECTIVE = re.compile(r"%(?P<dot>\.)?(?P<flag>[-_0#:369]?)(?P<letter>[A-Za-z%])", re.DOTALL)
_OPTIONAL_FRACTION = r"(?:\.(?P<fraction>[0-9]{1,9}))?"


def pattern_of(written: str) -> str:
    """The regular expression of a format.

    Numbers may lack their leading zero, as for `strptime`. `%f` and `%.f` are fractions of a
    second of 1 to 9 digits, `%.f` with its point and optional. `%-d` and `%_d` are `%d`.

    Raises:
        UserError: an unknown directive, a part that is written twice, or no day among the parts.
    """
    expanded = re.sub(
        "%([" + "".join(_SHORT) + "])", lambda found: _SHORT[found[1]], written.replace("%%", "%\0")
    ).replace("%\0", "%%")
    pieces, end = [], 0
    for found in _DIRECTIVE.finditer(expanded):
        pieces.append(_literal(expanded[end : found.start()], written))
        pieces.append(_directive(found, written))
        end = found.end()
    pieces.append(_literal(expanded[end:], written))
    pattern = "".join(pieces)
    parts = re.findall(r"\(\?P<(\w+)>", pattern)
    if twice := sorted({part for part in parts if parts.count(part) > 1}):
        raise UserError(
            f"time.format = {written!r} names the {twice[0]} twice; write each part once"
        )
    dated = {"month", "month_name"} & set(parts) and "day" in parts and "year" in parts
    week = {"week_year", "week", "weekday"} <= set(parts)
    if not (dated or week or {"year", "day_of_year"} <= set(parts) or "epoch" in parts):
        raise UserError(
            f"time.format = {written!r} has no day, month and year; write it as in "
            "'%d.%m.%Y %H:%M:%S'. A month or a week alone is the time of no event"
        )
    return f"^{pattern}$"


def read_format(texts: pl.Series, written: str, zone: str) -> pl.Series:
    """Instants of texts in one format; null for texts in another.

    Raises:
        UserError: see `pattern_of` and `components.instants_of`.
    """
    return instants_of(parts_of(texts, pattern_of(written)), zone)


def _directive(found: "re.Match[str]", written: str) -> str:
    letter = _SAME.get(found["letter"], found["letter"])
    if found["dot"] and letter == "f":
        return _OPTIONAL_FRACTION
    if found["dot"] or letter not in DIRECTIVES or (found["flag"] == ":" and letter != "z"):
        known = " ".join(
            f"%{each}" for each in sorted({*DIRECTIVES, *_SAME, *_SHORT}, key=_alphabetical)
        )
        raise UserError(
            f"time.format = {written!r} has the unknown directive {found[0]!r}; use {known}"
        )
    return DIRECTIVES[letter]


def _alphabetical(letter: str) -> tuple[str, str]:
    return letter.lower(), letter


def _literal(text: str, written: str) -> str:
    if "%" in text:
        raise UserError(
            f"time.format = {written!r} has a lone %; write %% for a percent sign, or a directive"
        )
    return re.sub(r"(\\ |\s)+", r"\\s+", re.escape(text))
