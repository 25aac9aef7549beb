"""Wall-clock times of a zone as instants in UTC, and instants as ISO 8601 text.

Belongs here: the one rule for hours that a zone has twice or not at all. Does not belong here:
which text is a time (`delivered_times.py` and `transforms/timestamps.py`).
"""

import polars as pl

ISO_UTC = "%Y-%m-%dT%H:%M:%S%.fZ"
"""How sources write an instant; the fraction appears only where there is one."""


def to_utc(local: pl.Expr, zone: str) -> pl.Expr:
    """Instants of naive wall-clock times.

    Where clocks go back, an hour occurs twice: its first occurrence is taken. Where they go
    forward, times are skipped: a skipped time is read with the offset in force before the change
    (01:30 on the British change day becomes 01:30 UTC, which the clocks show as 02:30). Both are
    what `fold=0` of PEP 495 says, so Python's `zoneinfo` agrees.

    Args:
        local: naive datetime expression.
        zone: name in the IANA database, such as `Europe/London`.

    Returns:
        Datetime expression in UTC, microseconds.
    """
    naive = local.cast(pl.Datetime("us"))
    exact = _in_utc(naive, zone)
    by_offset_before = _in_utc(naive - pl.duration(days=1), zone) + pl.duration(days=1)
    return pl.coalesce(exact, by_offset_before)


def _in_utc(naive: pl.Expr, zone: str) -> pl.Expr:
    aware = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return aware.dt.convert_time_zone("UTC")


def iso_text(instant: pl.Expr) -> pl.Expr:
    """Instants in UTC as text such as `2010-12-01T08:26:00Z`."""
    return instant.dt.to_string(ISO_UTC)
