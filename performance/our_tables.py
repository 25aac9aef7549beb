r"""The daily tables by persona_assets, without Dagster: what `engines.py` measures as ours.

    PERSONA_HOME=HOME PERSONA_ENGINE=polars python performance/our_tables.py --days 60 --seconds F
    FILE

The functions, batches and commits of the assets, one table after the other; raw tables must lie in
the home's lake.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import narwhals as nw
import raw_shop

from persona_assets import settings
from persona_assets.lake.day_batches import ROWS_AT_A_TIME, day_batches
from persona_assets.orchestration.resources.build import build_store
from persona_assets.tables import Table, raw
from persona_assets.tables.feature_store import ITEM_FEATURES, USER_FEATURES
from persona_assets.tables.features import ITEM_DAILY, TEMPORAL_FEATURES, USER_DAILY
from persona_assets.tables.mart import QUARANTINE, SESSIONS, USER_ITEM_INTERACTIONS
from persona_assets.transforms import aggregates, snapshots, temporal
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean, rejected
from persona_assets.transforms.sessions import summarise_sessions

Days = Sequence[date]


def main() -> None:
    """Fill the lake."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--seconds", type=Path, required=True)
    given = parser.parse_args()
    days = raw_shop.calendar(given.days)
    store, key = build_store(settings.load()), settings.PUBLIC_HASH_KEY
    seconds: dict[str, float] = {}

    def trailing(table: Table, asked: Days, look_back: int) -> nw.LazyFrame:
        start = max(days[0], asked[0] - timedelta(look_back))
        return store.scan(table, [day for day in days if start <= day <= asked[-1]])

    def write(
        tables: Sequence[Table],
        like: Table,
        compute: Callable[[Days], Sequence[nw.LazyFrame]],
        seen: int = 1,
    ) -> None:
        rows = {} if store.engine.distributed else store.partition_rows(like)
        for batch in day_batches(days, rows, limit=ROWS_AT_A_TIME // seen):
            started = time.perf_counter()
            for table, frame in zip(tables, compute(batch), strict=True):
                store.overwrite(table, frame, partitions=batch)
                ended = time.perf_counter()
                seconds[table.path] = seconds.get(table.path, 0.0) + ended - started
                started = ended

    products = store.scan(raw.PRODUCT_HISTORY)

    def cleaned(asked: Days) -> Sequence[nw.LazyFrame]:
        events = store.scan(raw.EVENTS, asked)
        [cleaned] = store.engine.cache([clean(events, products, key=key, weights=DEFAULT_WEIGHTS)])
        return [accepted(cleaned), rejected(cleaned)]

    write([USER_ITEM_INTERACTIONS, QUARANTINE], raw.EVENTS, cleaned)
    mart = USER_ITEM_INTERACTIONS
    write([SESSIONS], mart, lambda asked: [summarise_sessions(store.scan(mart, asked))])
    rows = store.scan(mart, days)
    last = temporal.LastInteractions(
        rows, products, hold=lambda frame: store.engine.cache([frame])[0]
    )

    def described(asked: Days) -> Sequence[nw.LazyFrame]:
        before = last.before(asked)
        return [temporal.temporal_features(rows, products, asked, interacted=before)]

    write([TEMPORAL_FEATURES], mart, described)
    write(
        [USER_DAILY],
        mart,
        lambda asked: [
            aggregates.user_daily(
                store.scan(mart, asked), store.scan(raw.SEARCH_LOGS, asked), key=key
            )
        ],
    )
    write([ITEM_DAILY], mart, lambda asked: [aggregates.item_daily(store.scan(mart, asked))])
    window = snapshots.LOOKBACK_DAYS
    write(
        [USER_FEATURES],
        USER_DAILY,
        lambda asked: [snapshots.user_features(trailing(USER_DAILY, asked, window), asked)],
        seen=snapshots.ROWS_PER_DAILY_TOTAL,
    )
    write(
        [ITEM_FEATURES],
        ITEM_DAILY,
        lambda asked: [snapshots.item_features(trailing(ITEM_DAILY, asked, window), asked)],
        seen=snapshots.ROWS_PER_DAILY_TOTAL,
    )
    given.seconds.write_text(json.dumps(seconds))


if __name__ == "__main__":
    main()
