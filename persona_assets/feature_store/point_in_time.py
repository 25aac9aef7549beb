"""Joining features to entities as they were at a time: nothing later, nothing that came late.

Belongs here: the joins, over lazy Polars frames of any size. Does not belong here: which rows of
the lake they are given (`historical_features.py`), what a view says of its rows (`registry.py`).

Of the rows of an entity that are valid and known at the entity's time and not older than the time
to live, the one that counts is that which became valid last; of several that did at the same time,
the one that became known last (a correction), then the last by the columns `tie`.

Times are int64 microseconds from 1970-01-01 00:00 UTC in columns of the names below.
"""

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

AT = "_at"
"""Of an entity: the time at which it is described; null is described by nothing."""
VALID = "_valid"
"""Of a row: from when on it describes its entity."""
KNOWN = "_known"
"""Of a row: from when on it could have been used."""

_USABLE, _RANK, _PERIOD, _PLACE = "_usable", "_rank", "_period", "_place"
RESERVED = (AT, VALID, KNOWN, _USABLE, _RANK, _PERIOD, _PLACE)
"""Names that no column of entities may have."""
_MONDAY = timedelta(days=4)
"""The first Monday, from 1970-01-01, a Thursday. Weeks begin with it; so do some days."""


def join_snapshots(
    entities: pl.LazyFrame,
    rows: pl.LazyFrame,
    *,
    key: str,
    features: Sequence[str],
    period: timedelta,
) -> pl.LazyFrame:
    """`entities` with the features of the snapshot of the period that their time lies in.

    This is `join_latest` for rows that are valid and known at the same time, at the start of a
    period (a whole number of days, from a Monday), and whose time to live is one period: then there
    is one row, if any, and finding it takes no sorting.

    Args:
        entities: any columns, with `key` and `AT`; their order is kept.
        rows: `key`, `VALID` and `features`; one row an entity and period at most.
        key: column of the entity's identifier in both.
        features: columns of `rows` to be added; null where no row counts.
        period: from one snapshot to the next.
    """
    number = _micros(period)
    numbered = rows.select(
        pl.col(key), ((pl.col(VALID) - _micros(_MONDAY)) // number).alias(_PERIOD), *features
    )
    return (
        entities.with_columns(((pl.col(AT) - _micros(_MONDAY)) // number).alias(_PERIOD))
        .join(numbered, on=[key, _PERIOD], how="left", maintain_order="left")
        .drop(_PERIOD)
    )


def join_latest(
    entities: pl.LazyFrame,
    rows: pl.LazyFrame,
    *,
    key: str,
    features: Sequence[str],
    time_to_live: timedelta,
    tie: Sequence[str] = (),
) -> pl.LazyFrame:
    """`entities` with the features of the newest row that counts at their time.

    A row can be used from the later of its two times on. In the order of that time, a row that is
    older than one before it is never looked at: whoever could use it has a newer one. What is left
    grows in both times, so that the last usable row of an entity is the newest one.

    Args:
        entities: any columns, with `key` and `AT`; their order is kept.
        rows: `key`, `VALID`, `KNOWN`, `features` and `tie`, in any order.
        key: column of the entity's identifier in both.
        features: columns of `rows` to be added; null where no row counts.
        time_to_live: a row is used while it is younger than this.
        tie: columns that order rows of the same times; no two rows of an entity are equal in all.
    """
    given = entities.collect_schema().names()
    usable = (
        rows.filter(pl.col(key).is_not_null())
        .sort(VALID, KNOWN, *tie)
        .with_row_index(_RANK)
        .with_columns(pl.max_horizontal(VALID, KNOWN).alias(_USABLE))
        .sort(_USABLE, _RANK)
        .filter(pl.col(_RANK) == pl.col(_RANK).cum_max().over(key))
        .select(pl.col(key), pl.col(_USABLE), pl.col(VALID), *features)
        .unique([key, _USABLE], keep="last", maintain_order=True)
    )
    fresh = pl.col(AT) - pl.col(VALID) < _micros(time_to_live)
    return (
        entities.with_row_index(_PLACE)
        .sort(AT, nulls_last=False)
        .join_asof(
            usable,
            left_on=AT,
            right_on=_USABLE,
            by=key,
            strategy="backward",
            check_sortedness=False,
        )
        .with_columns(pl.when(fresh).then(pl.col(name)).alias(name) for name in features)
        .sort(_PLACE)
        .select(*given, *features)
    )


def _micros(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
