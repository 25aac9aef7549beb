"""Identifiers that are numbers, written as numbers are in one place and as text in another.

Belongs here: when `17850.0` is the identifier `17850`. Does not belong here: blanks and null words
around them (`null_words.py`).

Integers with gaps are stored as floats by spreadsheets and pandas, so one export has `17850.0` and
the next `17850`. They are one identifier only where all identifiers of that kind are numbers, in
all files: a shop may well sell an article `17850.0` beside `A-17`. Leading zeros and digits beyond
what a float64 holds stay as they are, since nothing is ever converted to a float.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl

NUMERIC = r"^[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?$"
_POINT_ZERO = r"^([+-]?[0-9]+)\.0*$"
_EXPONENT = r"[eE]"


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


def _integral(text: str) -> str:
    number = Decimal(text)
    return str(int(number)) if number == number.to_integral_value() else text
