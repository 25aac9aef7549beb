"""From a shop's way of writing times to the texts that the mart reads.

Belongs here: applying a mapping's zone, format or unit to delivered text. Does not belong here:
the texts that need no mapping; those are defined once in `transforms/timestamps.py`.
"""

import narwhals as nw
import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.local_time import iso_text, to_utc
from persona_assets.sources.mapping import TimeReading, Unit
from persona_assets.transforms.timestamps import parse_timestamps

MICROSECONDS: dict[Unit, int] = {"s": 1_000_000, "ms": 1_000, "us": 1}
LARGEST_COUNT = float(2**62)
"""Microseconds beyond this are no time, and would not fit the 64 bits of one."""

OWN_ZONE = r"(?:Z|[+-]\d{2}:?\d{2}|^\d+)$"
"""Texts that say their instant themselves: with `Z`, with an offset, or a Unix time."""


def instants(texts: pl.Series) -> pl.Series:
    """Instants that the mart reads from delivered texts; null where it reads none."""
    frame = nw.from_native(pl.LazyFrame({"text": texts}))
    read = nw.to_native(parse_timestamps(frame, "text", into="instant")).collect()
    return read.get_column("instant")


def as_the_mart_reads(texts: pl.Series, reading: TimeReading) -> pl.Series:
    """Delivered times as ISO 8601 in UTC, where the reading says more than the texts do.

    Without zone, format and unit every text passes as delivered. With one of them, texts that it
    explains are converted. A text that it does not explain passes as delivered too, for the mart
    to reject with its value; only where the mart would read it all the same (`03/04/2024 10:00`
    beside the format `%m/%d/%Y`), the reading is added in brackets, for what contradicts the
    mapping must not be taken for a time.

    Raises:
        UserError: the reading's format is not one.
    """
    if reading == TimeReading():
        return texts
    frame = pl.DataFrame({"text": texts})
    text = pl.col("text")
    if reading.unit is not None:
        instant, declared = _counted(reading.unit), f"Unix time in {reading.unit}"
    elif reading.format is not None:
        instant, declared = _formatted(frame, reading.format, reading.zone), reading.format
    else:
        return _in_zone(frame, reading.zone).alias(texts.name)
    contradicts = instants(texts).is_not_null()
    passed = pl.when(contradicts).then(text + f" (not {declared})").otherwise(text)
    return frame.select(time=pl.coalesce(iso_text(instant), passed)).to_series().alias(texts.name)


def _counted(unit: Unit) -> pl.Expr:
    count = pl.col("text").cast(pl.Float64, strict=False) * MICROSECONDS[unit]
    sane = pl.when(count.abs() < LARGEST_COUNT).then(count)
    return sane.round().cast(pl.Int64).cast(pl.Datetime("us", "UTC"))


def _formatted(frame: pl.DataFrame, pattern: str, zone: str) -> pl.Expr:
    parsed = pl.col("text").str.to_datetime(pattern, time_unit="us", strict=False)
    try:
        aware = frame.lazy().select(parsed).collect_schema().dtypes()[0].time_zone  # type: ignore[attr-defined]
        frame.select(parsed)
    except pl.exceptions.PolarsError as error:
        raise UserError(
            f"time.format = {pattern!r} is no format of times: {error}; "
            "write it as in '%d.%m.%Y %H:%M:%S'"
        ) from error
    return parsed if aware else to_utc(parsed, zone)


def _in_zone(frame: pl.DataFrame, zone: str) -> pl.Series:
    # A text without zone is read by the mart as UTC; its clock time is therefore the same.
    clock = instants(frame["text"]).dt.replace_time_zone(None).alias("clock")
    text = pl.col("text")
    converted = pl.when(~text.str.contains(OWN_ZONE)).then(iso_text(to_utc(pl.col("clock"), zone)))
    return frame.with_columns(clock).select(time=pl.coalesce(converted, text)).to_series()
