"""People and products as files describe them: several rows of one, and rows with dates.

Belongs here: which description of a person or product counts. Does not belong here: reading the
files (`delivered_rows.py`) and their values (`typed_columns.py`, `times/`), or how dated
descriptions become a history (`attribute_deliveries.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.attribute_deliveries import after_dated_delivery
from persona_assets.sources.delivered_rows import WHEN_UNMAPPED
from persona_assets.sources.delivered_times import read_times
from persona_assets.sources.mapping import TableMapping
from persona_assets.sources.typed_columns import in_contract
from persona_assets.sources.value_settings import TimeReading
from persona_assets.tables import raw
from persona_assets.tables.contract import Table
from persona_assets.transforms.attribute_history import VALID_FROM, as_known_at
from persona_assets.transforms.timestamps import AFTER_ALL, BEFORE_ALL

HISTORIES = {raw.USERS.name: raw.USER_HISTORY, raw.PRODUCTS.name: raw.PRODUCT_HISTORY}
_PLACE, _ROW = "place", "_row"
_NEVER = datetime(8999, 12, 31, tzinfo=UTC)
"""What is valid from 9999 on is a plan that never comes; the last year that every engine holds."""


def undescribed(identifiers: pl.Series, table: Table) -> pl.DataFrame:
    """Rows of `raw/users` or `raw/products` of whom or what nothing but identifiers is known.

    Args:
        identifiers: of the table's kind, as often as they occur.
        table: contract of the table.
    """
    key = table.key[0]
    distinct = pl.DataFrame(identifiers.drop_nulls().unique().sort()).with_columns(
        pl.lit(WHEN_UNMAPPED.get(column.name), column_type).alias(column.name)
        for column, column_type in zip(table.columns, table.polars_schema.values(), strict=True)
        if column.name != key
    )
    return distinct.select(table.polars_schema.names())


def described(
    delivered: pl.DataFrame, mapping: TableMapping, *, today: date
) -> tuple[pl.DataFrame, str]:
    """People or products, each described once, or once for each `valid_from`.

    Args:
        delivered: rows of the section under our names, and `place`.
        mapping: the section.
        today: the caller's day in UTC.

    Returns:
        The descriptions, and a note on those that were contradicted; empty: none was.

    Raises:
        UserError: a row has no identifier, or a value that its column cannot have.
    """
    table = mapping.table
    identified_by = [table.key[0]]
    has_dates = VALID_FROM in mapping.given
    rows = in_contract(delivered, table, strict=True, may_be_empty=has_dates)
    rows = rows.with_columns(delivered[_PLACE])
    refuse_missing(rows, table.key[0])
    if has_dates:
        texts = delivered[VALID_FROM]
        rows = dated(rows, texts, mapping.time, section=mapping.section, today=today)
        rows = carried_forward(rows, table, WHEN_UNMAPPED)
        identified_by.append(VALID_FROM)
    return one_description(rows, identified_by)


def refuse_missing(rows: pl.DataFrame, key: str) -> None:
    """Check that every row says whom or what it describes.

    Raises:
        UserError: one does not. It is named by its place: identifiers of people belong in no text.
    """
    missing = rows.filter(pl.col(key).is_null())
    if missing.height:
        raise UserError(f"{missing[_PLACE][0]}: {key} is missing; give it one or remove the row")


def one_description(rows: pl.DataFrame, identified_by: Sequence[str]) -> tuple[pl.DataFrame, str]:
    """One row for each identifier, of each attribute the value that most of its rows have.

    Of values that are equally frequent the last one counts, as files are written from old to new;
    empty cells say nothing.

    Args:
        rows: descriptions with their `place`, in the order of their delivery.
        identified_by: columns that are the identifier; for dated descriptions also `valid_from`.

    Returns:
        The rows without `place`, sorted by `identified_by`, and a note on those that were
        contradicted; empty: none was.
    """
    key = list(identified_by)
    attributes = [name for name in rows.columns if name not in (*key, _PLACE)]
    different = rows.unique([*key, *attributes], keep="first", maintain_order=True)
    contradicted = different.filter(pl.struct(key).is_duplicated())
    if contradicted.is_empty():
        return different.drop(_PLACE).sort(key), ""
    repeated = rows.join(contradicted.select(key).unique(), on=key, how="semi", nulls_equal=True)
    chosen = repeated.select(key).unique()
    for name in attributes:
        chosen = chosen.join(
            _most_frequent(repeated, key, name), on=key, how="left", nulls_equal=True
        )
    single = different.join(chosen, on=key, how="anti", nulls_equal=True).drop(_PLACE)
    first = contradicted[_PLACE][0]
    note = (
        f"{chosen.height:,} of {single.height + chosen.height:,} descriptions have several rows "
        f"that differ, the first in {first}; each column takes its most frequent value, or the "
        "last of equally frequent ones"
    )
    return pl.concat([single, chosen.select(single.columns)]).sort(key), note


def _most_frequent(rows: pl.DataFrame, key: list[str], name: str) -> pl.DataFrame:
    return (
        rows.with_row_index(_ROW)
        .drop_nulls(name)
        .group_by(*key, name)
        .agg(pl.len(), pl.col(_ROW).max())
        .sort("len", _ROW)
        .unique(key, keep="last", maintain_order=True)
        .select(*key, name)
    )


def carried_forward(
    rows: pl.DataFrame, table: Table, when_unknown: Mapping[str, str]
) -> pl.DataFrame:
    """Dated descriptions whose columns that must have a value have that of the one before.

    Args:
        rows: descriptions with `valid_from`; null: from the beginning.
        table: contract of the table.
        when_unknown: column → its value where none was ever delivered.
    """
    key = table.key[0]
    needed = [column.name for column in table.columns if column.allowed and not column.nullable]
    if not any(rows[name].null_count() for name in needed):
        return rows
    return rows.sort(key, VALID_FROM, nulls_last=False, maintain_order=True).with_columns(
        pl.col(name).forward_fill().over(key).fill_null(when_unknown.get(name)) for name in needed
    )


def newest_state(dated: pl.DataFrame, table: Table, today: date) -> pl.DataFrame:
    """Rows of `raw/users` or `raw/products` at the end of `today`, from dated descriptions.

    Args:
        dated: columns of the table, and `valid_from`; null: from the beginning.
        table: contract of the table.
        today: the caller's day in UTC; later descriptions are plans.
    """
    end = datetime.combine(today + timedelta(days=1), time(), UTC)
    history = after_dated_delivery(HISTORIES[table.name].empty(), dated, end)
    known = as_known_at(history, end)
    return known.select(table.polars_schema.names()).sort(table.key[0])


def dated(
    rows: pl.DataFrame, texts: pl.Series, reading: TimeReading, *, section: str, today: date
) -> pl.DataFrame:
    """Rows with `valid_from`, the instant from which each is valid; null: from the beginning.

    Dates before the year 1000 (`0001-01-01`, `0000-00-00`) mean the beginning, those after 8999
    (`9999-12-31`) a time that does not come.

    Args:
        rows: descriptions with their `place`.
        texts: (rows,) that instant as delivered, without blanks around it.
        reading: how the mapping says that times are written; where it does not, the whole column
            decides (`times.decision`).
        section: the mapping's section, for errors.
        today: the caller's day in UTC.

    Raises:
        UserError: a text is no time, or the column can be read in several ways.
    """
    always, never = (
        texts.str.contains(pattern).fill_null(False) for pattern in (BEFORE_ALL, AFTER_ALL)
    )
    texts = texts.set(always, None)
    instants = read_times(
        texts.set(never, None).alias(VALID_FROM),
        reading,
        section=section,
        today=today,
        places=rows[_PLACE],
    ).instants
    instants = instants.set(never, _NEVER)
    unread = instants.is_null() & texts.is_not_null()
    if unread.any():
        first = int(unread.arg_max() or 0)
        raise UserError(
            f"{rows[_PLACE][first]}: {VALID_FROM} is {texts[first]!r}, which is not a time; "
            "correct "
            f"the file, or say in [{section}.time] which format, unit or zone it has"
        )
    return rows.with_columns(instants.alias(VALID_FROM))
