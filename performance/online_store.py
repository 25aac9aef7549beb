"""Time of the online store: reading, writing, switching, and the live tail.

    python performance/online_store.py --users 100000 [--url redis://…]

Prints one table. Reads are of one entity and of 100, of a view with 20 features, in this process,
each timed on its own. Nothing is asserted: times belong to the machine that took them.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from persona_assets.serving.online.live_tail import LiveEvent, LiveTail
from persona_assets.serving.online.opening import open_store
from persona_assets.serving.online.packing import Layout
from persona_assets.serving.online.store import OnlineStore
from persona_assets.serving.online.views import OnlineView

VIEW = OnlineView(
    "user_features",
    1,
    "user_id",
    tuple((f"feature_{n}", "float64" if n % 2 else "int64") for n in range(20)),
    86_400,
)
READS = 50_000


def rows(users: int, generation: int) -> pl.DataFrame:
    """Random features of users with 32-digit names."""
    random = np.random.default_rng(generation)
    columns: dict[str, object] = {
        "user_id": [f"{n:032x}" for n in range(users)],
        "event_us": np.full(users, generation),
        "arrival_us": np.full(users, generation),
    }
    for name, type_ in VIEW.features:
        drawn = random.normal(size=users)
        columns[name] = drawn if type_ == "float64" else (drawn * 1000).astype("i8")
    return pl.DataFrame(columns, schema=Layout(VIEW).schema)


def publish(store: OnlineStore, frame: pl.DataFrame) -> float:
    """Write, approve and publish; seconds."""
    begun = time.perf_counter()
    with store.stage() as stage:
        stage.put(VIEW, frame)
        stage.describe(VIEW)
    store.backend.approve(stage.name)
    store.backend.publish()
    return time.perf_counter() - begun


def timed(calls: Iterator[Callable[[], object]]) -> np.ndarray:
    """Microseconds of each call."""
    found = []
    for call in calls:
        begun = time.perf_counter_ns()
        call()
        found.append(time.perf_counter_ns() - begun)
    return np.array(found) / 1000


def told(name: str, microseconds: np.ndarray) -> None:
    """Print percentiles."""
    p50, p99, p999 = np.percentile(microseconds, [50, 99, 99.9])
    print(f"{name:<44} {p50:>10.1f} {p99:>10.1f} {p999:>10.1f}  ({microseconds.size} calls)")


def reads(store: OnlineStore, names: Sequence[str]) -> None:
    """Print the times of reading."""
    random = np.random.default_rng(1)
    some = [names[n] for n in random.integers(0, len(names), READS)]
    for name in some[:2000]:
        store.read(VIEW.name, name)
    told("read, 1 id × 20 features", timed((lambda n=n: store.read(VIEW.name, n)) for n in some))
    many = [some[start : start + 100] for start in range(0, READS, 100)]
    told(
        "read_many, 100 ids × 20 features",
        timed((lambda m=m: store.read_many(VIEW.name, m)) for m in many),
    )


def tail(folder: Path) -> None:
    """Print the times of the live tail."""
    live = LiveTail(folder)
    events = [
        LiveEvent(f"e{n}", f"{n % 1000:032x}", f"p{n % 5000}", "view", n, n, 1.0, 9.5, "s", "r")
        for n in range(50_000)
    ]
    told("tail, append 1 event", timed((lambda e=e: live.append([e])) for e in events[:5000]))
    batches = [events[start : start + 100] for start in range(5000, 50_000, 100)]
    told("tail, append 100 events", timed((lambda b=b: live.append(b)) for b in batches))
    people = [f"{n % 1000:032x}" for n in range(5000)]
    told(
        "tail, the newest 20 events of a person",
        timed((lambda p=p: live.events_of(p, most=20)) for p in people),
    )
    told("tail, exclusions of a person", timed((lambda p=p: live.exclusions_of(p)) for p in people))
    told("tail, counts of a person", timed((lambda p=p: live.counts_of("user", p)) for p in people))
    told("tail, flush", timed(live.flush for _ in range(20)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--url")
    given = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as home:
        store = open_store(Path(home), given.url)
        frame = rows(given.users, 1)
        print(f"publish {given.users} rows: {publish(store, frame):.2f} s")
        print(f"{'':<44} {'p50 µs':>10} {'p99 µs':>10} {'p99.9 µs':>10}")
        reads(store, frame["user_id"].to_list())
        reader = open_store(Path(home), given.url)
        reader.read(VIEW.name, "")
        switches = []
        for generation in (2, 3, 4):
            publish(store, rows(given.users, generation))
            switches.append(timed(iter([lambda: reader.read(VIEW.name, "")])))
        told("first read after a switch", np.concatenate(switches))
        tail(Path(home) / "online" / "tail")


if __name__ == "__main__":
    main()
