"""Identifiers that are numbers, written as numbers are in one place and as text in another.

Belongs here: when `17850.0` is the identifier `17850`, and where it looks so and cannot be known.
Does not belong here: blanks and null words around them (`null_words.py`).

Integers with gaps are stored as floats by spreadsheets and pandas, so one export has `17850.0` and
the next `17850`. They are one identifier only where all identifiers of that kind are numbers, in
all files: a shop may well sell an article `17850.0` beside `A-17`. Leading zeros and digits beyond
what a float64 holds stay as they are, since nothing is ever converted to a float.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

NUMERIC = r"^[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?$"
_POINT_ZERO = r"^([+-]?[0-9]+)\.0*$"
_EXPONENT = r"[eE]"
_SCIENTIFIC = r"^[+-]?(?<digits>[0-9]+(?:\.[0-9]*)?)[eE]\+?(?<exponent>[0-9]{1,2})$"
_NO_TEXT = pl.Series("text", [], dtype=pl.String())
MOST_DIGITS_SHOWN = 6
"""Significant digits that spreadsheets leave of a number that is too wide for its cell."""


def all_numeric(columns: Sequence[pl.Series]) -> bool:
    """True when every identifier of the columns is a number and at least one has a fraction."""
    texts = [column.drop_nulls() for column in columns]
    return all(column.str.contains(NUMERIC).all() for column in texts) and any(
        column.str.contains(r"[.eE]").any() for column in texts
    )


def whole_numbers(column: pl.Series) -> pl.Series:
    """Numeric identifiers with integral fractions and exponents written as integers.

    Others (`17850.5`) stay as they are.
    """
    name = column.name
    text = pl.col(name)
    plain = column.to_frame().with_columns(
        pl.coalesce(text.str.extract(_POINT_ZERO, 1), text).alias(name)
    )
    exponents = plain[name].filter(plain[name].str.contains(_EXPONENT).fill_null(False)).unique()
    if exponents.is_empty():
        return plain[name]
    written_out = {text: _integral(text) for text in exponents}
    return plain[name].replace(written_out)


def rounded(columns: Sequence[pl.Series]) -> int:
    """Identifiers of one kind that a spreadsheet has rounded, as it shows `4.00638E+12`.

    Spreadsheets keep six significant digits in that notation, so that different identifiers become
    one. A computer's own way of writing a large float has more, at least in some of a column.

    Args:
        columns: identifiers of the kind from all sections.

    Returns:
        How many rows have such a one; 0 where any in this notation has more digits.
    """
    texts = pl.concat([_NO_TEXT, *(column.drop_nulls().alias("text") for column in columns)])
    found = texts.str.extract_groups(_SCIENTIFIC).struct.unnest().drop_nulls()
    digits = found["digits"].str.replace(".", "", literal=True).str.len_chars()
    short = (digits <= MOST_DIGITS_SHOWN) & (found["exponent"].cast(pl.Int32) >= digits)
    return found.height if found.height and short.all() else 0


def one_spelling(columns: Mapping[str, pl.Series]) -> tuple[dict[str, pl.Series], bool]:
    """Identifiers of one kind (users, products, orders) from all sections, spelled alike.

    Args:
        columns: section → its column of such identifiers, without blanks and null words.

    Returns:
        The columns, and whether any was changed.
    """
    if not all_numeric(list(columns.values())):
        return dict(columns), False
    return {section: whole_numbers(column) for section, column in columns.items()}, True


@dataclass(frozen=True)
class LookAlikes:
    """Identifiers that are left as two, though they may be one: `1001.0` beside `1001`.

    Attributes:
        pairs: so many look like one and the same.
        rows: rows of their two spellings.
        words: different identifiers that are no numbers, for the sake of which nothing is joined.
    """

    pairs: int
    rows: int
    words: int


def look_alikes(columns: Sequence[pl.Series]) -> LookAlikes | None:
    """Identifiers of one kind that are spelled as numbers in two ways; None where none is.

    Args:
        columns: identifiers of the kind from all sections, as they are left.
    """
    texts = pl.concat([column.drop_nulls().alias("text") for column in columns])
    counts = texts.value_counts(name="rows")
    numeric = counts.filter(pl.col("text").str.contains(NUMERIC))
    if not numeric["text"].str.contains("[.eE]").any():
        return None
    alike = (
        numeric.with_columns(whole=whole_numbers(numeric["text"]))
        .group_by("whole")
        .agg(pl.len().alias("spellings"), pl.col("rows").sum())
        .filter(pl.col("spellings") > 1)
    )
    if alike.is_empty():
        return None
    return LookAlikes(alike.height, int(alike["rows"].sum()), counts.height - numeric.height)


def _integral(text: str) -> str:
    number = Decimal(text)
    return str(int(number)) if number == number.to_integral_value() else text
