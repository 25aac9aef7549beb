"""How numbers are written for people, the same in the terminal and on the page.

Belongs here: formats of single values. Does not belong here: which numbers are shown, or JSON,
which gives values as they are.
"""

import math
from collections.abc import Sequence

NOTHING = "–"
"""Stands for a value that does not exist."""


def number(value: float | None, digits: int = 3) -> str:
    """`0.123`; NOTHING for None and NaN."""
    return NOTHING if value is None or math.isnan(value) else f"{value:.{digits}f}"


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """`[0.110, 0.135]`."""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def count(value: int) -> str:
    """`12,345`."""
    return f"{value:,}"


def counted(value: int, noun: str) -> str:
    """`1 column`, `2 columns`."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def share(part: float | None, whole: float, digits: int = 1) -> str:
    """`3.6 %` of the whole; NOTHING of nothing, and of a part that is not known."""
    return NOTHING if part is None or not whole else f"{100 * part / whole:.{digits}f} %"


def points(difference: float) -> str:
    """`+10.51 pp`, the difference of two shares."""
    return f"{100 * difference:+.2f} pp"


def duration(seconds: float) -> str:
    """`0.42 s`, `12.3 s`, `2 min 05 s`."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def p_value(value: float) -> str:
    """`0.042`, `< 0.001`: more digits claim a precision that no test has."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
