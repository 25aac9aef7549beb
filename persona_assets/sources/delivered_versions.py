"""Whether a source delivers for a day what it delivered before.

Belongs here: a version per day of what a source has, by its rows or, where it can say so without
making them, by its own word. Does not belong here: what was delivered before
(`lake/provenance.py`).
"""

from datetime import date, timedelta
from typing import Protocol, runtime_checkable

import polars as pl

from persona_assets.lake import content_hash
from persona_assets.sources.protocol import DatedAttributes, Source
from persona_assets.tables import Table, raw

NOTHING = content_hash.render(0, 0)
"""Version of a day without rows, and of a day after the source's last one."""
# Days asked for at a time, so that a source that makes its rows does not hold a year of them.
_DAYS = 31


@runtime_checkable
class KnowsVersions(Protocol):
    """A source that knows without its rows whether a day is what it was."""

    def version(self, table: str, day: date | None) -> str:
        """Version of a day's rows of a raw table (None: of a table without days)."""
        ...


def delivered_versions(source: Source, table: Table) -> dict[str, str]:
    """Partition key → version of the rows of the raw `table`; "" where it has no partitions.

    Days without rows are in it, too.
    """
    if table.partition is None:
        if isinstance(source, KnowsVersions):
            return {"": source.version(table.name, None)}
        return {"": content_hash.content_hash(_entities(source, table))}
    days = [source.start + timedelta(days=n) for n in range((source.end - source.start).days)]
    if isinstance(source, KnowsVersions):
        return {day.isoformat(): source.version(table.name, day) for day in days}
    found = {day.isoformat(): NOTHING for day in days}
    for first in range(0, len(days), _DAYS):
        rows: pl.DataFrame = getattr(source, table.name)(days[first : first + _DAYS])
        for day, (number, total) in content_hash.sums(rows, table.partition).items():
            found[str(day)] = content_hash.render(number, total)
    return found


def _entities(source: Source, table: Table) -> pl.DataFrame:
    """The people or products of which the raw `table` tells, dated where the source dates them."""
    users = table in (raw.USERS, raw.USER_HISTORY)
    if isinstance(source, DatedAttributes) and table in (raw.USER_HISTORY, raw.PRODUCT_HISTORY):
        dated = source.dated_users() if users else source.dated_products()
        if dated is not None:
            return dated
    return source.users() if users else source.products()
