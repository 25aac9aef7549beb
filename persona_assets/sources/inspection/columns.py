"""What a column holds: its type, null words, numbers, patterns, and what may not be shown of it.

Belongs here: one column at a time, by its values alone. Does not belong here: what its name says
(`column_names.py`), times (`times_found.py`), and its meaning (`roles.py`).

Values of columns that may identify people are never kept as they are: a *pattern* has `9` for
digits and `a` for letters, however many.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import polars as pl

from persona_assets.sources.identifiers import NUMERIC, rounded
from persona_assets.sources.null_words import null_words, without_blanks, without_null_words
from persona_assets.sources.numbers import currencies, number_format, read_numbers
from persona_assets.sources.typed_columns import NO, YES

Kind = Literal["empty", "yes/no", "whole numbers", "numbers", "lists or objects", "text"]

MOSTLY = 0.98
"""Share of the values that must be of a kind, for dirt is everywhere."""
MOST_PATTERNS = 3
LONGEST_PATTERN = 24
LARGEST_FLOAT = 2**53
_KINDS_OF_TEXT = {
    "e-mail addresses": r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$",
    "UUIDs": r"^[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$",
    "web addresses": r"^https?://",
    "hashes": r"^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$",
}


_DOUBTFUL = r"^\p{Sc}?[ (+-]*[0-9]{1,3}(?:[.,' \xa0’][0-9]{2,3})*[ )-]*\p{Sc}?$"
"""Digits in groups, with or without a sign of a currency: numbers in more than one notation."""


@dataclass(frozen=True)
class ColumnProfile:
    """A column of the rows that are looked at.

    Attributes:
        name: its name, or the path to it.
        values: (rows,) text without blanks around it and null words; null where there is nothing.
        kind: what the values are, times excepted.
        null_words: words that stand for no value, as they are written → rows.
        blanks: values with blanks around them.
        looks_like: what texts are by their form, as in `UUIDs`; empty where they have none.
    """

    name: str
    values: pl.Series
    kind: Kind
    null_words: Mapping[str, int] = field(default_factory=dict)
    blanks: int = 0
    looks_like: str = ""

    @property
    def rows(self) -> int:
        """Rows that are looked at."""
        return len(self.values)

    @cached_property
    def filled(self) -> int:
        """Rows that have a value."""
        return self.values.count()

    @cached_property
    def distinct(self) -> int:
        """Different values."""
        return self.values.drop_nulls().n_unique()

    @property
    def constant(self) -> str | None:
        """The value of all rows that have one, if there is but one."""
        return str(self.values.drop_nulls()[0]) if self.distinct == 1 else None

    @cached_property
    def counts(self) -> dict[str, int]:
        """Values → rows, the most frequent first."""
        counts = self.values.drop_nulls().alias("value").value_counts()
        return dict(counts.sort("count", "value", descending=[True, False]).iter_rows())

    @cached_property
    def words(self) -> float:
        """Share of the values that are no numbers in any notation; 0 where it is dirt alone."""
        texts = self.values.drop_nulls()
        read = texts.filter(texts.str.contains("[0-9]"))
        if texts.is_empty():
            return 0.0
        share = 1 - _read_as_numbers(read) / len(texts)
        return share if share > 1 - MOSTLY else 0.0

    @cached_property
    def patterns(self) -> dict[str, float]:
        """The commonest patterns of values → share of the values."""
        shapes = (
            self.values.drop_nulls()
            .str.replace_all(r"\p{Nd}+", "9")
            .str.replace_all(r"\p{L}+", "a")
            .str.slice(0, LONGEST_PATTERN)
            .alias("shape")
        )
        counts = shapes.value_counts().sort("count", "shape", descending=[True, False])
        return {
            shape: rows / max(1, self.filled)
            for shape, rows in counts.head(MOST_PATTERNS).iter_rows()
        }

    @cached_property
    def as_numbers(self) -> str:
        """What identifiers that look like numbers would lose as numbers; empty where nothing."""
        texts = self.values.drop_nulls()
        if texts.is_empty() or share_of(texts, NUMERIC) < MOSTLY:
            return ""
        said = []
        if zeros := int(texts.str.contains("^0[0-9]").sum()):
            said.append(f"{zeros:,} begin with a zero")
        large = texts.filter(texts.str.contains("^[0-9]{16,}$"))
        if exact := sum(int(text) > LARGEST_FLOAT for text in large):
            said.append(f"{exact:,} are above 2^53, which a float does not hold exactly")
        if cut := rounded([texts]):
            said.append(f"{cut:,} lack their last digits, which a spreadsheet has cut off")
        if points := int(texts.str.contains(r"^[+-]?[0-9]+\.0*$").sum()):
            said.append(f"{points:,} are whole numbers written as fractions")
        return "; ".join(said)


def profile(name: str, delivered: pl.Series) -> ColumnProfile:
    """What a column of text holds."""
    frame = delivered.alias("text").to_frame()
    stripped = frame.select(text=without_blanks(pl.col("text"))).to_series()
    values = stripped.to_frame().select(without_null_words(pl.col("text"))).to_series()
    kind, looks_like = _kind(values)
    return ColumnProfile(
        name,
        values.alias(name),
        kind,
        null_words(stripped.drop_nulls()),
        int((delivered != stripped).sum()),
        looks_like,
    )


def _kind(values: pl.Series) -> tuple[Kind, str]:
    texts = values.drop_nulls()
    if texts.is_empty():
        return "empty", ""
    if texts.str.to_lowercase().is_in([*YES, *NO]).all() and not texts.is_in(["0", "1"]).all():
        return "yes/no", ""
    if _mostly(texts, r"^[+-]?[0-9]+(?:\.0*)?$"):
        return "whole numbers", ""
    if _mostly(texts, r"^\s*[\[{]"):
        return "lists or objects", ""
    if _numbers(texts):
        return "numbers", ""
    for what, pattern in _KINDS_OF_TEXT.items():
        if _mostly(texts, pattern):
            return "text", what
    return "text", ""


def share_of(texts: pl.Series, pattern: str) -> float:
    """Share of texts that a regular expression finds something in; 0 of none."""
    return int(texts.str.contains(pattern).sum()) / max(1, len(texts))


def _mostly(texts: pl.Series, pattern: str) -> bool:
    return share_of(texts, pattern) >= MOSTLY


def _numbers(texts: pl.Series) -> bool:
    """Whether texts are numbers in some notation, currencies and separators included."""
    if not _mostly(texts.head(100), "[0-9]"):
        return False
    return _read_as_numbers(texts) >= MOSTLY * len(texts)


def _read_as_numbers(texts: pl.Series) -> int:
    """How many texts are numbers in some notation."""
    notation = number_format([texts], currency=tuple(currencies(texts)) or None)
    if notation.doubtful:  # 1,234: a number in both notations, whichever it is
        return int(texts.str.contains(_DOUBTFUL).sum())
    return read_numbers(texts, notation).count()
