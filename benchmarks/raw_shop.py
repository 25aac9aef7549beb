"""Raw tables of a synthetic shop of about as many events as asked for, made once and kept.

Belongs here: how big a shop must be, and writing it a day at a time. The dirt is the synthetic
source's own.
"""

from datetime import date, timedelta
from pathlib import Path

from persona_assets.lake import DeltaStore
from persona_assets.sources.synthetic import SyntheticShop
from persona_assets.tables import raw

FIRST = date(2025, 1, 1)
PRODUCTS = 2000
SEED = 7
_EVENTS_PER_USER_DAY = 1.68
"""Measured over 60 days: not everybody has signed up, and not everybody comes."""
_DAYS_IN_MEMORY = 7


def calendar(days: int) -> list[date]:
    """The benchmark's days."""
    return [FIRST + timedelta(number) for number in range(days)]


def shop(events: int, days: int) -> SyntheticShop:
    """A shop with about `events` events in `days` days."""
    users = max(1, round(events / days / _EVENTS_PER_USER_DAY))
    return SyntheticShop(FIRST, FIRST + timedelta(days), users, PRODUCTS, SEED)


def prepare(work: Path, events: int, days: int) -> tuple[Path, int]:
    """The lake with the raw tables, made if it is not there, and its events."""
    lake = work / f"{events}_events_{days}_days"
    store, done = DeltaStore(str(lake)), lake / "complete"
    if not done.exists():
        store.overwrite(raw.PRODUCTS, shop(events, days).products())
        for start in range(0, days, _DAYS_IN_MEMORY):
            made = shop(events, days)  # a new one: it remembers its days
            for day in calendar(days)[start : start + _DAYS_IN_MEMORY]:
                store.overwrite(raw.EVENTS, made.events([day]), partitions=[day])
                store.overwrite(raw.SEARCH_LOGS, made.search_logs([day]), partitions=[day])
        done.touch()
    return lake, sum(store.partition_rows(raw.EVENTS).values())
