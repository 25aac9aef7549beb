"""From one delivery of people or products after another to the history of what was known of them.

Belongs here: what a delivery adds to a history. Does not belong here: choosing from a history
(`transforms/attribute_history.py`), reading files, or the clock: the arrival is an argument.

A source delivers its newest state. A row that differs from the one known before closes it and
holds from the arrival on; a row that is no longer delivered is closed. A delivery in which nothing
changed adds nothing, so a history grows with changes and not with deliveries. Rows of the first
delivery hold from the beginning, since nobody can say what was known before.

Where a source dates its rows, the dates take the place of arrivals, as the time of an event does
where a source names no arrival: a person or product that is new holds from its own first day
(`signup_date`, `launch_date`), and a source that delivers dated states (`DatedAttributes`) gives
the whole history itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from persona_assets.errors import DataError
from persona_assets.sources.protocol import DatedAttributes, Source
from persona_assets.tables.raw import BEGINNING

FIRST_DAY: Mapping[str, str] = {"user_id": "signup_date", "product_id": "launch_date"}
"""Identifier → the attribute that says since when the shop has known it."""
_INSTANT = pl.Datetime("us", "UTC")
_DATES = ("valid_from", "valid_to")


@dataclass(frozen=True)
class Changes:
    """What a delivery changed in a history.

    Attributes:
        new: identifiers that were never known before.
        changed: identifiers of which something else is known than before.
        gone: identifiers that are no longer delivered.
        since: earliest instant of which something else is known now; None: nothing changed.
            Whatever was made from what was known by then stays as it is.
    """

    new: int
    changed: int
    gone: int
    since: datetime | None


def user_history(known: pl.DataFrame, source: Source, arrival: datetime) -> pl.DataFrame:
    """Rows of `raw/user_history` after the source has delivered its people at `arrival`.

    `known` are its rows before; empty: there was no delivery yet.
    """
    dated = source.dated_users() if isinstance(source, DatedAttributes) else None
    if dated is not None:
        return after_dated_delivery(known, dated, arrival)
    return after_delivery(known, source.users(), arrival)


def product_history(known: pl.DataFrame, source: Source, arrival: datetime) -> pl.DataFrame:
    """Rows of `raw/product_history` after the source has delivered its products at `arrival`.

    `known` are its rows before; empty: there was no delivery yet.
    """
    dated = source.dated_products() if isinstance(source, DatedAttributes) else None
    if dated is not None:
        return after_dated_delivery(known, dated, arrival)
    return after_delivery(known, source.products(), arrival)


def after_delivery(known: pl.DataFrame, delivered: pl.DataFrame, arrival: datetime) -> pl.DataFrame:
    """The history after a delivery of the whole newest state.

    Args:
        known: rows of `raw/user_history` or `raw/product_history`; empty: this is the first
            delivery.
        delivered: rows of `raw/users` or `raw/products`.
        arrival: when the delivery arrived.

    Returns:
        Rows of the history, sorted by its key. What was known before `arrival` is in it unchanged.

    Raises:
        DataError: an identifier is delivered twice.
    """
    key = known.columns[0]
    _refuse_repeats(delivered, key)
    attributes = [name for name in delivered.columns if name != key]
    holding = known.filter(pl.col("valid_to").is_null())
    named = {name: f"_delivered_{name}" for name in attributes}
    compared = holding.join(
        delivered.rename(named).with_columns(_delivered=True), on=key, how="left"
    ).with_columns(
        _same=pl.col("_delivered").fill_null(False)
        & pl.all_horizontal(pl.col(name).eq_missing(pl.col(other)) for name, other in named.items())
    )
    same = compared.filter("_same").select(known.columns)
    replaced = compared.filter(~pl.col("_same"))
    arrived = pl.lit(arrival, _INSTANT)
    # A row that was to hold from later on was known at no time: what replaces it takes its place.
    closed = replaced.filter(pl.col("valid_from") < arrived).with_columns(valid_to=arrived)
    first_day = pl.col(FIRST_DAY[key]).cast(_INSTANT)
    otherwise = pl.lit(BEGINNING, _INSTANT) if known.is_empty() else arrived
    begun = (
        delivered.join(same, on=key, how="anti")
        .join(known.select(key).unique().with_columns(_known=True), on=key, how="left")
        .join(replaced.select(key, _replaces="valid_from"), on=key, how="left")
        .with_columns(
            valid_from=pl.when("_known")
            .then(pl.max_horizontal(arrived, "_replaces"))
            .otherwise(pl.max_horizontal(pl.coalesce(first_day, otherwise), BEGINNING)),
            valid_to=pl.lit(None, _INSTANT),
        )
    )
    over = known.filter(pl.col("valid_to").is_not_null())
    parts = [frame.select(known.columns) for frame in (over, same, closed, begun)]
    return pl.concat(parts).sort(key, "valid_from")


def after_dated_delivery(
    known: pl.DataFrame, delivered: pl.DataFrame, arrival: datetime
) -> pl.DataFrame:
    """The history after a delivery of dated states.

    Of each identifier that is delivered, the delivery is the whole history: each state holds until
    the next one of other content. What a state leaves empty is as it was in the one before.

    Args:
        known: as in `after_delivery`.
        delivered: columns of `raw/users` or `raw/products`, and `valid_from`; null: the state holds
            from the beginning.
        arrival: when the delivery arrived; identifiers that it lacks are closed at it.

    Returns:
        As `after_delivery`.

    Raises:
        DataError: an identifier has two states that hold from the same instant.
    """
    key = known.columns[0]
    attributes = [name for name in known.columns if name not in (key, *_DATES)]
    beginning = pl.lit(BEGINNING, _INSTANT)
    dated = delivered.with_columns(
        valid_from=pl.max_horizontal(pl.col("valid_from").fill_null(beginning), beginning)
    )
    _refuse_repeats(dated, key, "valid_from")
    states = dated.sort(key, "valid_from").with_columns(
        pl.col(attributes).forward_fill().over(key, order_by="valid_from")
    )
    differs = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift(1)).over(key, order_by="valid_from")
        for name in attributes
    )
    chained = states.filter(differs | pl.col(key).is_first_distinct()).with_columns(
        valid_to=pl.col("valid_from").shift(-1).over(key, order_by="valid_from")
    )
    others = known.join(chained, on=key, how="anti")
    holding = pl.col("valid_to").is_null()
    arrived = pl.lit(arrival, _INSTANT)
    gone = others.filter(~holding | (pl.col("valid_from") < arrived)).with_columns(
        valid_to=pl.when(holding).then(arrived).otherwise("valid_to")
    )
    parts = [frame.select(known.columns) for frame in (gone, chained)]
    return pl.concat(parts).sort(key, "valid_from")


def changes(before: pl.DataFrame, after: pl.DataFrame) -> Changes:
    """What is different between two states of a history.

    Args:
        before: rows of a history.
        after: rows of the same history after a delivery.
    """
    key = before.columns[0]
    both = pl.concat([before, after])
    different = both.filter(pl.struct(pl.all()).is_unique())
    # A row that only ends elsewhere is there twice; the earlier end is where knowledge differs.
    ends_elsewhere = pl.len() == 2
    since = (
        different.group_by(pl.exclude("valid_to"))
        .agg(pl.col("valid_to").min(), _ends_elsewhere=ends_elsewhere)
        .select(pl.when("_ends_elsewhere").then("valid_to").otherwise("valid_from").min())
        .item()
    )
    ids = different[key].unique()
    held, holds = (
        frame.filter(pl.col("valid_to").is_null())[key].unique() for frame in (before, after)
    )
    new = ids.filter(~ids.is_in(before[key].unique().implode()))
    gone = ids.filter(ids.is_in(held.implode()) & ~ids.is_in(holds.implode()))
    return Changes(len(new), len(ids) - len(new) - len(gone), len(gone), since)


def _refuse_repeats(rows: pl.DataFrame, *columns: str) -> None:
    repeats = rows.filter(pl.struct(columns).is_duplicated())
    if repeats.height:
        raise DataError(
            f"{repeats.height} delivered rows agree in {', '.join(columns)}; a source must deliver "
            "one row for each"
        )
