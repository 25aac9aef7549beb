"""How the synthetic shop records what happened: in raw columns, events with planted dirt.

Belongs here: the kinds of dirt, their shares, and the count of what was planted. Does not belong
here: recognising dirt; cleaning must find it without this module's help.

A row gets at most one kind of dirt, so that every count is exact.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import polars as pl

REJECTED = {
    "exact_duplicate": 0.004,
    "missing_user": 0.005,
    "missing_product": 0.003,
    "unknown_product": 0.003,
    "negative_price": 0.002,
    "implausible_timestamp": 0.002,
}
"""Shares of rows for which cleaning must reject a row, by the rule (`tables/mart.py`) that does.
For `exact_duplicate` the rejected row is an added copy."""
NORMALISED = {
    "late_arrival": 0.008,
    "other_time_zone": 0.010,
    "other_date_format": 0.010,
}
"""Shares of rows that are unusual but right, so that cleaning must keep them."""
NO_CONSENT_RULE = "no_consent"
OUTCOMES = (*REJECTED, NO_CONSENT_RULE, *NORMALISED)
CLEAN = "clean"

ISO = "%Y-%m-%dT%H:%M:%S%.6f"
OFFSET_HOURS = (2, -5)
"""Time zones of the rows that are written in another one."""
DELAY_S = (0.2, 5.0)
"""Seconds from a punctual event to its arrival."""
LATE_DAYS = (1.0, 3.0)
"""Days from a late event to its arrival: at least one, so never on the event's own day."""
FUTURE_DAYS = (2 * 365, 10 * 365)
"""Clocks that run ahead do so by years: no tolerance for small skew can excuse them."""


def _kinds(rng: np.random.Generator, rows: int) -> pl.Series:
    """The dirt of each row, or `clean`."""
    shares = REJECTED | NORMALISED
    names = pl.Series([*shares, CLEAN], dtype=pl.String)
    return names.gather(np.searchsorted(np.cumsum(list(shares.values())), rng.random(rows)))


def _is(kind: str) -> pl.Expr:
    return pl.col("dirt") == kind


def _timestamp() -> pl.Expr:
    """Event time as text: ISO 8601 in UTC, or what the row's dirt makes of it."""
    time = pl.col("event_ts")
    offset = pl.col("offset_hours")
    ahead = time + pl.duration(days="future_days")
    shifted = (time + pl.duration(hours=offset)).dt.strftime(ISO)
    zone = pl.when(offset > 0).then(pl.lit("+0")).otherwise(pl.lit("-0"))
    zoned = pl.format("{}{}{}:00", shifted, zone, offset.abs())
    foreign = (
        pl.when("as_unix")
        .then(time.dt.epoch("s").cast(pl.String))
        .otherwise(time.dt.strftime("%d/%m/%Y %H:%M:%S"))
    )
    return (
        pl.when(_is("other_time_zone"))
        .then(zoned)
        .when(_is("other_date_format"))
        .then(foreign)
        .when(_is("implausible_timestamp"))
        .then(ahead.dt.strftime(f"{ISO}Z"))
        .otherwise(time.dt.strftime(f"{ISO}Z"))
    )


def _arrived_at(day: date) -> pl.Expr:
    """Seconds after the event, but still on `day`; or, when late, days after it."""
    delay_us = (pl.col("delay_s") * 1e6).cast(pl.Int64)
    late_us = (pl.col("late_days") * 86_400e6).cast(pl.Int64)
    midnight = pl.lit(day + timedelta(days=1)).cast(pl.Datetime("us", "UTC"))
    punctual = pl.col("event_ts") + pl.duration(microseconds=delay_us)
    late = pl.col("event_ts") + pl.duration(microseconds=late_us)
    return (
        pl.when(_is("late_arrival"))
        .then(late)
        .otherwise(pl.min_horizontal(punctual, midnight - pl.duration(microseconds=1)))
    )


def soil(events: pl.DataFrame, rng: np.random.Generator, day: date) -> pl.DataFrame:
    """Raw rows of a day's true events, in order of arrival, with what must become of each.

    Args:
        events: `Day.events` of `behaviour.py`.
        rng: the day's stream of dirt.
        day: the day of all events.

    Returns:
        Columns of `raw/events`, and `outcome`: one of `OUTCOMES`, or `clean`.
    """
    rows = events.height
    recorded = events.with_columns(
        dirt=_kinds(rng, rows),
        offset_hours=pl.Series(rng.choice(OFFSET_HOURS, rows)),
        as_unix=pl.Series(rng.random(rows) < 0.5),
        future_days=pl.Series(rng.integers(*FUTURE_DAYS, rows)),
        delay_s=pl.Series(rng.uniform(*DELAY_S, rows)),
        late_days=pl.Series(rng.uniform(*LATE_DAYS, rows)),
        copy=pl.lit(False),
    ).with_columns(
        timestamp=_timestamp(),
        arrived_at=_arrived_at(day),
        user_id=pl.when(~_is("missing_user")).then("user_id"),
        # No catalogue identifier begins with "gone-".
        product_id=pl.when(_is("unknown_product"))
        .then(pl.concat_str(pl.lit("gone-"), "product_id"))
        .when(~_is("missing_product"))
        .then("product_id"),
        unit_price=pl.when(_is("negative_price"))
        .then(-pl.col("unit_price"))
        .otherwise("unit_price"),
        quantity_text=pl.lit(None, pl.String),
        unit_price_text=pl.lit(None, pl.String),
    )
    copies = recorded.filter(_is("exact_duplicate")).with_columns(copy=pl.lit(True))
    outcome = (
        pl.when("copy")
        .then(pl.lit("exact_duplicate"))
        .when(~pl.col("consent"))
        .then(pl.lit(NO_CONSENT_RULE))
        .when(_is("exact_duplicate"))
        .then(pl.lit(CLEAN))
        .otherwise("dirt")
    )
    return (
        pl.concat([recorded, copies])
        .sort("arrived_at", "event_id", "copy")
        .with_columns(event_date=pl.lit(day), source_row=pl.int_range(pl.len()), outcome=outcome)
    )


def record_orders(events: pl.DataFrame, day: date) -> pl.DataFrame:
    """Rows of `raw/orders`: the purchases among a day's true events, without dirt."""
    return events.filter(pl.col("event_type") == "purchase").with_columns(
        event_date=pl.lit(day),
        source_row=pl.int_range(pl.len()),
        timestamp=pl.col("event_ts").dt.strftime(f"{ISO}Z"),
        status=pl.lit("completed"),
    )


def record_searches(searches: pl.DataFrame, day: date) -> pl.DataFrame:
    """Rows of `raw/search_logs`: a day's true searches, without dirt."""
    return searches.with_columns(
        event_date=pl.lit(day),
        source_row=pl.int_range(pl.len()),
        timestamp=pl.col("event_ts").dt.strftime(f"{ISO}Z"),
        # Written by the search service itself, at the moment of the search.
        arrived_at=pl.col("event_ts"),
    )


def tally(outcomes: Iterable[pl.Series]) -> dict[str, int]:
    """Rows per outcome (0 where there is none), `raw_rows` and `clean_rows`.

    `clean_rows` are the rows that must reach the mart, those of `NORMALISED` included.
    """
    counts = dict.fromkeys(OUTCOMES, 0)
    raw_rows = 0
    for series in outcomes:
        raw_rows += len(series)
        for name, count in series.value_counts().iter_rows():
            if name != CLEAN:
                counts[name] += count
    rejected = sum(counts[name] for name in (*REJECTED, NO_CONSENT_RULE))
    return counts | {"raw_rows": raw_rows, "clean_rows": raw_rows - rejected}
