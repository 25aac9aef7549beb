r"""The daily tables on four engines: ours on Polars and Spark, and the same written by hand.

    python performance/engines.py --events 1000000,10000000,50000000 \
        --engines polars,by_hand_polars,spark,by_hand_spark [--days 60] [--runs N] [--profile]

From raw Delta tables (events, searches, products of the synthetic shop, dirt included) to mart,
quarantine, sessions, temporal features, daily totals and snapshots. Each engine runs in a fresh
process; Spark on `local[2]` with the same options for both. Wall time is that of the process,
imports and the JVM's start included; memory is the peak of all its processes.

At the smallest size, the contents of all tables are compared between the engines by content hash,
floats to the last digit. What is ours also conforms rows to the contracts, describes its commits
and digests what it wrote; what is by hand does not.

With `--through-dagster` ours is the job `daily_tables` (less the raw tables), its checks included.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import raw_shop
from process_usage import Usage, watch

from persona_assets.lake import DeltaStore
from persona_assets.lake.spark_session import SparkOptions, configuration
from persona_assets.settings import PUBLIC_HASH_KEY
from persona_assets.tables import TABLES

HERE = Path(__file__).parent
ENGINES = ("polars", "by_hand_polars", "spark", "by_hand_spark")
MASTER = "local[2]"
MADE = (
    "mart/user_item_interactions",
    "mart/quarantine",
    "mart/sessions",
    "features/temporal_features",
    "features/user_daily",
    "features/item_daily",
    "feature_store/user_features",
    "feature_store/item_features",
)
_GB = 1e9


@dataclass(frozen=True)
class Measured:
    """One engine at one size: medians over the runs, the largest peak."""

    rows: int
    engine: str
    wall: float
    processor: float
    peak: float
    seconds: dict[str, float]


@dataclass(frozen=True)
class Benchmark:
    """What all measurements share."""

    work: Path
    days: int
    runs: int
    spark_conf: dict[str, str]
    through_dagster: bool

    def generate(self, events: int) -> str:
        """Make the raw tables, in a process of their own; what it took."""
        work = ["--work", str(self.work), "--events", str(events), "--days", str(self.days)]
        self.work.mkdir(parents=True, exist_ok=True)
        with (log := self.work / "raw.txt").open("wb") as file:
            words = [sys.executable, str(HERE / "raw_shop.py"), *work]
            usage = watch(words, os.environ, file)
        if usage.code:
            sys.exit(f"{log.read_text()}\nthe raw tables ended with {usage.code}")
        return (
            f"Raw tables of about {events:,} events: {usage.wall:.0f} s wall, "
            f"{usage.processor:.0f} s processor, peak {usage.peak:.2f} GB."
        )

    def measure(self, raw: Path, events: int, rows: int, engine: str) -> Measured:
        """Run an engine over raw tables, each time from nothing."""
        found = [self._once(raw, events, engine) for _ in range(self.runs)]
        steps = dict.fromkeys(step for _, seconds in found for step in seconds)
        return Measured(
            rows,
            engine,
            wall=statistics.median(usage.wall for usage, _ in found),
            processor=statistics.median(usage.processor for usage, _ in found),
            peak=max(usage.peak for usage, _ in found),
            seconds={
                step: statistics.median(seconds[step] for _, seconds in found) for step in steps
            },
        )

    def home(self, engine: str) -> Path:
        """Where an engine works."""
        return self.work / "homes" / engine

    def _once(self, raw: Path, events: int, engine: str) -> tuple[Usage, dict[str, float]]:
        home = self.home(engine)
        shutil.rmtree(home, ignore_errors=True)
        # Links, for nothing overwrites the raw tables' files.
        shutil.copytree(raw, home / "lake", copy_function=os.link)
        noted, log = home / "seconds.json", home / "log.txt"
        words = self._words(engine, home, events, noted)
        with log.open("wb") as file:
            usage = watch(words, self._environment(engine, home), file)
        if usage.code:
            sys.exit(f"{log.read_text()}\n{engine} ended with {usage.code}")
        return usage, json.loads(noted.read_text())

    def _words(self, engine: str, home: Path, events: int, noted: Path) -> list[str]:
        shared = ["--days", str(self.days), "--seconds", str(noted)]
        if not engine.startswith("by_hand"):
            if self.through_dagster:
                script = [str(HERE / "our_job.py"), "--events", str(events)]
            else:
                script = [str(HERE / "our_tables.py")]
            return [sys.executable, *script, *shared]
        lake = str(home / "lake")
        dialect = engine.removeprefix("by_hand_")
        words = [
            sys.executable, str(HERE / "by_hand" / f"{dialect}_script.py"), *shared,
            "--raw", f"{lake}/raw", "--lake", lake, "--first", raw_shop.FIRST.isoformat(),
            "--key", PUBLIC_HASH_KEY.decode(),
        ]  # fmt: skip
        if dialect == "spark":
            conf = home / "spark.json"
            options = SparkOptions(home / "spark.log", MASTER, self.spark_conf)
            conf.write_text(json.dumps(configuration(options)))
            words += ["--conf", str(conf)]
        return words

    def _environment(self, engine: str, home: Path) -> dict[str, str]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PERSONA_") and name != "DAGSTER_HOME"
        } | {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
        if engine in ("polars", "spark"):
            environment |= {"PERSONA_HOME": str(home), "PERSONA_ENGINE": engine}
        if engine == "spark":
            environment["PERSONA_SPARK_MASTER"] = MASTER
            environment["PERSONA_SPARK_CONF"] = json.dumps(self.spark_conf)
        return environment

    def digests(self, engine: str) -> dict[str, object]:
        """Rows and hash of every day of every table that the engine left."""
        store = DeltaStore(str(self.home(engine) / "lake"))
        return {path: store.digests(TABLES[path]) for path in MADE}


def machine() -> str:
    """Cores and memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB
    return f"{os.cpu_count()} cores, {memory:.0f} GB of memory"


def slope(found: Sequence[Measured], measured: Measured) -> str:
    """Growth of wall time from the next smaller size: the exponent of rows (1: linear)."""
    smaller = [m for m in found if m.engine == measured.engine and m.rows < measured.rows]
    if not smaller:
        return ""
    before = max(smaller, key=lambda each: each.rows)
    return f"{math.log(measured.wall / before.wall) / math.log(measured.rows / before.rows):.2f}"


def table(found: Sequence[Measured]) -> Iterator[str]:
    """The measurements as Markdown."""
    yield "| raw events | engine | wall, s | processor, s | peak memory, GB | events/s | slope |"
    yield "|---:|---|---:|---:|---:|---:|---:|"
    for each in found:
        yield (
            f"| {each.rows:,} | {each.engine} | {each.wall:.1f} | {each.processor:.1f} "
            f"| {each.peak:.2f} | {each.rows / each.wall:,.0f} | {slope(found, each)} |"
        )


def profile(found: Sequence[Measured]) -> Iterator[str]:
    """Seconds per table as Markdown, one column per engine, one block per size."""
    for rows in dict.fromkeys(each.rows for each in found):
        here = [each for each in found if each.rows == rows]
        yield ""
        yield f"| {rows:,} events, s | {' | '.join(each.engine for each in here)} |"
        yield f"|---|{'---:|' * len(here)}"
        for step in dict.fromkeys(step for each in here for step in each.seconds):
            cells = (f"{each.seconds[step]:.1f}" if step in each.seconds else "" for each in here)
            yield f"| {step} | {' | '.join(cells)} |"
        rest = (f"{each.wall - sum(each.seconds.values()):.1f}" for each in here)
        yield f"| start and end of the process | {' | '.join(rest)} |"


def compare(benchmark: Benchmark, engines: Sequence[str]) -> str:
    """Whether all engines left the same tables."""
    first, *others = engines
    expected = benchmark.digests(first)
    differences = [
        f"{path} of {other} differs from {first}"
        for other in others
        for path, digest in benchmark.digests(other).items()
        if digest != expected[path]
    ]
    if differences:
        sys.exit("\n".join(differences))
    return f"Same content hashes of all {len(MADE)} tables: {', '.join(engines)}."


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", default="1000000,10000000,50000000", help="sizes, with commas")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--runs", type=int, default=1, help="runs of which medians are taken")
    parser.add_argument(
        "--work", type=Path, default=Path(".persona-benchmark"), help="folder for the data"
    )
    parser.add_argument("--spark-memory", help="memory of Spark's driver, such as 8g")
    parser.add_argument("--profile", action="store_true", help="seconds per table as well")
    parser.add_argument("--through-dagster", action="store_true", help="ours as a Dagster job")
    given = parser.parse_args()
    engines = given.engines.split(",")
    if unknown := sorted(set(engines) - set(ENGINES)):
        parser.error(f"unknown engines {unknown}; choose from {', '.join(ENGINES)}")
    benchmark = Benchmark(
        given.work.absolute(),
        given.days,
        given.runs,
        {"spark.driver.memory": given.spark_memory} if given.spark_memory else {},
        given.through_dagster,
    )
    print(f"{machine()}; {given.days} days; medians of {given.runs} run(s)")
    found: list[Measured] = []
    sizes = sorted(int(size) for size in given.events.split(","))
    for events in sizes:
        if not raw_shop.is_there(benchmark.work, events, given.days):
            print(benchmark.generate(events))
        raw = raw_shop.lake(benchmark.work, events, given.days)
        rows = raw_shop.rows(benchmark.work, events, given.days)
        for engine in engines:
            found.append(benchmark.measure(raw, events, rows, engine))
            latest = found[-1]
            print(f"{rows:,} events, {engine}: {latest.wall:.1f} s", file=sys.stderr)
            if events != sizes[0]:  # only the smallest lakes are compared, the others are large
                shutil.rmtree(benchmark.home(engine))
        if events == sizes[0]:
            print(compare(benchmark, engines))
    print("", *table(found), *(profile(found) if given.profile else ()), sep="\n")


if __name__ == "__main__":
    main()
