"""What a mapping says about a file's columns beyond their names.

Belongs here: values without blanks and null words, rows that are of another section, columns that
come from the first of several that has a value or that a file may lack, cells that mean "as in the
row above". Does not belong here: finding files and reading them (`delivered_rows.py`, `reading`),
numbers and times (`delivered_values.py`).

All functions take and give text columns and keep `place`, which says where each row comes from;
`header` are all columns of the file, for error texts.
"""

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.event_flags import flagged
from persona_assets.sources.mapping import FillDown, TableMapping
from persona_assets.sources.null_words import NO_ORDER, without_blanks, without_null_words
from persona_assets.sources.reading.headers import listed
from persona_assets.sources.time_parts import joined

_DESCRIPTIONS = ("name", "category", "brand", "country", "query")
_MAY_BE_MEANT = ("na",)
"""Null words that a text may mean: NA is Namibia."""


def of_the_section(
    text: pl.DataFrame, mapping: TableMapping, file: str, header: Sequence[str]
) -> pl.DataFrame:
    """The rows that the section is about, by `where`.

    Raises:
        UserError: the file lacks a column of `where`.
    """
    for column, values in mapping.where.items():
        if column not in text.columns:
            raise UserError(_no_column(header, mapping, file, (column,), "where"))
        text = text.filter(without_blanks(pl.col(column)).is_in(values))
    return text


def in_our_columns(
    text: pl.DataFrame, mapping: TableMapping, file: str, header: Sequence[str]
) -> pl.DataFrame:
    """The mapped columns under our names, each from the first of its columns that has a value.

    Blanks around values are no part of them, and null words are no values; `0` is no order.

    Raises:
        UserError: the file has none of the columns of one that it may not lack.
    """
    ours = {}
    for name, first in mapping.columns.items():
        if name in mapping.parts:
            ours[name] = _of_parts(text, name, mapping, file, header)
            continue
        theirs = (first, *mapping.alternatives.get(name, ()))
        there = [
            _value(pl.col(column), name, mapping) for column in theirs if column in text.columns
        ]
        if not there and name not in mapping.optional_columns:
            raise UserError(_no_column(header, mapping, file, theirs, name))
        ours[name] = pl.coalesce(there) if there else pl.lit(None, pl.String)
    rows = text.select("place", **ours)
    return rows.drop_nulls(list(mapping.table.key)) if mapping.skip_without_key else rows


def _of_parts(
    text: pl.DataFrame, name: str, mapping: TableMapping, file: str, header: Sequence[str]
) -> pl.Expr:
    """A time that stands in several columns, or a kind of event that several flags say."""
    for column in mapping.parts[name].values():
        if column not in text.columns:
            raise UserError(_no_column(header, mapping, file, (column,), name))
    values = {
        part: _value(pl.col(column), name, mapping) for part, column in mapping.parts[name].items()
    }
    return flagged(values) if name == "event_type" else joined(values)


def _value(text: pl.Expr, name: str, mapping: TableMapping) -> pl.Expr:
    """A delivered value of one of our columns, translated; null: it says that there is none."""
    translations = {theirs.strip(): ours for theirs, ours in mapping.values.get(name, {}).items()}
    translated = {theirs.lower() for theirs in translations}
    words = [word for word in mapping.null_words if word.lower() not in translated]
    if name in _DESCRIPTIONS:
        words = [word for word in words if word.lower() not in _MAY_BE_MEANT]
    value = without_null_words(without_blanks(text), words)
    if translations:
        value = value.replace(translations)
        value = pl.when(value != "").then(value)  # translated to nothing: the next alternative
    if name == "order_id":
        value = pl.when(~value.str.contains(NO_ORDER)).then(value)
    return value


def refuse_nested(nested: Mapping[str, Sequence[str]], mapping: TableMapping, file: str) -> None:
    """Refuses a column of objects or lists that is mapped without a path into it.

    Raises:
        UserError: there is one; the text says which paths there are.
    """
    for ours, first in mapping.columns.items():
        for theirs in (first, *mapping.alternatives.get(ours, ())):
            if theirs in nested:
                paths = list(nested[theirs])
                example = f'write one of them, as in {ours} = "{paths[0]}"' if paths else "map none"
                raise UserError(
                    f"{file}: [{mapping.section}] maps {ours} to {theirs!r}, which holds objects "
                    f"or lists; its paths are {paths}; {example}"
                )


def without_field(absent: Collection[str], mapping: TableMapping) -> frozenset[str]:
    """Our columns whose field no row has, of those that may not be lacking."""
    return frozenset(
        ours
        for ours, first in mapping.columns.items()
        if ours not in mapping.optional_columns
        and {first, *mapping.alternatives.get(ours, ())} <= set(absent)
    )


def no_field(file: str, mapping: TableMapping, ours: str) -> str:
    """What to say where no row of any file has the field of a column."""
    theirs = (mapping.columns[ours], *mapping.alternatives.get(ours, ()))
    names = " or ".join(repr(name) for name in theirs)
    return (
        f"{file} has no column {names} in any row, to which [{mapping.section}] maps {ours}; "
        "correct the mapping or the file"
    )


def filled_down(rows: pl.DataFrame, rule: FillDown | None) -> pl.DataFrame:
    """Empty cells filled from the row above, within the rows of one `by` of one file.

    Rows whose `by` is empty belong to nobody and are filled from none.
    """
    if rule is None:
        return rows
    known = pl.col(rule.by).is_not_null()
    return rows.with_columns(
        pl.when(known)
        .then(pl.col(name).forward_fill().over(rule.by))
        .otherwise(pl.col(name))
        .alias(name)
        for name in rule.columns
    )


def _no_column(
    header: Sequence[str], mapping: TableMapping, file: str, theirs: tuple[str, ...], ours: str
) -> str:
    names = " or ".join(repr(name) for name in theirs)
    return (
        f"{file} has no column {names}, to which [{mapping.section}] maps {ours}; its columns are "
        f"{listed(header)}; correct the mapping or the file"
    )
