"""Numbers, dates and times of a section, decided over all of its delivered rows.

Belongs here: which columns are decided together, what becomes of a text that cannot be read, and
what is said about it. Does not belong here: the notations (`numbers.py`, `times/`), blanks and null
words (`column_rules.py`), yes/no and the contract's remaining types (`typed_columns.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.delivered_times import as_the_mart_reads, read_times
from persona_assets.sources.mapping import TableMapping
from persona_assets.sources.numbers import (
    NumberFormat,
    looks_grouped,
    number_format,
    read_numbers,
)
from persona_assets.sources.shown_values import shown
from persona_assets.tables.contract import Column
from persona_assets.transforms.cleaning import LARGEST_NUMBER
from persona_assets.transforms.timestamps import AFTER_ALL, BEFORE_ALL

ADDED_BY_US = frozenset({"event_date", "source_row"})
TIMES = ("timestamp", "arrived_at")
_ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$"


@dataclass(frozen=True)
class DeliveredValues:
    """Rows whose numbers are numbers and whose times the mart reads, and what is to be said.

    `rows` has besides the columns of the section's table `instant` and `arrival` (timestamps; null
    where `timestamp` or `arrived_at` is no time), where the table has such columns.
    """

    rows: pl.DataFrame
    notes: tuple[str, ...] = ()


def read_values(rows: pl.DataFrame, mapping: TableMapping, *, today: date) -> DeliveredValues:
    """Read a section's numbers, dates and times.

    A number that cannot be read is null, and its text is in the column of that name (`quantity` and
    `quantity_text`), where the table has one.

    Args:
        rows: text columns under our names, without blanks around values and null words; `place`.
        mapping: the section.
        today: the caller's day in UTC.

    Raises:
        UserError: times are ambiguous or of several kinds; a number of a table without a quarantine
            cannot be read.
    """
    rows, number_notes = _with_numbers(rows, mapping)
    rows, day_notes = _with_days(rows, mapping, today)
    rows, time_notes = _with_times(rows, mapping, today)
    notes = (*number_notes, *day_notes, *time_notes)
    return DeliveredValues(rows, tuple(f"[{mapping.section}] {note}" for note in notes))


def _with_numbers(rows: pl.DataFrame, mapping: TableMapping) -> tuple[pl.DataFrame, list[str]]:
    columns = [
        column
        for column in mapping.table.columns
        if column.type in ("float64", "int64") and column.name not in ADDED_BY_US
    ]
    texts = [rows[column.name] for column in columns]
    if not columns or all(text.null_count() == len(text) for text in texts):
        empty = (pl.lit(None, mapping.table.polars_schema[each.name]) for each in columns)
        return rows.with_columns(
            each.alias(column.name) for each, column in zip(empty, columns, strict=True)
        ), []
    notation, notes = _notation(texts, mapping)
    for column, text in zip(columns, texts, strict=True):
        number = read_numbers(text, notation, priced=column.unit == "shop currency")
        if column.type == "int64":
            number = _whole(number)
        unread = text.is_not_null() & number.is_null()
        if column.name == "price":
            number, odd = _possible_prices(number, rows["place"])
            notes += odd
        rows = rows.with_columns(number.alias(column.name))
        if f"{column.name}_text" in mapping.table.polars_schema:
            kept = text.set(~unread, None).alias(f"{column.name}_text")
            rows = rows.with_columns(kept)
        elif unread.any():
            notes.append(_unread(rows, column, text, unread, mapping, notation))
    return rows, notes


def _whole(number: pl.Series) -> pl.Series:
    """Whole numbers that fit into 64 bits; null where one is not."""
    fits = (number == number.floor()) & (number.abs() < 2.0**62)
    return number.set(~fits.fill_null(False), None).cast(pl.Int64)


def _possible_prices(prices: pl.Series, places: pl.Series) -> tuple[pl.Series, list[str]]:
    """List prices that can be; others are taken for unknown, as they mean nothing to anybody."""
    odd = ((prices < 0) | (prices > LARGEST_NUMBER)).fill_null(False)
    if not odd.any():
        return prices, []
    note = (
        f"{odd.sum():,} prices are below 0 or above {LARGEST_NUMBER:.0f} and are ignored, first "
        f"{places[int(odd.arg_max() or 0)]}"
    )
    return prices.set(odd, None), [note]


def _notation(texts: Sequence[pl.Series], mapping: TableMapping) -> tuple[NumberFormat, list[str]]:
    """The notation of all numbers of the section, and what is to be said about it."""
    stated = mapping.numbers
    if stated.decimal is not None:
        return NumberFormat(stated.decimal, stated.thousands, stated.currency), []
    notation = number_format(texts, currency=stated.currency)
    notes = []
    if notation.evidence:
        notes.append(f"numbers are read with {notation.evidence}")
    if notation.doubtful:
        notes.append(
            f"numbers such as {shown(notation.undecided)} mean different amounts with a decimal "
            "point and with a decimal comma, and nothing delivered decides which; those are not "
            f'read: say decimal = "." or decimal = "," in [{mapping.section}.numbers]'
        )
    if stated.currency is None and len(notation.others) > 0:
        notes.append(
            f"prices are in several currencies (beside {', '.join(notation.currency or ('none',))} "
            f"also {', '.join(notation.others)}), which are not converted and not read; deliver "
            f"one, or name those that mean the same in [{mapping.section}.numbers] currency"
        )
    return notation, notes


def _unread(
    rows: pl.DataFrame,
    column: Column,
    text: pl.Series,
    unread: pl.Series,
    mapping: TableMapping,
    notation: NumberFormat,
) -> str:
    """What to say of numbers that the table has no column for the texts of.

    Raises:
        UserError: it is a table of people or products, in which nothing may be lost.
    """
    first = int(unread.arg_max() or 0)
    wanted = "a whole number" if column.type == "int64" else "a number such as 12.5"
    if notation.doubtful and looks_grouped(text[first]):
        wanted = "a number that can be read in one way only"
    said = f"{rows['place'][first]}: {column.name} is {shown(text[first])}, not {wanted}"
    mend = f"correct the file, or say in [{mapping.section}.numbers] how numbers are written"
    if mapping.section in ("users", "products"):
        raise UserError(f"{said}; {mend}")
    return f"{said} ({unread.sum()} such rows, treated as empty); {mend}"


def _with_days(
    rows: pl.DataFrame, mapping: TableMapping, today: date
) -> tuple[pl.DataFrame, list[str]]:
    """Dates without a clock as ISO 8601; what is none stays as it is, for its own error."""
    notes: list[str] = []
    for column in mapping.table.columns:
        if column.type != "date" or column.name not in mapping.given:
            continue
        text = rows[column.name]
        # `0000-00-00` and `9999-12-31` stand for "unknown": nobody signed up then.
        unknown = text.str.contains(BEFORE_ALL) | text.str.contains(AFTER_ALL)
        text = text.set(unknown.fill_null(False), None)
        rows = rows.with_columns(text)
        if text.drop_nulls().str.contains(_ISO_DAY).all():
            continue
        read = read_times(
            text, mapping.time, section=mapping.section, today=today, places=rows["place"]
        )
        day = read.instants.dt.to_string("%Y-%m-%d")
        rows = rows.with_columns(day.zip_with(day.is_not_null(), text).alias(column.name))
        notes += [f"{column.name} is {read.note}"] if read.note else []
    return rows, notes


def _with_times(
    rows: pl.DataFrame, mapping: TableMapping, today: date
) -> tuple[pl.DataFrame, list[str]]:
    notes: list[str] = []
    for name, into in zip(TIMES, ("instant", "arrival"), strict=True):
        if name not in mapping.given:
            continue
        text = rows[name]
        read = read_times(
            text, mapping.time, section=mapping.section, today=today, places=rows["place"]
        )
        kept = as_the_mart_reads(text, read)
        rows = rows.with_columns(kept, read.instants.alias(into))
        if read.note and not kept.equals(text):
            notes.append(f"{name} is {read.note}")
    return rows, notes
