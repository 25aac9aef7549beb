"""Delivered text as the types that the raw tables' contracts ask for.

Belongs here: reading dates and yes/no out of text, and what happens when that fails. Does not
belong here: numbers and times, which are decided over whole sections (`delivered_values.py`).
"""

from collections.abc import Callable

import polars as pl

from persona_assets.errors import UserError
from persona_assets.tables.contract import Column, Table, Type

YES = ("true", "t", "yes", "y", "1")
NO = ("false", "f", "no", "n", "0")


def _boolean(text: pl.Expr) -> pl.Expr:
    word = text.str.to_lowercase()
    return pl.when(word.is_in(YES)).then(True).when(word.is_in(NO)).then(False)


def _date(text: pl.Expr) -> pl.Expr:
    # ISO 8601: the day of `2024-05-13T10:00:00` is its first ten characters, in whatever zone.
    return text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)


READINGS: dict[Type, tuple[Callable[[pl.Expr], pl.Expr], str]] = {
    "bool": (_boolean, f"one of {', '.join((*YES, *NO))}"),
    "date": (_date, "a date such as 2024-05-13"),
}


def typed(frame: pl.DataFrame, column: Column, *, strict: bool) -> pl.Series:
    """One text column as the type that its contract asks for.

    A text that cannot be read is dirt and becomes null, which the mart rejects where it matters
    (a consent that cannot be read is no consent). It is an error where nothing else in the column
    can be read either, for then the mapping is wrong; and, if `strict`, always.

    Args:
        frame: delivered text columns, and `place`, which says where each row comes from.
        column: contract of the column.
        strict: for tables without a quarantine (users, products).

    Returns:
        (rows,) values of the contract's type.

    Raises:
        UserError: see above; the text names place, column, value and what was expected.
    """
    if column.type == "string":
        return frame[column.name]
    read, wanted = READINGS[column.type]
    values = frame.select(read(pl.col(column.name)).alias(column.name)).to_series()
    lost = frame.filter(frame[column.name].is_not_null() & values.is_null())
    if len(lost) and (strict or values.null_count() == len(values)):
        translate = ""
        if column.type == "bool":
            word = lost[column.name][0]
            translate = f", or say what it means in the section's [values.{column.name}]: "
            translate += f'"{word}" = true or false'
        raise UserError(
            f"{lost['place'][0]}: {column.name} is {lost[column.name][0]!r}, not {wanted}; "
            f"correct the file or the mapping{translate}"
        )
    return values


def refuse_other_than(frame: pl.DataFrame, column: Column, section: str) -> None:
    """Checks that a required column holds nothing but the values that its contract allows.

    Raises:
        UserError: names place, column, value and the allowed values.
    """
    allowed = column.allowed or ()
    wrong = frame.filter(~pl.col(column.name).is_in(allowed).fill_null(False))
    if len(wrong):
        raise UserError(
            f"{wrong['place'][0]}: {column.name} is {wrong[column.name][0]!r}, which is none of "
            f"{', '.join(allowed)}; translate it in [{section}.values.{column.name}]"
        )


def in_contract(
    rows: pl.DataFrame, table: Table, *, strict: bool, may_be_empty: bool = False
) -> pl.DataFrame:
    """The contract's columns in its types; columns that we added have theirs already.

    Args:
        rows: text columns under our names, columns that have their type already, and `place`.
        table: the contract.
        strict: see `typed`.
        may_be_empty: an empty cell of a column that must have a value says that it is as before.

    Raises:
        UserError: see `typed` and `refuse_other_than`.
    """
    for column in table.columns:
        if column.allowed and not column.nullable:
            stated = rows.drop_nulls(column.name) if may_be_empty else rows
            refuse_other_than(stated, column, table.name)
    return rows.select(
        rows[column.name]
        if rows.schema[column.name] == table.polars_schema[column.name]
        else typed(rows, column, strict=strict)
        for column in table.columns
    )
