"""Kill the service while events are posted: is every acknowledged event in the lake exactly once?

    python performance/event_kills.py --kills 50

Clients post batches without a pause and send again what they got no answer to. The service is
killed with SIGKILL at random moments and started again over the same home. The log is ingested at
random moments while the service runs, between two services, and at the end; then every acknowledged
event is looked for in `raw/collected_events`. Prints what was found; exit code 1 if an acknowledged
event is missing or any event is there twice.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from persona_assets.lake import DeltaStore
from persona_assets.serving.collector.ingest import FOLDER, ingest, ingest_home
from persona_assets.tables.collected import COLLECTED_EVENTS

HOST = "127.0.0.1"
BATCH = 5
CLIENTS = 3
READY_SECONDS = 120.0


@dataclass
class Posted:
    """What clients sent, and what was acknowledged."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    sent: int = 0
    again: int = 0
    acknowledged: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def started(home: Path, port: int) -> "subprocess.Popen[bytes]":
    """The service over `home`, when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "persona_assets.cli", "serve", "--port", str(port)],
        env={**os.environ, "PERSONA_HOME": str(home), "PERSONA_API_KEYS": "off"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the service ended with {process.returncode}")
        try:
            connection = http.client.HTTPConnection(HOST, port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return process
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise RuntimeError(f"the service was not ready within {READY_SECONDS:.0f} s")


def post(client: int, port: int, posted: Posted, end: threading.Event) -> None:
    """Post batches until the end; one that was not acknowledged is sent again."""
    number = 0
    connection: http.client.HTTPConnection | None = None
    while not end.is_set():
        ids = [f"{client}-{number}-{place}" for place in range(BATCH)]
        events = [
            {
                "event_id": each,
                "event_type": "view",
                "user_id": f"person {number % 50}",
                "product_id": f"product {number % 20}",
                # Of several days, so that several partitions are written.
                "event_time": f"2026-01-{1 + number % 5:02d}T12:00:00Z",
                "consent": True,
            }
            for each in ids
        ]
        try:
            if connection is None:
                connection = http.client.HTTPConnection(HOST, port, timeout=60)
            connection.request("POST", "/api/events", body=json.dumps(events))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            if connection is not None:
                connection.close()
            connection = None
            with posted.lock:
                posted.again += 1
                posted.errors[type(error).__name__] += 1
            time.sleep(0.02)
            continue
        with posted.lock:
            posted.sent += BATCH
            if answer.status == 202:
                posted.acknowledged += ids
            else:
                posted.errors[f"status {answer.status}"] += 1
        number += 1


def differences(store: DeltaStore, posted: Posted) -> list[str]:
    """What is not as it should be."""
    found = Counter(store.read(COLLECTED_EVENTS, columns=["event_id"])["event_id"])
    lost = [each for each in posted.acknowledged if not found[each]]
    twice = [each for each, times in found.items() if times > 1]
    refused = [f"{name}: {times}" for name, times in posted.errors.items() if "status" in name]
    return [
        *(f"acknowledged and not in the lake: {each}" for each in lost),
        *(f"in the lake more than once: {each}" for each in twice),
        *refused,
    ]


def run(home: Path, kills: int, seed: int, longest: float) -> list[str]:
    """Post, kill and start again; the differences at the end."""
    chance, store, posted = random.Random(seed), DeltaStore(str(home / "lake")), Posted()
    port, end = free_port(), threading.Event()
    process = started(home, port)
    clients = [
        threading.Thread(target=post, args=(client, port, posted, end)) for client in range(CLIENTS)
    ]
    for each in clients:
        each.start()
    try:
        for number in range(1, kills + 1):
            time.sleep(chance.uniform(0.05, longest))
            if chance.random() < 0.5:
                ingest(home / FOLDER, store)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if chance.random() < 0.3:  # between two services, as `persona run` does
                ingest_home(home, store)
            process = started(home, port)
            print(f"kill {number}: {len(posted.acknowledged):,} acknowledged so far", flush=True)
        time.sleep(longest)
    finally:
        end.set()
        for each in clients:
            each.join()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
    ingest_home(home, store)
    print(
        f"{posted.sent:,} events answered, {len(posted.acknowledged):,} acknowledged, "
        f"{posted.again} requests without an answer, "
        f"{sum(store.partition_rows(COLLECTED_EVENTS).values()):,} events in the lake"
    )
    return differences(store, posted)


def main() -> int:
    """Kill, start again, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--longest", type=float, default=2.0, help="seconds before a kill")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="persona-event-kills-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        found = run(home, asked.kills, asked.seed, asked.longest)
    print(*found[:20], sep="\n")
    print(f"{asked.kills} kills: {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
