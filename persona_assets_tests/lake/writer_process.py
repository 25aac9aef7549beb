"""A process that writes to the lake: for tests of rival writers and of sudden death.

Arguments: root of the lake, what is done with the days, how often, value, days as ISO dates. Says
`ready`, waits for a line on its standard input, then prints one JSON object for each commit.
"""

import itertools
import json
import os
import sys
from datetime import UTC, date, datetime

import polars as pl

from persona_assets.lake import DeltaStore, Written, object_store
from persona_assets.tables.mart import QUARANTINE
from persona_assets.tables.raw import PRODUCTS

ROWS = 40


def quarantine(days: list[date], value: str) -> pl.DataFrame:
    """`ROWS` rows for each day, all saying `value`."""
    places = [(day, row) for day in days for row in range(ROWS)]
    return pl.DataFrame(
        {
            "event_date": [day for day, _ in places],
            "source_row": [row for _, row in places],
            "arrived_at": [datetime(2025, 3, 3, tzinfo=UTC)] * len(places),
            "rule": ["no_consent"] * len(places),
            "value": [value] * len(places),
            **dict.fromkeys(("event_id", "product_id", "column"), [None] * len(places)),
        },
        schema_overrides=QUARANTINE.polars_schema,
    )


def products(value: str) -> pl.DataFrame:
    """`ROWS` products whose brand is `value`."""
    names = [f"{value}-{row}" for row in range(ROWS)]
    frame = pl.DataFrame({"product_id": names, "brand": value, "kind": "product"})
    missing = [name for name in PRODUCTS.polars_schema if name not in frame.columns]
    return frame.with_columns(
        pl.lit(None, PRODUCTS.polars_schema[name]).alias(name) for name in missing
    )


def main() -> None:
    root, mode, times, value, *days = sys.argv[1:]
    store = DeltaStore(root, storage_options=object_store.options(root, {}, os.environ))
    asked = [date.fromisoformat(day) for day in days]
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(times)) if int(times) else itertools.count():
        if mode == "whole":
            tell(store.overwrite(PRODUCTS, products(f"{value}{number}")))
        elif mode == "together":
            frame = quarantine(asked, f"{value}{number}")
            tell(store.overwrite(QUARANTINE, frame, partitions=asked))
        else:
            for day in asked:
                frame = quarantine([day], f"{value}{number} on {day}")
                tell(store.overwrite(QUARANTINE, frame, partitions=[day]))


def tell(written: Written) -> None:
    print(json.dumps({"version": written.version, "hashes": dict(written.hashes)}), flush=True)


if __name__ == "__main__":
    main()
