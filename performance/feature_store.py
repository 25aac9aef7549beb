r"""Features joined at a point in time: ours, by hand in Polars, and Feast's offline stores.

    python performance/feature_store.py --rows 10000000 [--people 20000] [--days 365] [--runs 3]
    python -m venv /tmp/feast && /tmp/feast/bin/pip install 'feast[duckdb]'
    python performance/feature_store.py --rows 100000 --feast /tmp/feast/bin/python

A year of daily snapshots of people, of whom a share is active each day, lies in a Delta table of
the lake (for Feast: in one Parquet file with the same rows, since its local stores read that). Each
of `--rows` pairs of person and time is joined to 20 features as they were known then. Each way runs
in a fresh process; its seconds are those from files to rows in memory, imports left out, and the
least of the runs. Memory is the peak of the process.

Ours and the two by hand must give the same rows (content hash); of Feast, rows, nulls and the sum
of every feature are compared, and what differs is printed. Its `dask` store, the default, joins
each pair to all rows of its person before it filters; `duckdb` is the other one for one machine.
"""

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from process_usage import watch

from persona_assets.feature_store.historical_features import get_historical_features
from persona_assets.feature_store.registry import view
from persona_assets.lake import DeltaStore
from persona_assets.lake.content_hash import content_hash
from persona_assets.tables.feature_store import USER_FEATURES

HERE = Path(__file__).parent
FIRST = date(2025, 1, 1)
FEATURES = 20
ACTIVE = 0.6
"""Share of the people with a row on a day."""
BATCH = 30
"""Days generated and written at a time."""
OURS, JOIN, ASOF = "ours", "by hand, join on the day", "by hand, join_asof"
FEAST = {"dask": "Feast, dask (its default)", "duckdb": "Feast, DuckDB"}
ONE_DAY = timedelta(days=1)


def names() -> list[str]:
    """The features that are joined."""
    return [feature.name for feature in view("user_features").features[:FEATURES]]


def generate(work: Path, people: int, days: int, rows: int) -> None:
    """The table, its copy for Feast, and the entities; what is there already is kept."""
    store = DeltaStore(str(work / "lake"))
    if not store.exists(USER_FEATURES):
        _write_snapshots(store, people, days)
        table = pl.scan_delta(store.uri(USER_FEATURES))
        at = pl.col("as_of").cast(pl.Datetime("us", "UTC")) + ONE_DAY
        table.select("user_id", *names(), event_timestamp=at).sink_parquet(work / "feast.parquet")
    if not (file := work / f"entities-{rows}.parquet").exists():
        random = np.random.default_rng(2)
        micros = days * 86_400_000_000
        start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
        offsets = pl.Series(random.integers(0, micros, rows)).cast(pl.Duration("us"))
        pl.DataFrame(
            {
                "user_id": _people(people).gather(random.integers(0, people, rows)),
                "timestamp": pl.select(pl.lit(start, pl.Datetime("us", "UTC")) + offsets)
                .to_series()
            }
        ).write_parquet(file)  # fmt: skip


def _people(number: int) -> pl.Series:
    return pl.Series([f"{each * 0x9E3779B97F4A7C15 % 2**128:032x}" for each in range(number)])


def _write_snapshots(store: DeltaStore, people: int, days: int) -> None:
    random = np.random.default_rng(1)
    everybody = _people(people)
    for first in range(0, days, BATCH):
        batch = [FIRST + timedelta(days=each) for each in range(first, min(first + BATCH, days))]
        active = [np.flatnonzero(random.random(people) < ACTIVE) for _ in batch]
        size = sum(map(len, active))
        columns: dict[str, Any] = {
            "as_of": np.repeat(np.array(batch, dtype="datetime64[D]"), list(map(len, active))),
            "user_id": everybody.gather(np.concatenate(active)),
        }
        for column in USER_FEATURES.columns[2:]:
            values = random.integers(1, 30, size)
            columns[column.name] = values / 8 if column.type == "float64" else values
        frame = pl.DataFrame(columns).cast(dict(USER_FEATURES.polars_schema))
        store.overwrite(USER_FEATURES, frame, partitions=batch)


def ours(work: Path, entities: pl.DataFrame) -> pl.DataFrame:
    """`get_historical_features` over the lake."""
    store = DeltaStore(str(work / "lake"))
    asked = [f"user_features:{name}" for name in names()]
    found = get_historical_features(store, entities, asked).collect()
    return found.rename({f"user_features__{name}": name for name in names()})


def join_by_hand(work: Path, entities: pl.DataFrame) -> pl.DataFrame:
    """What somebody writes who knows that there is one snapshot a day and it holds for a day."""
    table = pl.scan_delta(str(work / "lake" / USER_FEATURES.path))
    return (
        entities.lazy()
        .with_columns(as_of=pl.col("timestamp").dt.date() - ONE_DAY)
        .join(
            table.select("as_of", "user_id", *names()),
            on=["as_of", "user_id"],
            how="left",
            maintain_order="left",
        )
        .drop("as_of")
        .collect()
    )


def asof_by_hand(work: Path, entities: pl.DataFrame) -> pl.DataFrame:
    """What somebody writes who knows `join_asof`."""
    table = pl.scan_delta(str(work / "lake" / USER_FEATURES.path))
    at = pl.col("as_of").cast(pl.Datetime("us", "UTC")) + ONE_DAY
    features = table.select("user_id", *names(), timestamp=at).sort("timestamp")
    return (
        entities.lazy()
        .with_row_index("row")
        .sort("timestamp")
        .join_asof(
            features,
            on="timestamp",
            by="user_id",
            tolerance=ONE_DAY - timedelta(microseconds=1),
            check_sortedness=False,
        )
        .sort("row")
        .drop("row")
        .collect()
    )


WAYS: dict[str, Callable[[Path, pl.DataFrame], pl.DataFrame]] = {
    OURS: ours, JOIN: join_by_hand, ASOF: asof_by_hand,
}  # fmt: skip


def measured_here(work: Path, way: str, rows: int) -> dict[str, object]:
    """One way in this process: its seconds, and what came out."""
    entities = pl.read_parquet(work / f"entities-{rows}.parquet")
    wall, processor = time.perf_counter(), time.process_time()
    found = WAYS[way](work, entities)
    seconds = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
    assert found.select(entities.columns).equals(entities), "rows or their order were changed"
    sums = {name: float(found[name].sum()) for name in names()}
    nulls = {name: found[name].null_count() for name in names()}
    return seconds | {
        "rows": found.height,
        "hash": content_hash(found),
        "sums": sums,
        "nulls": nulls,
    }


def run(words: Sequence[str], work: Path) -> dict[str, Any]:
    """A command that prints JSON on its last line, and its peak memory in GB."""
    log = work / "output.txt"
    with log.open("wb") as output:
        usage = watch(words, os.environ | {"PYTHONPATH": str(HERE.parent)}, output)
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    if usage.code:
        return {"failed": f"exit code {usage.code}: {text.splitlines()[-1:] or ''}",
                "peak": usage.peak}  # fmt: skip
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    return found | {"peak": usage.peak}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--feast", help="Python with feast installed")
    parser.add_argument("--stores", default="duckdb,dask", help="of Feast")
    parser.add_argument("--work", type=Path, help="folder that is kept")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        print(json.dumps(measured_here(given.work, given.way, given.rows)))
        return
    work = given.work or Path(tempfile.mkdtemp(prefix="feature-store-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        generate(work, given.people, given.days, given.rows)
        _report(given, work)
    finally:
        if given.work is None:
            shutil.rmtree(work)


def _report(given: argparse.Namespace, work: Path) -> None:
    shared = ["--work", str(work), "--rows", str(given.rows)]
    commands = {way: [sys.executable, __file__, *shared, "--way", way] for way in WAYS}
    for store in given.stores.split(",") if given.feast else ():
        script = str(HERE / "by_hand" / "feast_script.py")
        commands[FEAST[store]] = [
            given.feast, script, *shared, "--store", store, "--features", ",".join(names())
        ]  # fmt: skip
    snapshots = sum(DeltaStore(str(work / "lake")).partition_rows(USER_FEATURES).values())
    print(f"{given.rows:,} rows × {FEATURES} features, {snapshots:,} snapshots of "
          f"{given.people:,} people in {given.days} days")  # fmt: skip
    print("| way | wall, s | processor, s | peak memory, GB | × ours (processor) | differs |")
    print("|---|---:|---:|---:|---:|---|")
    first: dict[str, Any] = {}
    for way, words in commands.items():
        runs = [run(words, work) for _ in range(given.runs)]
        good = [each for each in runs if "failed" not in each]
        if not good:
            print(f"| {way} | {runs[0]['failed']} | | {runs[0]['peak']:.1f} | | |")
            continue
        least = {key: min(each[key] for each in good) for key in ("wall", "processor")}
        first = first or (good[0] | least)
        print(
            f"| {way} | {least['wall']:.1f} | {least['processor']:.1f} | "
            f"{max(each['peak'] for each in good):.1f} | "
            f"{least['processor'] / first['processor']:.2f} | {_difference(good[0], first)} |",
            flush=True,
        )


def _difference(found: dict[str, Any], ours: dict[str, Any]) -> str:
    """In what a result is not ours; empty where it is the same."""
    if found["rows"] != ours["rows"]:
        return f"{found['rows']:,} rows"
    if found["nulls"] != ours["nulls"]:
        return "other nulls"
    if "hash" in found:
        return "" if found["hash"] == ours["hash"] else "other values"
    sums = ((total, ours["sums"][name]) for name, total in found["sums"].items())
    return "" if all(math.isclose(*both, rel_tol=1e-9) for both in sums) else "other values"


if __name__ == "__main__":
    main()
