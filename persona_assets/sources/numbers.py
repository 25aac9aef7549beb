"""Numbers as shops write them: with thousands separators, decimal commas, currency signs.

Belongs here: the notations, and the decision which one a section's columns use. Does not belong
here: what an unreadable number means for its row (`delivered_values.py`, the mart).

`1,234` is one thousand here and one and a bit there. As with times, both notations are tried on all
numeric columns of a section; one is used if some number can only be of it (`5,99`, `1,299.00`) and
none can only be of the other. Texts that both notations read differently are not read at all where
that is not so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

Decimal = Literal[".", ","]
Thousands = Literal[",", ".", " ", "'"]

LARGEST_SHARE_OF_DIRT = 0.01
"""Share of the decided numbers that may be of the other notation and count as dirt."""

_GROUPED = r"^[^0-9]*[1-9][0-9]{0,2}(?:[.,][0-9]{3})+[^0-9]*$"
"""`1.234` and `1,234`: a thousand and something, or one and a bit."""
_SAME_CURRENCY = {
    "EUR": "€", "USD": "$", "US$": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩",
}  # fmt: skip
"""Code or sign → the sign of the same currency."""

APOSTROPHES = "'\u2019"
_SPACES = "[\xa0\u2009\u202f]"
_MINUS = "[\u2212\u2013]"
_CURRENCY_CODES = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|"
    "KRW|KZT|LKR|MAD|MXN|MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TND|TRY|"
    "TWD|UAH|USD|UYU|VND|XAF|XOF|ZAR"
)
_SIGN = r"[A-Z]{0,3}\p{Sc}"
_CURRENCY = rf"(?:{_SIGN}|{_CURRENCY_CODES})"
"""What is recognised as a currency without being told: a sign (`€`, `US$`) or a code (`EUR`)."""


@dataclass(frozen=True)
class NumberFormat:
    """A notation of numbers.

    Attributes:
        decimal: decimal sign.
        thousands: sign between groups of digits; None: any that is not the decimal sign.
        currency: signs and codes that may stand before or after a price; None: any that is
            recognised, if the texts have one only.
        doubtful: texts that the two decimal signs read differently are not read.
        evidence: why this notation; empty where nothing but plain numbers were delivered.
        undecided: a text that is read differently; empty if not `doubtful`.
        others: currencies beside numbers that are not among `currency`, and so not read.
    """

    decimal: Decimal = "."
    thousands: Thousands | None = None
    currency: tuple[str, ...] | None = None
    doubtful: bool = False
    evidence: str = ""
    undecided: str = ""
    others: tuple[str, ...] = ()


def number_format(
    columns: Sequence[pl.Series], *, currency: tuple[str, ...] | None = None
) -> NumberFormat:
    """The notation of a section's numeric columns, decided over all of their texts.

    Args:
        columns: text without blanks around it and null words.
        currency: see `NumberFormat`.
    """
    texts = pl.concat([column.drop_nulls().alias("text") for column in columns]).rename("text")
    written = texts.filter(_plain(texts).is_null())
    if written.is_empty() and not texts.str.contains(_GROUPED).any():
        return NumberFormat(currency=currency)
    others: tuple[str, ...] = ()
    if currency is None:
        currency, others = _one_currency(currencies(written))
    point, comma = (read_numbers(texts, NumberFormat(sign, None, currency)) for sign in (".", ","))
    only_point = point.is_not_null() & comma.is_null()
    only_comma = comma.is_not_null() & point.is_null()
    points, commas = int(only_point.sum()), int(only_comma.sum())
    decimal: Decimal = "," if commas > points else "."
    differ = texts.filter((point != comma).fill_null(False))
    minority = min(points, commas)
    undecided = points == commas or minority > LARGEST_SHARE_OF_DIRT * (points + commas)
    doubtful = undecided and (len(differ) > 0 or points + commas > 0)
    deciding = texts.filter(only_comma if decimal == "," else only_point)
    evidence = ""
    if not undecided and len(written):
        sign = "comma" if decimal == "," else "point"
        evidence = f"a decimal {sign}, since {deciding[0]!r} has no other meaning"
    first = ""
    if doubtful:
        first = str((differ if len(differ) else texts.filter(only_comma | only_point))[0])
    return NumberFormat(decimal, None, currency, doubtful, evidence, first, others)


def looks_grouped(text: str) -> bool:
    """Whether a number may have groups of three digits or a fraction of three, as `1.234` has."""
    return re.search(_GROUPED, text) is not None


def _one_currency(found: dict[str, int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The spellings of the one currency that prices are in, and those of others.

    Others are dirt as long as they are beside at most one in a hundred prices; where they are more,
    no price with a currency is read.
    """
    groups: dict[str, dict[str, int]] = {}
    for spelling, rows in found.items():
        groups.setdefault(_SAME_CURRENCY.get(spelling, spelling), {})[spelling] = rows
    if not groups:
        return (), ()
    ranked = sorted(groups.values(), key=lambda spellings: -sum(spellings.values()))
    main, rest = ranked[0], [spelling for spellings in ranked[1:] for spelling in spellings]
    if sum(found.values()) - sum(main.values()) > LARGEST_SHARE_OF_DIRT * sum(found.values()):
        return (), tuple(found)
    return tuple(main), tuple(rest)


def currencies(texts: pl.Series) -> dict[str, int]:
    """Currency signs and codes beside the numbers of a column → rows, most frequent first."""
    pattern = rf"^[(+-]*\s*({_CURRENCY})\s*[(+-]*[0-9.,]|[0-9.,]\s*({_CURRENCY})\s*[)-]*$"
    sign = texts.to_frame("text").select(
        sign=pl.coalesce(pl.col("text").str.extract(pattern, group) for group in (1, 2))
    )
    counts = sign.drop_nulls().group_by("sign").len().sort("len", "sign", descending=[True, False])
    return dict(counts.iter_rows())


def read_numbers(texts: pl.Series, notation: NumberFormat, *, priced: bool = True) -> pl.Series:
    """Numbers in a notation.

    Plain numbers (`12.5`, `-3`, `1e3`) are read where the decimal sign is a point. Negative
    numbers may also be in parentheses or have their minus behind.

    Args:
        texts: text without blanks around it; null where nothing was delivered.
        notation: the notation.
        priced: a currency may stand beside the number.

    Returns:
        (rows,) float64, finite; null where a text is no number of the notation.
    """
    number = _in_one_notation(texts, notation, priced=priced)
    if notation.doubtful:
        other: Decimal = "," if notation.decimal == "." else "."
        reversed_ = NumberFormat(other, None, notation.currency)
        otherwise = _in_one_notation(texts, reversed_, priced=priced)
        number = number.set((number != otherwise).fill_null(False), None)
    return number


def _in_one_notation(texts: pl.Series, notation: NumberFormat, *, priced: bool) -> pl.Series:
    plain = _plain(texts) if notation.decimal == "." else _integers(texts)
    unread = texts.set(plain.is_not_null(), None)
    if unread.null_count() == len(unread):
        return plain
    return plain.zip_with(plain.is_not_null(), _parse(unread, notation, priced=priced))


def _plain(texts: pl.Series) -> pl.Series:
    number = texts.cast(pl.Float64, strict=False)
    return number.set(~number.is_finite().fill_null(False), None)


def _integers(texts: pl.Series) -> pl.Series:
    return _plain(texts.set(~texts.str.contains("^-?[0-9]+$").fill_null(False), None))


def _parse(texts: pl.Series, notation: NumberFormat, *, priced: bool) -> pl.Series:
    text = pl.col("text").str.replace_all(_SPACES, " ").str.replace_all(_MINUS, "-")
    parts = texts.to_frame("text").select(parts=text.str.extract_groups(_pattern(notation, priced)))
    given = parts.unnest("parts").with_columns(pl.all().replace("", None))
    signs = ("sign", "inner_sign", "last_sign")
    negative = pl.any_horizontal(pl.col(name) == "-" for name in signs).fill_null(False)
    in_parentheses = pl.col("open").is_not_null()
    consistent = (
        (in_parentheses == pl.col("close").is_not_null())
        & (
            pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Int64) for name in signs)
            + in_parentheses.cast(pl.Int64)
            <= 1
        )
        & (pl.col("before").is_null() | pl.col("after").is_null())
    )
    separators = "." if notation.decimal == "," else ","
    digits = pl.col("number").str.replace_all(f"[ {APOSTROPHES}{separators}-]", "")
    value = digits.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    signed = pl.when(negative | in_parentheses).then(-value).otherwise(value)
    number = given.select(number=pl.when(consistent & signed.is_finite()).then(signed)).to_series()
    return number.alias(texts.name)


def _pattern(notation: NumberFormat, priced: bool) -> str:
    point = "[.]" if notation.decimal == "." else "[,]"
    usual = "," if notation.decimal == "." else "."
    groups = [notation.thousands] if notation.thousands else [usual, " ", "'"]
    grouped = "|".join(
        # Lakhs and crores are groups of two before the last group of three.
        f"[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{2,3}})*{sign}[0-9]{{3}}"
        for sign in (f"[{APOSTROPHES}]" if each == "'" else f"[{each}]" for each in groups)
    )
    # `5,-` is 5, as prices without cents are written.
    number = f"(?P<number>(?:{grouped}|[0-9]+)(?:{point}(?:-{{1,2}}|[0-9]*))?|{point}[0-9]+)"
    currency = "[^\\s\\S]"
    if priced:
        known = [_escaped(each) for each in notation.currency or ()]
        currency = "|".join(known) if notation.currency is not None else _CURRENCY
        currency = currency or "[^\\s\\S]"
    return (
        rf"^(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<before>{currency})?\s*(?P<inner_sign>[+-])?\s*"
        rf"{number}\s*(?P<after>{currency})?\s*(?P<last_sign>-)?\s*(?P<close>\))?$"
    )


def _escaped(text: str) -> str:
    return "".join(f"[{each}]" if each not in "^\\[]" else f"\\{each}" for each in text)
