"""What the service takes: open-loop load, durable events, and switches while it answers.

    PERSONA_HOME=HOME python performance/serving.py --model two_stage --seconds 60

Serves a copy of the home in a process pinned to one core, loads it from another core, and prints
one table. Latencies count from the time at which a request was due, not from when it could be sent.
Nothing is asserted: times belong to the machine that took them, and the first line says how busy it
was.
"""

import argparse
import itertools
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
from open_loop import HOST, Load, Request, Taken, arrivals, get, post, run

from persona_assets import settings as settings_module
from persona_assets.lake import DeltaStore
from persona_assets.serving.online.materialization import materialize
from persona_assets.serving.online.opening import open_store
from persona_assets.tables.raw import EVENTS
from persona_assets.tables.serving import CHAMPION

READY_SECONDS = 300.0
STRANGERS = 0.2
"""Share of the requests for somebody whom nobody knows."""
BATCH = 100
FLOOD_CONNECTIONS = 16
SHOPS_RATE = "1000000"
"""Requests per second that a key may make: more than are made here."""


@dataclass
class Shop:
    """Whom and what is asked for.

    Attributes:
        people: as the shop names them.
        products: identifiers.
        model: asked for by name; empty: the champion.
        random: of the choice, seeded.
    """

    people: list[str]
    products: list[str]
    model: str
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(14))

    def asking(self) -> bytes:
        """A request for somebody's list."""
        stranger = self.random.random() < STRANGERS
        return self.list_of(uuid.uuid4().hex if stranger else self.one_of(self.people))

    def one_of(self, names: list[str]) -> str:
        """One of them, each as likely."""
        return names[int(self.random.integers(len(names)))]

    def list_of(self, person: str) -> bytes:
        """A request for this person's list."""
        model = f"&model={self.model}" if self.model else ""
        return get(f"/api/recommendations?user_id={quote(person)}&k=10{model}")

    def event(self, **known: str) -> dict[str, object]:
        """Somebody looks at something."""
        return {
            "event_id": uuid.uuid4().hex,
            "event_type": "view",
            "user_id": self.one_of(self.people),
            "product_id": self.one_of(self.products),
            "consent": True,
            **known,
        }

    def posting(self, events: int = 1) -> bytes:
        """A request that brings events."""
        found = [self.event() for _ in range(events)]
        return post("/api/events", json.dumps(found).encode())


@contextmanager
def served(home: Path, core: int | None) -> Iterator[tuple[int, int]]:
    """Port and process of a service over the home, pinned to a core."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "persona_assets.cli", "serve", "--port", str(port)],
        env={
            **os.environ,
            "PERSONA_HOME": str(home),
            "PERSONA_API_KEYS": "off",
            "PERSONA_RATE_LIMIT": SHOPS_RATE,
        },
        stdout=subprocess.DEVNULL,
    )
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    try:
        began = time.perf_counter()
        while True:
            if process.poll() is not None or time.perf_counter() - began > READY_SECONDS:
                raise RuntimeError("the service does not become ready")
            try:
                with socket.create_connection((HOST, port), timeout=5):
                    break
            except OSError:
                time.sleep(0.02)
        line("start to listening (and loaded), s", f"{time.perf_counter() - began:.1f}")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def line(what: str, *cells: object) -> None:
    """One row of the table."""
    print(f"{what:<58}" + "".join(f"{each!s:>14}" for each in cells), flush=True)


def told(what: str, taken: Taken) -> None:
    """One row about one kind of request."""
    quantiles = [f"{taken.quantile(share):.1f}" for share in (0.5, 0.99, 1.0)]
    line(what, len(taken.seconds), *quantiles, taken.errors)
    for status, count in sorted(taken.statuses.items()):
        if not 200 <= status < 300:
            line(f"  status {status}" if status else "  without an answer, twice", count)


def processor_seconds(process: int) -> float:
    """Of all threads of the process, so far; a busy machine lengthens it less than the clock."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def capacity(load: Load, shop: Shop, process: int, seconds: float) -> None:
    """Lists per second where each connection asks again at once."""
    taken = Taken()
    asked = [shop.asking() for _ in range(2_000)]
    end = time.perf_counter() + seconds

    def until_the_end() -> Iterator[tuple[bytes, Taken]]:
        for each in itertools.cycle(asked):
            if time.perf_counter() > end:
                return
            yield each, taken

    before = processor_seconds(process)
    took = await load.flood(until_the_end(), FLOOD_CONNECTIONS)
    each_took = 1e3 * (processor_seconds(process) - before) / len(taken.seconds)
    line("lists per second, 16 connections that always ask", f"{len(taken.seconds) / took:.0f}")
    line("  processor time of each, ms", f"{each_took:.2f}")


async def together(load: Load, shop: Shop, rate: float, events: float, seconds: float) -> None:
    """Lists are asked for while events are posted."""
    lists, posts = Taken(), Taken()
    requests = [
        Request(due, shop.asking(), lists) for due in arrivals(rate, seconds, shop.random)
    ] + [Request(due, shop.posting(), posts) for due in arrivals(events, seconds, shop.random)]
    await load.play(sorted(requests, key=lambda each: each.due))
    told(f"lists at {rate:.0f}/s for {seconds:.0f} s", lists)
    told(f"  meanwhile events at {events:.0f}/s, one a request", posts)


async def batches(load: Load, shop: Shop, rate: float, seconds: float) -> None:
    """Batches of events, durable before they are answered."""
    taken = Taken()
    requests = [
        Request(due, shop.posting(BATCH), taken) for due in arrivals(rate, seconds, shop.random)
    ]
    began = time.perf_counter()
    await load.play(requests)
    per_second = BATCH * len(taken.seconds) / (time.perf_counter() - began)
    told(f"batches of {BATCH} events at {rate:.0f}/s", taken)
    flooded = Taken()
    contents = ((shop.posting(BATCH), flooded) for _ in range(int(rate * seconds)))
    took = await load.flood(contents, 4)
    line(
        "  events per second: so asked, and at most (4 connections)",
        f"{per_second:.0f}",
        f"{BATCH * len(flooded.seconds) / took:.0f}",
    )


async def next_answers(load: Load, shop: Shop, times: int) -> None:
    """From posting an event to the end of an answer that knows it."""
    taken = Taken()
    wrong = 0
    for _ in range(times):
        person = uuid.uuid4().hex
        _, body = await load.ask(shop.list_of(person))
        top = json.loads(body)["recommendations"][0]["product_id"]
        event = shop.event(event_type="reject", user_id=person, product_id=top)
        began = time.perf_counter()
        status, _ = await load.ask(post("/api/events", json.dumps(event).encode()))
        _, body = await load.ask(shop.list_of(person))
        taken.seconds.append(time.perf_counter() - began)
        taken.statuses[status] += 1
        wrong += top in [each["product_id"] for each in json.loads(body)["recommendations"]]
    told("an event, and the next answer, which knows it", taken)
    if wrong:
        line("  answers that did not know it", wrong)


async def switching(load: Load, shop: Shop, home: Path, rate: float, seconds: float) -> None:
    """Lists and profiles while the champion and the snapshot of features are exchanged."""
    lists, profiles = Taken(), Taken()
    champion = Shop(shop.people, shop.products, "")
    requests = [
        Request(due, champion.asking(), lists) for due in arrivals(rate, seconds, shop.random)
    ]
    requests += [
        Request(due, get(f"/api/users/{quote(shop.one_of(shop.people))}/profile"), profiles)
        for due in arrivals(rate / 10, seconds, shop.random)
    ]
    done: list[str] = []
    thread = threading.Thread(target=exchange, args=(home, done), daemon=True)
    thread.start()
    await load.play(sorted(requests, key=lambda each: each.due))
    thread.join()
    told(f"lists at {rate:.0f}/s, {' and '.join(done)} exchanged", lists)
    told(f"  meanwhile profiles at {rate / 10:.0f}/s", profiles)


def exchange(home: Path, done: list[str]) -> None:
    """Commit the champion again, which is loaded as another one is, and publish features again."""
    current = settings_module.load({"PERSONA_HOME": str(home)})
    lake = DeltaStore(current.lake_root)
    time.sleep(2)
    lake.overwrite(CHAMPION, lake.read(CHAMPION))
    done.append("champion")
    time.sleep(8)
    store = open_store(home, None)
    manifest = materialize(store, lake)
    store.backend.approve(manifest.name)
    store.backend.publish()
    done.append("snapshot")


async def measure(
    asked: argparse.Namespace, port: int, process: int, home: Path, shop: Shop
) -> None:
    """All rows."""
    load = Load(port)
    await load.connect()
    for person in shop.people[:50]:  # what is compiled or loaded once is no part of an answer
        await load.ask(shop.list_of(person))
    await capacity(load, shop, process, asked.seconds / 6)
    print(f"{'':<58}{'requests':>14}{'p50, ms':>14}{'p99, ms':>14}{'most, ms':>14}{'errors':>14}")
    await together(load, shop, asked.rate, asked.events, asked.seconds)
    await batches(load, shop, asked.batches, asked.seconds / 6)
    await next_answers(load, shop, asked.answers)
    await switching(load, shop, home, asked.rate / 5, max(20.0, asked.seconds / 2))
    load.close()


def main() -> None:
    """Copy the home, serve it, load it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="", help="default: the champion")
    parser.add_argument("--rate", type=float, default=500, help="lists per second")
    parser.add_argument("--events", type=float, default=50, help="events per second meanwhile")
    parser.add_argument("--batches", type=float, default=50, help="batches of 100 per second")
    parser.add_argument("--answers", type=int, default=300, help="events whose effect is awaited")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--unpinned", action="store_true", help="let the service use all cores")
    asked = parser.parse_args()
    source = settings_module.load()
    store = DeltaStore(source.lake_root)
    days = sorted(store.partition_rows(EVENTS))
    rows = store.read(EVENTS, columns=["user_id", "product_id"])
    people = rows["user_id"].drop_nulls().unique().sort().to_list()
    products = rows["product_id"].drop_nulls().unique().sort().to_list()
    cores = sorted(os.sched_getaffinity(0))
    pinned = None if asked.unpinned or len(cores) < 2 else cores[0]
    print(
        f"{platform.machine()}, {len(cores)} cores, other work: load {os.getloadavg()[0]:.1f}; "
        f"{len(people):,} people, {len(products):,} products, {rows.height:,} events in "
        f"{len(days)} days; model {asked.model or 'that serves'}"
    )
    with tempfile.TemporaryDirectory(prefix="persona-serving-") as folder:
        home = Path(folder) / "home"
        shutil.copytree(source.home, home, ignore=shutil.ignore_patterns("dagster", "reports"))
        with served(home, pinned) as (port, process):
            if pinned is not None:
                os.sched_setaffinity(0, set(cores[1:]))
            run(measure(asked, port, process, home, Shop(people, products, asked.model)))


if __name__ == "__main__":
    main()
