"""Words that programs write where there is no value.

Belongs here: which words these are and taking them out of delivered text. Does not belong here:
what a missing value means for a row (the mart's work).
"""

from collections.abc import Sequence

import polars as pl

NULL_WORDS = (
    "null", "(null)", r"\n", "nan", "-nan", "none", "nil", "n/a", "#n/a", "na", "<na>", "nat",
    "undefined", "-",
)  # fmt: skip
"""What SQL dumps, Hive, pandas, R, JavaScript and spreadsheets write for nothing, in lower case."""

NO_ORDER = r"^0+(?:\.0*)?$"
"""Order numbers that say that there was no order."""

BLANKS = (
    " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e"
    "\u202f\u205f\u2060\u2066\u2067\u2068\u2069\u3000\ufeff\xad"
)
"""Blanks of Unicode, those without width included; no identifier begins or ends with one."""


def without_blanks(text: pl.Expr) -> pl.Expr:
    """Text without the blanks around it; null where nothing is left."""
    stripped = text.str.strip_chars(BLANKS)
    return pl.when(stripped != "").then(stripped)


def without_null_words(text: pl.Expr, words: Sequence[str] = NULL_WORDS) -> pl.Expr:
    """Null where a text without blanks around it is one of the words, in whatever case."""
    lower = [word.lower() for word in words]
    return pl.when(~text.str.to_lowercase().is_in(lower)).then(text)


def null_words(texts: pl.Series, words: Sequence[str] = NULL_WORDS) -> dict[str, int]:
    """Null words of a column as they are written there → rows, most frequent first."""
    lower = [word.lower() for word in words]
    stripped = texts.str.strip_chars(BLANKS).alias("word")
    found = stripped.filter(stripped.str.to_lowercase().is_in(lower))
    counts = found.value_counts().sort("count", "word", descending=[True, False])
    return dict(counts.iter_rows())
