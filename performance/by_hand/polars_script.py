"""The same tables as persona_assets' daily assets, as one script of plain Polars.

    python performance/by_hand/polars_script.py --raw RAW --lake LAKE --first 2025-01-01 --days 60

What a good engineer would write for one shop and one machine: a loop over runs of whole days that
holds a run's rows in memory for all its tables, carries what later days need (last events, daily
totals of 30 days), and works on integer codes of users and products until it writes. An independent
implementation of the contracts: it imports nothing of persona_assets, and `engines.py` compares the
contents. Money is added up in whole cents, so sums are exact.
"""

import argparse
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake

ROWS_AT_A_TIME = 2_000_000
WINDOWS = (1, 7, 30)
LOOK_BACK = timedelta(days=30)
WEIGHTS = {"view": 1.0, "add_to_cart": 3.0, "purchase": 5.0, "return": 0.0}
COUNTED = {"views": "view", "add_to_carts": "add_to_cart", "purchases": "purchase",
           "returns": "return"}  # fmt: skip
DEPTHS = {0: "return", 1: "view", 2: "add_to_cart", 3: "purchase"}
COPIED = ("event_date", "event_id", "user_id", "product_id", "event_type", "timestamp",
          "arrived_at", "quantity", "unit_price", "quantity_text", "unit_price_text", "order_id",
          "related_event_id", "consent")  # fmt: skip
COLUMN_OF_RULE = {
    "no_consent": "consent",
    "missing_event_id": "event_id",
    "missing_product": "product_id",
    "missing_user": "user_id",
    "unreadable_timestamp": "timestamp",
    "implausible_timestamp": "timestamp",
    "outside_partition": "timestamp",
    "unknown_event_type": "event_type",
    "unknown_product": "product_id",
    "service_line": "product_id",
    "anomalous_code": "product_id",
    "unreadable_quantity": "quantity",
    "invalid_quantity": "quantity",
    "unreadable_price": "unit_price",
    "negative_price": "unit_price",
    "zero_price": "unit_price",
    "duplicate_event_id": "event_id",
}
UTC = pl.Datetime("us", "UTC")
FAST = "%Y-%m-%dT%H:%M:%S%.fZ"
ISO = (
    r"^(?<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ](?<minute>(?:[01][0-9]|2[0-3]):[0-5][0-9])"
    r"(?::(?<second>[0-5][0-9])(?<fraction>\.[0-9]{1,9})?)?(?<zone>Z|[+-][0-9]{2}:?[0-9]{2})?$"
)

_DAY = {"event_date": pl.Date, "arrival_date": pl.Date}
_TOTALS = dict.fromkeys(("events", *COUNTED, "cents", "active"), pl.Int64)
SEEN = pl.DataFrame(
    schema={"user": pl.UInt32, "product": pl.UInt32, "category": pl.UInt32, "us": pl.Int64}
)
USER_DAYS = pl.DataFrame(
    schema={"user": pl.UInt32, **_DAY, **_TOTALS, "sessions": pl.Int64, "searches": pl.Int64}
)
ITEM_DAYS = pl.DataFrame(schema={"product": pl.UInt32, **_DAY, **_TOTALS, "users": pl.Int64})

seconds: dict[str, float] = defaultdict(float)


@contextmanager
def timed(table: str) -> Iterator[None]:
    """Add the block's time to the table's."""
    started = time.perf_counter()
    yield
    seconds[table] += time.perf_counter() - started


@dataclass(frozen=True)
class Reference:
    """Codes of users and products. A code is the row's number; `pseudonyms[code]` is the text."""

    users: pl.DataFrame
    pseudonyms: pl.Series
    products: pl.DataFrame
    names: pl.Series


@dataclass
class Past:
    """What later days need of earlier ones.

    `seen`: latest punctual event in microseconds by user and product. `users`, `items`: daily
    totals of the last 30 days.
    """

    seen: pl.DataFrame
    users: pl.DataFrame
    items: pl.DataFrame


def divided(whole: pl.Expr, by: int) -> pl.Expr:
    """`whole / by`, correctly rounded: by a constant, Polars multiplies by its reciprocal."""
    return whole / (whole * 0 + by)


def scan(raw: Path, table: str, days: list[date]) -> pl.LazyFrame:
    """A raw table's rows of consecutive days."""
    lazy = pl.scan_delta(str(raw / table))
    return lazy.filter(pl.col("event_date").is_between(days[0], days[-1]))


def write(lake: Path, table: str, frame: pl.DataFrame, days: list[date], column: str) -> None:
    """Replace consecutive days of a table."""
    write_deltalake(
        str(lake / table),
        frame,
        mode="overwrite",
        partition_by=column,
        predicate=f"{column} >= '{days[0]}' AND {column} <= '{days[-1]}'",
    )


def blank(column: str) -> pl.Expr:
    """Null, empty or only blanks."""
    return pl.col(column).fill_null("").str.strip_chars(" \t\r\n") == ""


def reference(raw: Path, days: list[date], key: bytes) -> Reference:
    """Every user of the days, hashed once, and every product."""
    user_ids = (
        pl.concat([scan(raw, t, days).select("user_id") for t in ("events", "search_logs")])
        .drop_nulls()
        .unique()
        .sort("user_id")
        .collect(engine="streaming")
        .get_column("user_id")
    )
    hashed = [hashlib.blake2b(u.encode(), key=key, digest_size=16).hexdigest() for u in user_ids]
    products = (
        pl.scan_delta(str(raw / "products"))
        .group_by("product_id")
        .agg(pl.col("kind", "category").min())
        .sort("product_id")
        .with_columns(category=pl.col("category").rank("dense").cast(pl.UInt32))
        .with_row_index("product")
        .collect()
    )
    return Reference(
        users=pl.DataFrame({"user_id": user_ids}).with_row_index("user"),
        pseudonyms=pl.Series("user_id", hashed, dtype=pl.String),
        products=products,
        names=products.get_column("product_id"),
    )


def instants(texts: pl.Series) -> pl.Series:
    """Event times: nearly all are of one format; the others are looked at by themselves."""
    fast = texts.str.to_datetime(FAST, time_unit="us", time_zone="UTC", strict=False)
    rest = pl.DataFrame([texts, fast.rename("fast")]).with_row_index().filter(fast.is_null())
    text = pl.col(texts.name)
    iso = text.str.extract_groups(ISO).struct
    in_iso = pl.concat_str(
        iso.field("day"),
        pl.lit("T"),
        iso.field("minute"),
        pl.lit(":"),
        iso.field("second").fill_null("00"),
        iso.field("fraction").fill_null(""),
        iso.field("zone").fill_null("Z").str.replace("Z", "+00:00", literal=True),
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", strict=False)
    slashed = pl.coalesce(
        text.str.to_datetime(f"%d/%m/%Y {clock}", time_unit="us", time_zone="UTC", strict=False)
        for clock in ("%H:%M:%S", "%H:%M")
    )
    digits = pl.when(text.str.contains(r"^([0-9]{9,10}|[0-9]{12,13})$")).then(text).cast(pl.Int64)
    unix = digits * pl.when(text.str.len_bytes() <= 10).then(1_000_000).otherwise(1_000)
    found = rest.select("index", ts=pl.coalesce(in_iso.cast(UTC), slashed, unix.cast(UTC)))
    return fast.scatter(found["index"], found["ts"]) if len(found) else fast


def cleaned(events: pl.DataFrame, known: Reference) -> pl.DataFrame:
    """The events with codes, times and the first rule that each breaks."""
    price, quantity = pl.col("unit_price"), pl.col("quantity")
    is_return = pl.col("event_type") == "return"
    billed = pl.col("event_type").is_in(["purchase", "return"])
    other_day = pl.col("event_ts").dt.date() != pl.col("event_date")
    long_ago = pl.col("event_ts") < pl.col("arrived_at") - timedelta(days=365)
    broken = {
        "no_consent": ~pl.col("consent").fill_null(False),
        "missing_event_id": blank("event_id"),
        "missing_user": blank("user_id"),
        "missing_product": blank("product_id"),
        "unreadable_timestamp": pl.col("event_ts").is_null(),
        "implausible_timestamp": (pl.col("event_ts") > pl.col("arrived_at") + timedelta(minutes=5))
        | (other_day & long_ago),
        "outside_partition": other_day,
        "unknown_event_type": ~pl.col("event_type").is_in(list(WEIGHTS)).fill_null(False),
        "unknown_product": pl.col("kind").is_null(),
        "service_line": pl.col("kind") == "service",
        "anomalous_code": pl.col("kind") == "anomalous",
        "unreadable_quantity": pl.col("quantity_text").is_not_null()
        | ~quantity.is_finite().fill_null(True),
        "invalid_quantity": quantity.is_null()
        | (quantity.abs() > 1e9)
        | (is_return & (quantity >= 0))
        | (~is_return & (quantity <= 0)),
        "unreadable_price": pl.col("unit_price_text").is_not_null()
        | ~price.is_finite().fill_null(True)
        | (price > 1e9),
        "negative_price": price < 0,
        "zero_price": billed & (price == 0),
    }
    rows = (
        events.with_columns(event_ts=instants(events["timestamp"]))
        .join(known.users, on="user_id", how="left")
        .join(known.products, on="product_id", how="left")
        .with_columns(
            rule=pl.coalesce(pl.when(when).then(pl.lit(rule)) for rule, when in broken.items()),
            arrival_date=pl.col("arrived_at").dt.date(),
            repeated=pl.col("event_id").is_duplicated(),
        )
    )
    # Copies and repeats share an event_id: a hundredth of the rows needs the expensive window.
    copy = pl.col("source_row") > pl.col("source_row").min().over(COPIED)
    suspects = rows.filter("repeated").with_columns(
        rule=pl.when(copy).then(pl.lit("exact_duplicate")).otherwise("rule")
    )
    first = pl.struct("event_date", "event_id").is_first_distinct()
    candidates = (
        suspects.filter(pl.col("rule").is_null())
        .sort("arrived_at", "source_row")
        .with_columns(rule=pl.when(~first).then(pl.lit("duplicate_event_id")))
    )
    others = suspects.filter(pl.col("rule").is_not_null())
    return pl.concat([rows.filter(~pl.col("repeated")), others, candidates])


def accepted(cleaned: pl.DataFrame) -> pl.DataFrame:
    """Rows that break no rule, with what they are worth."""
    price = pl.col("unit_price")
    billed = pl.col("event_type").is_in(["purchase", "return"])
    return (
        cleaned.filter(pl.col("rule").is_null())
        .with_columns(
            amount=pl.when(billed).then(pl.col("quantity") * price).otherwise(0.0),
            weight=pl.col("event_type").replace_strict(WEIGHTS, return_dtype=pl.Float64),
        )
        .with_columns(cents=(pl.col("amount") * 100).round().cast(pl.Int64))
    )


def quarantine(rejected: pl.DataFrame) -> pl.DataFrame:
    """Rejected rows with the column and value that break their rule."""
    column = pl.col("rule").replace_strict(COLUMN_OF_RULE, default=None, return_dtype=pl.String)

    def number(name: str) -> pl.Expr:
        digits = pl.col(name).round(6).cast(pl.Decimal(20, 6), strict=False).cast(pl.String)
        plain = digits.str.strip_chars_end("0").str.strip_chars_end(".")
        return pl.coalesce(f"{name}_text", plain)

    texts = {
        "consent": pl.col("consent").cast(pl.String),
        "quantity": number("quantity"),
        "unit_price": number("unit_price"),
        **{name: pl.col(name) for name in ("event_id", "product_id", "timestamp", "event_type")},
    }
    return rejected.with_columns(column=column).select(
        "event_date", "source_row", "event_id", "product_id", "arrived_at", "rule", "column",
        value=pl.coalesce(pl.when(column=name).then(text) for name, text in texts.items()),
    )  # fmt: skip


def visited(accepted: pl.DataFrame, known: Reference) -> tuple[pl.DataFrame, pl.Series]:
    """Accepted rows with `session`, the number of their session, and the sessions' names."""

    def changes(*columns: str) -> pl.Expr:
        return pl.any_horizontal(pl.col(name) != pl.col(name).shift() for name in columns)

    silent = pl.col("event_ts") - pl.col("event_ts").shift() > timedelta(minutes=30)
    rows = (
        accepted.sort("user", "event_date", "arrival_date", "event_ts", "event_id")
        .with_columns(visitor=changes("user", "event_date", "arrival_date").fill_null(True))
        .with_columns(opens=(pl.col("visitor") | silent).fill_null(True))
        .with_columns(session=pl.col("opens").cum_sum().cast(pl.UInt32) - 1)
        .with_columns(
            number=pl.col("session") - pl.when("visitor").then("session").forward_fill() + 1
        )
    )
    late = pl.col("arrival_date") != pl.col("event_date")
    names = rows.filter("opens").select(
        session_id=pl.format(
            "{}-{}-{}{}",
            known.pseudonyms.gather(rows.filter("opens")["user"]),
            _compact("event_date"),
            "number",
            pl.when(late).then("-" + _compact("arrival_date")).otherwise(pl.lit("")),
        )
    )
    return rows.drop("visitor", "opens", "number"), names.to_series()


def _compact(column: str) -> pl.Expr:
    """A date as yyyymmdd."""
    day = pl.col(column).dt
    number = day.year().cast(pl.Int64) * 10_000 + day.month().cast(pl.Int64) * 100 + day.day()
    return number.cast(pl.String)


def interactions(rows: pl.DataFrame, names: pl.Series, known: Reference) -> pl.DataFrame:
    """Rows of the mart."""
    return rows.select(
        "event_date", "source_row", "event_id",
        known.pseudonyms.gather(rows["user"]),
        "product_id", "event_type", "event_ts", "arrived_at", "arrival_date",
        names.gather(rows["session"]),
        "quantity", "unit_price", "amount", "weight", "order_id", "related_event_id",
    )  # fmt: skip


def _counts() -> dict[str, pl.Expr]:
    is_type = {name: pl.col("event_type") == type_ for name, type_ in COUNTED.items()}
    return {
        "events": pl.len().cast(pl.Int64),
        **{name: found.sum().cast(pl.Int64) for name, found in is_type.items()},
    }


def sessions(rows: pl.DataFrame, names: pl.Series, known: Reference) -> pl.DataFrame:
    """One row per session; `rows` are sorted by session and time."""
    depth = pl.col("event_type").replace_strict(
        {name: depth for depth, name in DEPTHS.items()}, return_dtype=pl.Int8
    )
    bought = pl.when(event_type="purchase").then("cents").otherwise(0)
    found = (
        rows.lazy()
        .with_columns(depth=depth, bought=bought)
        .group_by("session")
        .agg(
            pl.col("event_date", "user", "arrival_date").first(),
            pl.col("depth").max(),
            **_counts(),
            started_at=pl.col("event_ts").min(),
            ended_at=pl.col("event_ts").max(),
            products=pl.col("product").n_unique().cast(pl.Int64),
            cents=pl.col("bought").sum(),
        )
        .with_columns(
            duration_s=divided(
                (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds(), 1_000_000
            ),
            revenue=divided(pl.col("cents"), 100),
            depth=pl.col("depth").replace_strict(DEPTHS, return_dtype=pl.String),
            abandoned_cart=(pl.col("add_to_carts") > 0) & (pl.col("purchases") == 0),
        )
        .collect()
    )
    return found.select(
        "event_date", names.gather(found["session"]), known.pseudonyms.gather(found["user"]),
        "arrival_date", "started_at", "ended_at", "duration_s", "events", "products", "views",
        "add_to_carts", "purchases", "revenue", "depth", "abandoned_cart",
    )  # fmt: skip


def temporal_features(
    rows: pl.DataFrame, known: Reference, past: Past
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Time features of the rows, and `Past.seen` with the rows added.

    The last known event is the last punctual one of these days or, before it, of `past.seen`.
    """
    us = pl.col("event_ts").dt.epoch("us")
    punctual = pl.col("arrival_date") <= pl.col("event_date")
    groups = {"event": ["user"], "product": ["user", "product"], "category": ["user", "category"]}
    placed = (
        # In the order in which the sessions left them, before they are put in order of time.
        rows.with_columns(us=us, position=pl.int_range(1, pl.len() + 1).over("session"))
        .with_columns(opened=pl.col("us").first().over("session"))
        .sort("user", "us", "event_id")
        .with_columns(known_us=pl.when(punctual).then("us"))
        .lazy()
        .with_columns(
            pl.col("known_us").forward_fill().shift().over(by).alias(f"last_{name}")
            for name, by in groups.items()
        )
    )
    for name, by in groups.items():
        before = past.seen.lazy().group_by(by).agg(pl.col("us").max().alias(f"before_{name}"))
        placed = placed.join(before, on=by, how="left")
    weekday = pl.col("event_ts").dt.weekday().cast(pl.Int64)
    gaps = {name: pl.col("us") - pl.coalesce(f"last_{name}", f"before_{name}") for name in groups}
    found = placed.select(
        "event_date", "event_id", "user", "product_id", "event_ts", "arrival_date",
        *(
            pl.when(gap <= LOOK_BACK // timedelta(microseconds=1))
            .then(divided(gap, 1_000_000))
            .alias(f"seconds_since_last_{name}")
            for name, gap in gaps.items()
        ),
        hour=pl.col("event_ts").dt.hour().cast(pl.Int64),
        weekday=weekday,
        is_weekend=weekday >= 6,
        session_position=pl.col("position"),
        session_elapsed_s=divided(pl.col("us") - pl.col("opened"), 1_000_000),
    ).collect()  # fmt: skip
    seen = rows.lazy().filter(punctual).with_columns(us=us).select(past.seen.columns)
    last_day = rows["event_date"].max()
    assert isinstance(last_day, date)
    oldest = datetime.combine(last_day, datetime.min.time()) + timedelta(days=1) - LOOK_BACK
    return (
        found.with_columns(known.pseudonyms.gather(found["user"])).drop("user"),
        pl.concat([past.seen.lazy(), seen])
        .group_by("user", "product", "category")
        .agg(pl.col("us").max())
        .filter(pl.col("us") >= pl.lit(oldest).dt.epoch("us"))
        .collect(),
    )


def user_days(rows: pl.DataFrame, searches: pl.DataFrame, known: Reference) -> pl.DataFrame:
    """Daily totals of users, with codes and cents."""
    key = ["event_date", "user", "arrival_date"]
    searched = (
        searches.with_columns(event_ts=instants(searches["timestamp"]))
        .filter(
            pl.col("consent").fill_null(False),
            ~blank("user_id"),
            pl.col("event_ts").dt.date() == pl.col("event_date"),
        )
        .join(known.users, on="user_id")
        .with_columns(arrival_date=pl.col("arrived_at").dt.date())
        .group_by(key)
        .agg(searches=pl.len().cast(pl.Int64))
    )
    acted = rows.group_by(key).agg(
        **_counts(),
        sessions=pl.col("session").n_unique().cast(pl.Int64),
        products=pl.col("product").n_unique().cast(pl.Int64),
        cents=pl.col("cents").sum(),
        weight=pl.col("weight").sum(),
    )
    both = acted.join(searched, on=key, how="full", coalesce=True)
    return _marked(both.with_columns(pl.exclude(key).fill_null(0)), "user")


def item_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Daily totals of products, with codes and cents."""
    totals = rows.group_by("event_date", "product", "arrival_date").agg(
        **_counts(),
        users=pl.col("user").n_unique().cast(pl.Int64),
        cents=pl.col("cents").sum(),
        weight=pl.col("weight").sum(),
    )
    return _marked(totals, "product")


def _marked(daily: pl.DataFrame, entity: str) -> pl.DataFrame:
    """`daily` with `active`: 1 on the row of a day's first arrival, which stands for the day."""
    acted_on = pl.when(pl.col("events") > 0).then("arrival_date")
    first = acted_on == acted_on.min().over("event_date", entity)
    return daily.with_columns(active=first.fill_null(False).cast(pl.Int64))


def snapshot(daily: pl.DataFrame, day: date, entity: str, counts: list[str]) -> pl.DataFrame:
    """The trailing windows at the end of a day, of all entities with an event in the longest."""
    age = (pl.lit(day) - pl.col("event_date")).dt.total_days()
    known = (
        daily.lazy()
        .with_columns(age=age)
        .filter(pl.col("age").is_between(0, max(WINDOWS) - 1), pl.col("arrival_date") <= day)
    )
    longest = known.group_by(entity).agg(
        pl.col("active").sum().alias("active_days_30d"),
        pl.col("age").filter(pl.col("events") > 0).min().alias("days_since_last_event"),
    )
    for window in WINDOWS:
        totals = (
            known.filter(pl.col("age") < window)
            .group_by(entity)
            .agg(pl.col(*counts, "cents").sum().name.suffix(f"_{window}d"))
        )
        longest = longest.join(totals, on=entity, how="left")
    views = pl.col("views_30d")
    return (
        longest.filter(pl.col("events_30d") > 0)
        .with_columns(pl.col("^.*_(1|7)d$").fill_null(0))
        .with_columns(
            as_of=day,
            conversion_30d=pl.when(views > 0).then(pl.col("purchases_30d") / views),
            **{f"revenue_{w}d": divided(pl.col(f"cents_{w}d"), 100) for w in WINDOWS},
        )
        .drop(f"cents_{window}d" for window in WINDOWS)
        .collect()
    )


def _written(daily: pl.DataFrame, code: str, texts: pl.Series) -> pl.DataFrame:
    """Daily totals as they are stored."""
    revenue = divided(pl.col("cents"), 100)
    return named(daily, code, texts).with_columns(revenue=revenue).drop("cents", "active")


def named(frame: pl.DataFrame, code: str, texts: pl.Series) -> pl.DataFrame:
    """`frame` with texts in place of codes."""
    return frame.with_columns(texts.gather(frame[code])).drop(code)


def process(raw: Path, lake: Path, days: list[date], known: Reference, past: Past) -> Past:
    """All tables of some days; what the days after them need."""
    with timed("mart/user_item_interactions"):
        events = cleaned(scan(raw, "events", days).collect(), known)
        rejected = events.filter(pl.col("rule").is_not_null())
        rows, names = visited(accepted(events), known)
        del events
        table = interactions(rows, names, known)
        write(lake, "mart/user_item_interactions", table, days, "event_date")
        del table
    with timed("mart/quarantine"):
        write(lake, "mart/quarantine", quarantine(rejected), days, "event_date")
    with timed("mart/sessions"):
        write(lake, "mart/sessions", sessions(rows, names, known), days, "event_date")
    with timed("features/temporal_features"):
        features, seen = temporal_features(rows, known, past)
        write(lake, "features/temporal_features", features, days, "event_date")
        del features
    with timed("features/user_daily"):
        users = user_days(rows, scan(raw, "search_logs", days).collect(), known)
        table = _written(users, "user", known.pseudonyms)
        write(lake, "features/user_daily", table, days, "event_date")
    with timed("features/item_daily"):
        items = item_days(rows)
        table = _written(items, "product", known.names)
        write(lake, "features/item_daily", table, days, "event_date")
        del rows, table
    recent = pl.col("event_date") > days[0] - LOOK_BACK
    past = Past(
        seen,
        users=pl.concat([past.users.filter(recent), users.select(past.users.columns)]),
        items=pl.concat([past.items.filter(recent), items.select(past.items.columns)]),
    )
    with timed("feature_store/user_features"):
        counts = ["events", *COUNTED, "sessions", "searches"]
        table = pl.concat(snapshot(past.users, day, "user", counts) for day in days)
        table = named(table, "user", known.pseudonyms)
        write(lake, "feature_store/user_features", table, days, "as_of")
    with timed("feature_store/item_features"):
        counts = ["events", *COUNTED, "user_days"]
        daily = past.items.rename({"users": "user_days"})
        table = pl.concat(snapshot(daily, day, "product", counts) for day in days)
        table = named(table, "product", known.names)
        write(lake, "feature_store/item_features", table, days, "as_of")
    return past


def runs(raw: Path, days: list[date]) -> Iterator[list[date]]:
    """Consecutive days of at most `ROWS_AT_A_TIME` raw rows, or one."""
    files = pl.DataFrame(DeltaTable(str(raw / "events")).get_add_actions(flatten=True))
    rows = dict(files.group_by("partition.event_date").agg(pl.col("num_records").sum()).iter_rows())
    run: list[date] = []
    for day in days:
        if run and sum(rows.get(each, 0) for each in [*run, day]) > ROWS_AT_A_TIME:
            yield run
            run = []
        run.append(day)
    yield run


def main() -> None:
    """Fill the lake."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--first", type=date.fromisoformat, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--key", type=str.encode, required=True)
    parser.add_argument("--seconds", type=Path, required=True)
    given = parser.parse_args()
    days = [given.first + timedelta(number) for number in range(given.days)]
    with timed("identifiers"):
        known = reference(given.raw, days, given.key)
    past = Past(SEEN, USER_DAYS, ITEM_DAYS)
    for run in runs(given.raw, days):
        past = process(given.raw, given.lake, run, known, past)
    given.seconds.write_text(json.dumps(seconds))


if __name__ == "__main__":
    main()
