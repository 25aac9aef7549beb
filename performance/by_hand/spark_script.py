r"""The same tables as persona_assets' daily assets, as one script of plain PySpark and Delta.

    python performance/by_hand/spark_script.py --raw RAW --lake LAKE --first 2025-01-01 --days 60 \
        --key KEY --seconds FILE --conf FILE

What a good engineer would write for one shop: the whole range at once, one table after the other,
each wide row shuffled as rarely as its windows allow. An independent implementation of the
contracts: it imports nothing of persona_assets, and `engines.py` compares the contents. Money is
added up in whole cents, so sums are exact. `--conf` is a JSON object of Spark's options.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as sf

WINDOWS = (1, 7, 30)
LOOK_BACK_US = 30 * 86_400 * 1_000_000
WEIGHTS = {"view": 1.0, "add_to_cart": 3.0, "purchase": 5.0, "return": 0.0}
COUNTED = {"views": "view", "add_to_carts": "add_to_cart", "purchases": "purchase",
           "returns": "return"}  # fmt: skip
DEPTHS = {"return": 0, "view": 1, "add_to_cart": 2, "purchase": 3}
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
ISO = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?"
    "(Z|[+-][0-9]{2}:[0-9]{2})?$"
)

seconds: dict[str, float] = {}


@contextmanager
def timed(table: str) -> Iterator[None]:
    """Note the block's time as the table's."""
    started = time.perf_counter()
    yield
    seconds[table] = time.perf_counter() - started


class Lake:
    """Raw tables in one folder, what is made of them in another, for one range of days."""

    def __init__(self, spark: SparkSession, raw: Path, lake: Path, days: list[date]) -> None:
        self.spark, self.raw, self.lake, self.days = spark, raw, lake, days

    def read(self, folder: Path, table: str) -> DataFrame:
        """A daily table's rows of the range."""
        rows = self.spark.read.format("delta").load(str(folder / table))
        return rows.filter(sf.col("event_date").between(self.days[0], self.days[-1]))

    def write(self, table: str, frame: DataFrame, column: str = "event_date") -> None:
        """Replace the range of a table."""
        (
            frame.write.format("delta")
            .mode("overwrite")
            .partitionBy(column)
            .option(
                "replaceWhere",
                f"{column} >= '{self.days[0]}' AND {column} <= '{self.days[-1]}'",
            )
            .save(str(self.lake / table))
        )


def blank(column: str) -> Column:
    """Null, empty or only blanks."""
    return sf.trim(sf.coalesce(sf.col(column), sf.lit("")), sf.lit(" \t\r\n")) == ""


def instant(column: str) -> Column:
    """Event times, by format."""
    text = sf.col(column)
    number = text.try_cast("long")
    return (
        sf.when(text.rlike(ISO), text.try_cast("timestamp"))
        .when(text.rlike("^[0-9]{9,10}$"), sf.timestamp_seconds(number))
        .when(text.rlike("^[0-9]{12,13}$"), sf.timestamp_millis(number))
        .otherwise(
            sf.coalesce(
                sf.try_to_timestamp(text, sf.lit("dd/MM/yyyy HH:mm:ss")),
                sf.try_to_timestamp(text, sf.lit("dd/MM/yyyy HH:mm")),
            )
        )
    )


def choose(column: str, values: dict[str, str] | dict[str, int] | dict[str, float]) -> Column:
    """The value that belongs to the text in a column."""
    chosen = sf.lit(None)
    for text, value in values.items():
        chosen = sf.when(sf.col(column) == text, sf.lit(value)).otherwise(chosen)
    return chosen


def pseudonyms(lake: Lake, key: bytes) -> DataFrame:
    """Every user of the range, hashed on the driver; small enough to be sent to all tasks."""
    tables = [lake.read(lake.raw, name).select("user_id") for name in ("events", "search_logs")]
    distinct = tables[0].union(tables[1]).filter(sf.col("user_id").isNotNull()).distinct()
    ids = distinct.toArrow().column("user_id").to_pylist()
    hashed = [hashlib.blake2b(name.encode(), key=key, digest_size=16).hexdigest() for name in ids]
    table = pa.table({"user_id": ids, "pseudonym": hashed})
    return sf.broadcast(lake.spark.createDataFrame(table).localCheckpoint())


def cleaned(lake: Lake, users: DataFrame, products: DataFrame) -> DataFrame:
    """Every event with the first rule that it breaks.

    Copies and repeats share an event_id: a hundredth of the rows needs windows to tell which is
    first, and what they say is small enough to be sent to all tasks.
    """
    events = lake.read(lake.raw, "events")
    rows = _broken_by_themselves(events, users, products)
    shared = (
        events.groupBy(sf.col("event_date").alias("day"), sf.col("event_id").alias("id"))
        .count()
        .filter("count > 1")
    )
    in_shared = (sf.col("event_date") == sf.col("day")) & sf.col("event_id").eqNullSafe(
        sf.col("id")
    )
    suspects = _broken_by_themselves(
        events.join(sf.broadcast(shared), in_shared, "left_semi"), users, products
    )
    candidate = sf.col("rule").isNull() & ~sf.col("copy")
    earliest_first = Window.partitionBy("event_date", "event_id", "candidate").orderBy(
        "arrived_at", "source_row"
    )
    first_copy = sf.min("source_row").over(Window.partitionBy(*COPIED))
    verdicts = (
        suspects.withColumn("copy", sf.col("source_row") > first_copy)
        .withColumn("candidate", candidate)
        .withColumn("place", sf.row_number().over(earliest_first))
        .select(
            sf.col("event_date").alias("day"),
            sf.col("source_row").alias("row"),
            sf.when(sf.col("copy"), "exact_duplicate")
            .when(sf.col("candidate") & (sf.col("place") > 1), "duplicate_event_id")
            .alias("verdict"),
        )
        .filter("verdict IS NOT NULL")
        .localCheckpoint()
    )
    of_row = (sf.col("event_date") == sf.col("day")) & (sf.col("source_row") == sf.col("row"))
    return (
        rows.join(sf.broadcast(verdicts), of_row, "left")
        .withColumn("rule", sf.coalesce("verdict", "rule"))
        .drop("day", "row", "verdict")
    )


def _broken_by_themselves(events: DataFrame, users: DataFrame, products: DataFrame) -> DataFrame:
    price, quantity = sf.col("unit_price"), sf.col("quantity")
    is_return = sf.col("event_type") == "return"
    billed = sf.col("event_type").isin("purchase", "return")
    other_day = sf.to_date("event_ts") != sf.col("event_date")
    long_ago = sf.col("event_ts") < sf.col("arrived_at") - sf.expr("INTERVAL 365 DAYS")
    broken = {
        "no_consent": ~sf.coalesce("consent", sf.lit(False)),
        "missing_event_id": blank("event_id"),
        "missing_user": blank("user_id"),
        "missing_product": blank("product_id"),
        "unreadable_timestamp": sf.col("event_ts").isNull(),
        "implausible_timestamp": (
            sf.col("event_ts") > sf.col("arrived_at") + sf.expr("INTERVAL 5 MINUTES")
        )
        | (other_day & long_ago),
        "outside_partition": other_day,
        "unknown_event_type": ~sf.coalesce(sf.col("event_type").isin(*WEIGHTS), sf.lit(False)),
        "unknown_product": sf.col("kind").isNull(),
        "service_line": sf.col("kind") == "service",
        "anomalous_code": sf.col("kind") == "anomalous",
        "unreadable_quantity": sf.col("quantity_text").isNotNull()
        | sf.isnan(quantity)
        | (sf.abs(quantity) == float("inf")),
        "invalid_quantity": quantity.isNull()
        | (sf.abs(quantity) > 1e9)
        | (is_return & (quantity >= 0))
        | (~is_return & (quantity <= 0)),
        "unreadable_price": sf.col("unit_price_text").isNotNull()
        | sf.isnan(price)
        | (sf.abs(price) == float("inf"))
        | (price > 1e9),
        "negative_price": price < 0,
        "zero_price": billed & (price == 0),
    }
    rule = sf.coalesce(*(sf.when(when, sf.lit(name)) for name, when in broken.items()))
    return (
        events.join(products.select("product_id", "kind"), "product_id", "left")
        .join(users, "user_id", "left")
        .withColumn("event_ts", instant("timestamp"))
        .withColumn("rule", rule)
    )


def interactions(rows: DataFrame) -> DataFrame:
    """The mart from cleaned events. Days stay together: for the windows and as files."""
    visitor_day = Window.partitionBy("user_id", "event_date", "arrival_date").orderBy(
        "event_ts", "event_id"
    )
    gap = sf.unix_micros("event_ts") - sf.lag(sf.unix_micros("event_ts")).over(visitor_day)
    price = sf.col("unit_price")
    billed = sf.col("event_type").isin("purchase", "return")
    late = sf.concat(sf.lit("-"), sf.date_format("arrival_date", "yyyyMMdd"))
    session_id = sf.concat(
        "user_id",
        sf.lit("-"),
        sf.date_format("event_date", "yyyyMMdd"),
        sf.lit("-"),
        sf.col("number").cast("string"),
        sf.when(sf.col("arrival_date") == sf.col("event_date"), "").otherwise(late),
    )
    return (
        rows.filter("rule IS NULL")
        .withColumn("user_id", sf.col("pseudonym"))
        .withColumn("arrival_date", sf.to_date("arrived_at"))
        .repartition("event_date")
        .withColumn("gap", gap)
        .withColumn("opens", sf.when(sf.col("gap") <= 30 * 60 * 1_000_000, 0).otherwise(1))
        .withColumn("number", sf.sum("opens").over(visitor_day))
        .select(
            "event_date", "source_row", "event_id", "user_id", "product_id", "event_type",
            "event_ts", "arrived_at", "arrival_date",
            session_id.alias("session_id"),
            "quantity",
            "unit_price",
            sf.when(billed, sf.col("quantity") * price).otherwise(0.0).alias("amount"),
            choose("event_type", WEIGHTS).alias("weight"),
            "order_id", "related_event_id",
        )
    )  # fmt: skip


def quarantine(rows: DataFrame) -> DataFrame:
    """Rejected events with the column and value that break their rule."""

    def number(name: str) -> Column:
        digits = sf.round(name, 6).cast("decimal(20,6)").cast("string")
        return sf.coalesce(f"{name}_text", sf.regexp_replace(digits, "[.]?0+$", ""))

    texts = {
        "consent": sf.col("consent").cast("string"),
        "quantity": number("quantity"),
        "unit_price": number("unit_price"),
        **{name: sf.col(name) for name in ("event_id", "product_id", "timestamp", "event_type")},
    }
    value = sf.coalesce(*(sf.when(sf.col("column") == name, text) for name, text in texts.items()))
    return (
        rows.filter("rule IS NOT NULL")
        .withColumn("column", choose("rule", COLUMN_OF_RULE).cast("string"))
        .select(
            "event_date", "source_row", "event_id", "product_id", "arrived_at", "rule", "column",
            value.alias("value"),
        )
    )  # fmt: skip


def counts() -> list[Column]:
    """Events of each type in a group."""
    return [
        sf.count(sf.lit(1)).alias("events"),
        *(sf.count_if(sf.col("event_type") == kind).alias(name) for name, kind in COUNTED.items()),
    ]


def cents(amount: Column) -> Column:
    """Money in a group, as a whole number."""
    return sf.sum(sf.round(amount * 100).cast("long"))


def different(column: str) -> Column:
    """Distinct values in a group: small sets, and no second shuffle as of `count_distinct`."""
    return sf.size(sf.collect_set(column)).cast("long")


def sessions(mart: DataFrame) -> DataFrame:
    """One row per session."""
    bought = sf.when(sf.col("event_type") == "purchase", sf.col("amount")).otherwise(0.0)
    lasted = sf.unix_micros("ended_at") - sf.unix_micros("started_at")
    return (
        mart.groupBy("event_date", "session_id", "user_id", "arrival_date")
        .agg(
            *counts(),
            sf.min("event_ts").alias("started_at"),
            sf.max("event_ts").alias("ended_at"),
            different("product_id").alias("products"),
            cents(bought).alias("cents"),
            sf.max(choose("event_type", DEPTHS)).alias("deepest"),
        )
        .select(
            "event_date", "session_id", "user_id", "arrival_date", "started_at", "ended_at",
            (lasted / 1_000_000).alias("duration_s"),
            "events", "products", "views", "add_to_carts", "purchases",
            (sf.col("cents") / 100).alias("revenue"),
            sf.element_at(sf.array(*map(sf.lit, DEPTHS)), sf.col("deepest") + 1).alias("depth"),
            ((sf.col("add_to_carts") > 0) & (sf.col("purchases") == 0)).alias("abandoned_cart"),
        )
    )  # fmt: skip


def temporal_features(mart: DataFrame, products: DataFrame) -> DataFrame:
    """Time features of every event; one shuffle by user serves all windows."""

    def since(*group: str) -> Column:
        earlier = Window.partitionBy(*group).orderBy("event_ts", "event_id")
        earlier = earlier.rowsBetween(Window.unboundedPreceding, -1)
        gap = sf.col("us") - sf.last("known_us", ignorenulls=True).over(earlier)
        return sf.when(gap <= LOOK_BACK_US, gap / 1_000_000)

    session = Window.partitionBy("user_id", "session_id")
    weekday = (sf.weekday("event_ts") + 1).cast("long")
    punctual = sf.col("arrival_date") <= sf.col("event_date")
    return (
        mart.select("event_date", "event_id", "user_id", "product_id", "event_ts", "arrival_date",
                    "session_id")
        .join(products.select("product_id", "category"), "product_id", "left")
        .repartition("user_id")
        .withColumn("us", sf.unix_micros("event_ts"))
        .withColumn("known_us", sf.when(punctual, sf.col("us")))
        .select(
            "event_date", "event_id", "user_id", "product_id", "event_ts", "arrival_date",
            since("user_id").alias("seconds_since_last_event"),
            since("user_id", "product_id").alias("seconds_since_last_product"),
            sf.when(sf.col("category").isNotNull(), since("user_id", "category"))
            .alias("seconds_since_last_category"),
            sf.hour("event_ts").cast("long").alias("hour"),
            weekday.alias("weekday"),
            (weekday >= 6).alias("is_weekend"),
            sf.row_number().over(session.orderBy("event_ts", "event_id")).cast("long")
            .alias("session_position"),
            ((sf.col("us") - sf.min("us").over(session)) / 1_000_000).alias("session_elapsed_s"),
        )
    )  # fmt: skip


def user_daily(mart: DataFrame, lake: Lake, users: DataFrame) -> DataFrame:
    """Daily totals of users."""
    day = ("event_date", "user_id", "arrival_date")
    acted = mart.groupBy(*day).agg(
        *counts(),
        sf.lit(0).cast("long").alias("searches"),
        different("session_id").alias("sessions"),
        different("product_id").alias("products"),
        cents(sf.col("amount")).alias("cents"),
        sf.sum("weight").alias("weight"),
    )
    measures = [name for name in acted.columns if name not in day]
    searched = (
        lake.read(lake.raw, "search_logs")
        .filter(sf.col("consent") & ~blank("user_id"))
        .filter(sf.to_date(instant("timestamp")) == sf.col("event_date"))
        .join(users, "user_id")
        .groupBy(
            "event_date", sf.col("pseudonym").alias("user_id"),
            sf.to_date("arrived_at").alias("arrival_date"),
        )
        .agg(
            *(
                (sf.count(sf.lit(1)) if name == "searches" else sf.lit(0)).cast(type_).alias(name)
                for name, type_ in acted.select(measures).dtypes
            )
        )
    )  # fmt: skip
    both = acted.unionByName(searched).groupBy(*day)
    return _in_money(both.agg(*(sf.sum(name).alias(name) for name in measures)))


def item_daily(mart: DataFrame) -> DataFrame:
    """Daily totals of products."""
    return _in_money(
        mart.groupBy("event_date", "product_id", "arrival_date").agg(
            *counts(),
            sf.count_distinct("user_id").alias("users"),  # thousands: too many for a set
            cents(sf.col("amount")).alias("cents"),
            sf.sum("weight").alias("weight"),
        )
    )


def _in_money(daily: DataFrame) -> DataFrame:
    return daily.withColumn("revenue", sf.col("cents") / 100).drop("cents")


def snapshots(daily: DataFrame, days: list[date], entity: str, names: list[str]) -> DataFrame:
    """Trailing windows at the end of each day; only daily rows are shuffled, not their windows."""
    acted = sf.col("events") > 0
    first = sf.min(sf.when(acted, sf.col("arrival_date"))).over(
        Window.partitionBy(entity, "event_date")
    )
    known_from = sf.greatest("event_date", "arrival_date")
    until = sf.least(sf.date_add("event_date", max(WINDOWS) - 1), sf.lit(days[-1]))
    seen = (
        daily.repartition(entity)
        .withColumn("active", (acted & (sf.col("arrival_date") == first)).cast("long"))
        .filter(known_from <= until)
        .withColumn("as_of", sf.explode(sf.sequence(known_from, until)))
        .withColumn("age", sf.date_diff("as_of", "event_date").cast("long"))
    )

    def within(window: int, value: Column) -> Column:
        return sf.sum(sf.when(sf.col("age") < window, value).otherwise(0))

    views = sf.col("views_30d")
    return (
        seen.groupBy("as_of", entity)
        .agg(
            *(
                within(window, sf.col(name)).alias(f"{name}_{window}d")
                for name in names
                for window in WINDOWS
            ),
            *(
                (within(window, sf.round(sf.col("revenue") * 100).cast("long")) / 100)
                .alias(f"revenue_{window}d")
                for window in WINDOWS
            ),
            sf.sum("active").alias("active_days_30d"),
            sf.min(sf.when(acted, sf.col("age"))).alias("days_since_last_event"),
        )
        .filter("events_30d > 0")
        .withColumn("conversion_30d", sf.when(views > 0, sf.col("purchases_30d") / views))
    )  # fmt: skip


def fill(lake: Lake, key: bytes) -> None:
    """All tables, one after the other."""
    with timed("identifiers"):
        users = pseudonyms(lake, key)
        products = sf.broadcast(
            lake.spark.read.format("delta")
            .load(str(lake.raw / "products"))
            .groupBy("product_id")
            .agg(sf.min("kind").alias("kind"), sf.min("category").alias("category"))
        )
    with timed("mart/user_item_interactions"):
        rows = cleaned(lake, users, products)
        lake.write("mart/user_item_interactions", interactions(rows))
    with timed("mart/quarantine"):
        lake.write("mart/quarantine", quarantine(rows))
    mart = lake.read(lake.lake, "mart/user_item_interactions")
    with timed("mart/sessions"):
        lake.write("mart/sessions", sessions(mart))
    with timed("features/temporal_features"):
        lake.write("features/temporal_features", temporal_features(mart, products))
    with timed("features/user_daily"):
        lake.write("features/user_daily", user_daily(mart, lake, users))
    with timed("features/item_daily"):
        lake.write("features/item_daily", item_daily(mart))
    with timed("feature_store/user_features"):
        daily = lake.read(lake.lake, "features/user_daily")
        names = ["events", *COUNTED, "sessions", "searches"]
        lake.write(
            "feature_store/user_features", snapshots(daily, lake.days, "user_id", names), "as_of"
        )
    with timed("feature_store/item_features"):
        daily = lake.read(lake.lake, "features/item_daily").withColumnRenamed("users", "user_days")
        names = ["events", *COUNTED, "user_days"]
        lake.write(
            "feature_store/item_features", snapshots(daily, lake.days, "product_id", names), "as_of"
        )


def main() -> None:
    """Fill the lake."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--first", type=date.fromisoformat, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--key", type=str.encode, required=True)
    parser.add_argument("--seconds", type=Path, required=True)
    parser.add_argument("--conf", type=Path, required=True)
    given = parser.parse_args()
    builder = SparkSession.builder
    for name, value in json.loads(given.conf.read_text()).items():
        builder = builder.config(name, value)
    with timed("session"):
        spark = builder.getOrCreate()
    days = [given.first + timedelta(number) for number in range(given.days)]
    fill(Lake(spark, given.raw, given.lake, days), given.key)
    spark.stop()
    given.seconds.write_text(json.dumps(seconds))


if __name__ == "__main__":
    main()
