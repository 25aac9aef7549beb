"""The names of a file's columns.

Belongs here: what a header must be, in every format. Does not belong here: finding the header in a
file, or which of the columns a section needs.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from persona_assets.errors import UserError

DATA = re.compile(r"\s*|[-+]?[\d.,:/TZ \-]*\d[\d.,:/TZ \-]*|.*@.*|.{65,}", re.DOTALL)
"""What hardly names a column: nothing, numbers, dates, addresses, sentences."""


def column_names(cells: Sequence[str | None]) -> list[str | None]:
    """Names without surrounding white space; None for a column without a name."""
    return [(cell or "").strip().strip("\ufeff\u200b").strip() or None for cell in cells]


def refuse_duplicates(names: Sequence[str | None], path: Path, where: str = "") -> None:
    """Refuses two columns of one name, since none of them is the right one for certain.

    Raises:
        UserError: two columns have one name; the text says which they are.
    """
    first: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if name is None:
            continue
        if name in first:
            raise UserError(
                f"{path}{where} has two columns {printable(name)}, the {ordinal(first[name])} and "
                f"the {ordinal(number)}; rename or remove one of them"
            )
        first[name] = number


def listed(names: Sequence[str | None]) -> str:
    """A header for an error text; a first row of data, which may hold anything, is not shown."""
    given = [name for name in names if name is not None]
    if any(DATA.fullmatch(name) for name in given):
        return f"{len(given)} cells that look like data (is the row of column names missing?)"
    return f"{given}"


def printable(name: str) -> str:
    """A column's name for an error text, unless it looks like data."""
    return "of one content" if DATA.fullmatch(name) else repr(name)


def ordinal(number: int) -> str:
    """A place in an order: `1st`, `2nd`, `3rd`, `4th`."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
