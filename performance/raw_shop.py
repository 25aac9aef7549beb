"""Raw tables of a synthetic shop of about as many events as asked for, made once and kept.

    python performance/raw_shop.py --work FOLDER --events 50000000 --days 60

Belongs here: how big a shop must be, and writing it a day at a time. The dirt is the synthetic
source's own.
"""

import argparse
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from persona_assets.lake import DeltaStore
from persona_assets.sources.attribute_deliveries import product_history
from persona_assets.sources.synthetic import SyntheticShop
from persona_assets.tables import raw

FIRST = date(2025, 1, 1)
PRODUCTS = 2000
SEED = 7
_EVENTS_PER_USER_DAY = 1.68
"""Measured over 60 days: not everybody has signed up, and not everybody comes."""
_DONE = "complete_with_history"


def calendar(days: int) -> list[date]:
    """The benchmark's days."""
    return [FIRST + timedelta(number) for number in range(days)]


def shop(events: int, days: int) -> SyntheticShop:
    """A shop with about `events` events in `days` days."""
    users = max(1, round(events / days / _EVENTS_PER_USER_DAY))
    return SyntheticShop(FIRST, FIRST + timedelta(days), users, PRODUCTS, SEED)


def lake(work: Path, events: int, days: int) -> Path:
    """Where the raw tables of that size lie, or will."""
    return work / f"{events}_events_{days}_days"


def is_there(work: Path, events: int, days: int) -> bool:
    """Have they been made to the end?"""
    return (lake(work, events, days) / _DONE).exists()


def rows(work: Path, events: int, days: int) -> int:
    """Their events."""
    store = DeltaStore(str(lake(work, events, days)))
    return sum(store.partition_rows(raw.EVENTS).values())


def prepare(work: Path, events: int, days: int) -> None:
    """Make them; memory grows with a day and not with their number."""
    folder = lake(work, events, days)
    store = DeltaStore(str(folder))
    made = shop(events, days)
    store.overwrite(raw.PRODUCTS, made.products())
    arrival = datetime.combine(FIRST, datetime.min.time(), UTC)
    known = product_history(raw.PRODUCT_HISTORY.empty(), made, arrival)
    store.overwrite(raw.PRODUCT_HISTORY, known)
    for day in calendar(days):
        made = shop(events, days)  # a new one: it remembers its days
        store.overwrite(raw.EVENTS, made.events([day]), partitions=[day])
        store.overwrite(raw.SEARCH_LOGS, made.search_logs([day]), partitions=[day])
    (folder / _DONE).touch()


def main() -> None:
    """Make the raw tables of one size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--days", type=int, required=True)
    given = parser.parse_args()
    prepare(given.work, given.events, given.days)


if __name__ == "__main__":
    main()
