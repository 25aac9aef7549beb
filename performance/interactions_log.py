"""An interactions file of about as many rows as asked for, for `persona benchmark`.

    python performance/interactions_log.py million.parquet --rows 1000000
    persona benchmark million.parquet --protocol temporal

Sixty days of the synthetic shop of `raw_shop.py`: what people viewed, put into the cart and bought,
the source's own dirt left out where the file's format forbids it.
"""

import argparse
from pathlib import Path

import polars as pl
from raw_shop import calendar, shop

DAYS = 60


def interactions(rows: int) -> pl.DataFrame:
    """`user, item, timestamp, event` of about so many events."""
    delivered = shop(rows, DAYS).events(calendar(DAYS))
    return (
        delivered.filter(pl.col("event_type").is_in(["view", "add_to_cart", "purchase"]))
        .select(user="user_id", item="product_id", timestamp="arrived_at", event="event_type")
        .drop_nulls()
        .filter(pl.col("user").str.strip_chars() != "", pl.col("item").str.strip_chars() != "")
    )


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    made = interactions(given.rows)
    made.write_parquet(given.file)
    print(f"{given.file}: {len(made):,} rows, {made['user'].n_unique():,} people")


if __name__ == "__main__":
    main()
