"""Kill a small run at random moments, let it end at last, and compare it with an undisturbed one.

    python performance/kills.py --kills 200

Homes are killed `--per-home` times each with SIGKILL, at moments drawn from how long a first run
takes (measured again whenever one ends before its kill, since the machine may have other work),
then run to the end and once more. Differences: tables whose content hashes are not those of the
undisturbed home, files that runs leave next to the lake and that are lost, an online store that
cannot be read or holds other rows, Dagster runs that stay open, and a last run that does anything.
Prints each as it is found and a count at the end; exit code 1 if there is any.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from persona_assets.lake import DeltaStore
from persona_assets.lake.content_hash import render
from persona_assets.orchestration.runs import missing
from persona_assets.orchestration.runs.owners import UNFINISHED
from persona_assets.serving.online.opening import open_store
from persona_assets.tables import TABLES

SHOP = (
    "run", "--source", "synthetic", "--start", "2025-01-01", "--end", "2025-01-22",
    "--users", "40", "--products", "30", "--seed", "7", "--weeks", "1",
)  # fmt: skip
SHORTEST = 2.0
NOTHING = "Nothing changed since the last run"


@dataclass
class Counted:
    """What became of all homes."""

    homes: int = 0
    kills: int = 0
    ended_before: int = 0
    differences: list[str] = field(default_factory=list)


def started(home: Path) -> "subprocess.Popen[str]":
    """`persona run` of the shop over `home`, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "persona_assets.cli", *SHOP],
        env={**os.environ, "PERSONA_HOME": str(home), "DAGSTER_HOME": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(home: Path) -> str:
    """What a run that is left alone says; raises RuntimeError where it fails."""
    process = started(home)
    _, said = process.communicate()
    if process.returncode:
        raise RuntimeError(f"exit {process.returncode}: {said.strip()[-500:]}")
    return said


def hashes(home: Path) -> dict[str, str]:
    """Table and partition → content hash."""
    store = DeltaStore(str(home / "lake"))
    return {
        f"{path} {key}".strip(): render(rows, total)
        for path, table in TABLES.items()
        if store.exists(table)
        for key, (rows, total) in store.digests(table).items()
    }


def files(home: Path) -> set[str]:
    """What runs leave next to the lake; snapshots of the online store are named by the clock."""
    return {re.sub(r"/snapshots/[^/]+/", "/snapshots/*/", name) for name in missing.files_of(home)}


def online(home: Path) -> dict[str, int]:
    """View → rows of the published snapshot, whose file is as it was written."""
    backend = open_store(home).backend
    backend.verify()
    manifest = backend.manifest()
    return {name: view.rows for name, view in manifest.views.items()} if manifest else {}


def killed(home: Path, after: float) -> bool:
    """Run and kill after so many seconds; False where the run had ended before."""
    process = started(home)
    try:
        process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    return False


def differences(home: Path, undisturbed: Path) -> list[str]:
    """In what a home that was run to its end differs from the undisturbed one."""
    try:
        ended(home)
        again = ended(home)
    except RuntimeError as error:
        return [f"the run after the kills failed: {error}"]
    found = [] if NOTHING in again else [f"a run over the finished home did work: {again.strip()}"]
    expected, got = hashes(undisturbed), hashes(home)
    found += [
        f"{name}: {got.get(name)}, undisturbed {expected.get(name)}"
        for name in sorted(expected.keys() | got.keys())
        if expected.get(name) != got.get(name)
    ]
    found += [f"{name} is not there" for name in sorted(files(undisturbed) - files(home))]
    if (published := online(home)) != (wanted := online(undisturbed)):
        found.append(f"online store: {published}, undisturbed {wanted}")
    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    with dg.DagsterInstance.get() as instance:
        unfinished = instance.get_runs(dg.RunsFilter(statuses=list(UNFINISHED)))
        found += [f"Dagster run {run.run_id} of {run.job_name} stays open" for run in unfinished]
    return found


def main() -> int:
    """Kill, run to the end, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--per-home", type=int, default=5)
    parser.add_argument("--seed", type=int, default=12)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    counted = Counted()
    with tempfile.TemporaryDirectory(prefix="persona-kills-") as folder:
        undisturbed = Path(folder) / "undisturbed"
        clock = time.perf_counter()
        ended(undisturbed)
        longest = time.perf_counter() - clock
        print(f"undisturbed: {longest:.0f} s, {len(hashes(undisturbed))} partitions", flush=True)
        while counted.kills < asked.kills:
            home = Path(folder) / f"home-{counted.homes}"
            moments: list[str] = []
            for _ in range(min(asked.per_home, asked.kills - counted.kills)):
                moment = chance.uniform(SHORTEST, max(longest, 2 * SHORTEST))
                clock = time.perf_counter()
                if killed(home, moment):
                    counted.kills += 1
                    moments.append(f"{moment:.1f}")
                else:
                    counted.ended_before += 1
                    if not moments:
                        longest = time.perf_counter() - clock
                    break
            found = differences(home, undisturbed)
            counted.differences += found
            counted.homes += 1
            print(
                f"home {counted.homes}, killed after {', '.join(moments) or 'no'} s: "
                f"{len(found)} differences, {counted.kills} kills so far",
                *found,
                sep="\n  ",
                flush=True,
            )
            shutil.rmtree(home)
    print(
        f"{counted.kills} kills in {counted.homes} homes, {counted.ended_before} runs ended before "
        f"theirs: {len(counted.differences)} differences"
    )
    return 1 if counted.differences else 0


if __name__ == "__main__":
    sys.exit(main())
