"""What was known of people and products at a given time, read from the histories in group `raw`.

Belongs here: choosing rows of `raw/user_history` and `raw/product_history` by time, on both
engines. Does not belong here: how a history comes about (`sources/attribute_deliveries.py`), or
events (`history.py`).

A row holds from `valid_from` until `valid_to` (null: until now); the rows of a person or product do
not overlap, but there may be gaps, in which the shop did not list it. As with events, what became
known at the very instant is not yet known at it: a cut-off sees what arrived before its midnight.
"""

from datetime import date, datetime

import narwhals as nw
import polars as pl

from persona_assets.tables.raw import BEGINNING
from persona_assets.transforms.history import Rows, midnight

VALID_FROM, VALID_TO = "valid_from", "valid_to"
_INSTANT = nw.Datetime("us", "UTC")


def as_known_at(history: Rows, at: date | datetime) -> Rows:
    """The state of everybody or everything as it was known at an instant, without its dates.

    Args:
        history: rows of `raw/user_history` or `raw/product_history`, perhaps with columns changed
            that are not its dates.
        at: a cut-off, of which the midnight (UTC) counts, or an instant. What became known at it
            or later is left out.

    Returns:
        One row per identifier that was known then, in no particular order.
    """
    instant = nw.lit(at if isinstance(at, datetime) else midnight(at), _INSTANT)
    known = nw.col(VALID_FROM) < instant
    holds = nw.col(VALID_TO).is_null() | (nw.col(VALID_TO) >= instant)
    if isinstance(history, pl.DataFrame):
        return nw.from_native(history).filter(known, holds).drop(VALID_FROM, VALID_TO).to_native()
    return history.filter(known, holds).drop(VALID_FROM, VALID_TO)


def newest(history: pl.DataFrame, key: str) -> pl.DataFrame:
    """The last known state of everybody or everything that ever was known, without its dates.

    Args:
        history: as in `as_known_at`.
        key: column of the identifier, by which the rows come sorted.
    """
    last = history.sort(key, VALID_FROM).unique(key, keep="last", maintain_order=True)
    return last.drop(VALID_FROM, VALID_TO)


def with_product_attribute(
    rows: nw.LazyFrame, products: nw.LazyFrame, attribute: str, *, extended: bool = False
) -> nw.LazyFrame:
    """Adds an attribute of each row's product as it was known at the end of the row's day.

    A row's value depends on its own day alone, whichever days are computed together, and later
    changes do not move it. The frame is joined once.

    Args:
        rows: any rows with `product_id` and `event_date`.
        products: rows of `raw/product_history`; without dates, as in `raw/products`, they hold at
            all times.
        attribute: column of `products` to add; null where nothing was known.
        extended: also use the first known state for the time before it, and the last one for the
            time after, so that the value is null only for products that are never known.

    Returns:
        `rows` with one more column, each row once.
    """
    if VALID_FROM not in products.collect_schema():
        always = products.group_by("product_id").agg(nw.col(attribute).min())
        return rows.join(always, on="product_id", how="left")
    periods = _periods(products, attribute, extended=extended)
    day = nw.col("event_date")
    begun = nw.col("_since").is_null() | (nw.col("_since") <= day)
    not_over = nw.col("_until").is_null() | (day < nw.col("_until"))
    # The periods of a product cover all days, so exactly one matches.
    return (
        rows.join(periods, on="product_id", how="left")
        .filter(begun, not_over)
        .drop("_since", "_until")
    )


def _periods(products: nw.LazyFrame, attribute: str, *, extended: bool) -> nw.LazyFrame:
    """`product_id, attribute, _since, _until`: days on which the attribute is the same.

    They cover all time, from the first (`_since` null) to the last (`_until` null). Two changes on
    one day leave a period without days between them.
    """
    ordered = {"order_by": VALID_FROM}
    states = products.select("product_id", attribute, VALID_FROM, VALID_TO).with_columns(
        _next=nw.col(VALID_FROM).shift(-1).over("product_id", **ordered),
        _before=nw.col(VALID_FROM).shift(1).over("product_id", **ordered),
    )
    begin = nw.lit(BEGINNING, _INSTANT)
    first = nw.col("_before").is_null()
    points = states.select("product_id", attribute, _at=VALID_FROM)
    if extended:
        points = states.select(
            "product_id",
            attribute,
            _at=nw.when(first).then(begin).otherwise(nw.col(VALID_FROM)),
        )
    else:
        missing = ~nw.col(VALID_TO).is_null() & (
            nw.col("_next").is_null() | (nw.col(VALID_TO) < nw.col("_next"))
        )
        unknown = {attribute: nw.lit(None, nw.String)}
        points = nw.concat(
            [
                points,
                states.filter(missing).select("product_id", **unknown, _at=VALID_TO),
                states.filter(first & (nw.col(VALID_FROM) > begin)).select(
                    "product_id", **unknown, _at=begin
                ),
            ]
        )
    return _constant(points.with_columns(_one=nw.lit(1)), attribute)


def _constant(points: nw.LazyFrame, attribute: str) -> nw.LazyFrame:
    """One period from each point at which the attribute becomes another, until the next one."""
    value, before = nw.col(attribute), nw.col("_value_before")
    same = (value == before).fill_null(False) | (value.is_null() & before.is_null())
    place = {"order_by": "_at"}
    changes = points.with_columns(
        _value_before=value.shift(1).over("product_id", **place),
        _place=nw.col("_one").cum_sum().over("product_id", **place),
    ).filter((nw.col("_place") == 1) | ~same)
    day = nw.col("_at").dt.date()
    return changes.select(
        "product_id",
        attribute,
        _since=nw.when(nw.col("_place") > 1).then(day),
        _until=day.shift(-1).over("product_id", **place),
    )
