"""Names of months in the languages that shops export in, whole or shortened.

Belongs here: the names and the number of a name. Does not belong here: where a name stands in a
written time (`readings.py`, `strftime.py`).

A beginning of at least three letters is the month if it begins no other month in any of the
languages: `mar` is March in all of them, while `jui` may be the French June or July and is none.
"""

from collections.abc import Iterator

import polars as pl

SHORTEST = 3
"""Letters that a shortened name has at least."""

_NAMES = (
    # English, German, French, Spanish, Italian, Portuguese, Dutch, Danish and Norwegian, Swedish,
    # Polish; then spellings that are no beginnings of these.
    "january januar janvier enero gennaio janeiro januari januar januari stycznia styczen janner",
    "february februar fevrier febrero febbraio fevereiro februari februar februari lutego luty "
    "feber",
    "march marz mars marzo marzo marco maart marts mars marca marzec maerz mrz mrt",
    "april april avril abril aprile abril april april april kwietnia kwiecien",
    "may mai mai mayo maggio maio mei maj maj maja",
    "june juni juin junio giugno junho juni juni juni czerwca czerwiec",
    "july juli juillet julio luglio julho juli juli juli lipca lipiec",
    "august august aout agosto agosto agosto augustus august augusti sierpnia sierpien",
    "september september septembre septiembre settembre setembro september september september "
    "wrzesnia wrzesien setiembre",
    "october oktober octobre octubre ottobre outubro oktober oktober oktober pazdziernika "
    "pazdziernik",
    "november november novembre noviembre novembre novembro november november november listopada "
    "listopad",
    "december dezember decembre diciembre dicembre dezembro december december december grudnia "
    "grudzien",
)
"""A line for each month, in lower case and without accents."""


def _beginnings() -> Iterator[tuple[str, int]]:
    for number, names in enumerate(_NAMES, 1):
        for name in names.split():
            for length in range(min(SHORTEST, len(name)), len(name) + 1):
                yield name[:length], number


def _numbers() -> dict[str, int]:
    meant: dict[str, set[int]] = {}
    for beginning, number in _beginnings():
        meant.setdefault(beginning, set()).add(number)
    return {beginning: min(numbers) for beginning, numbers in meant.items() if len(numbers) == 1}


NUMBERS = _numbers()
"""Name or beginning of one → number of the month, 1 to 12."""


def month_number(name: pl.Expr) -> pl.Expr:
    """The number of a month by its name, in whatever case and accents; null: no month's name."""
    letters = name.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    return letters.replace_strict(NUMBERS, default=None, return_dtype=pl.Int64)
