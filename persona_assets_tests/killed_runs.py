"""A home whose first runs are killed before one is let to its end."""

import random
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from persona_assets.lake import DeltaStore
from persona_assets_tests import persona_process
from persona_assets_tests.graph_under_test import Hashes, hashes_of
from persona_assets_tests.persona_process import RUN_THE_SHOP, ended, wait_for_work


@dataclass(frozen=True)
class Survivor:
    """A home whose first runs were killed, and how the run that was not killed ended."""

    home: Path
    after_kills: Sequence[Hashes]
    exit_code: int
    stdout: str
    stderr: str
    rivals: Mapping[str, tuple[int, str, str]]
    """Command that was given while the run was at work → exit code, output and errors."""

    @property
    def store(self) -> DeltaStore:
        return DeltaStore(str(self.home / "lake"))


# One table of each stage of a run; the kill comes at a random moment after its next commit.
STAGES = (
    ("raw/events", "mart/user_item_interactions", "mart/sessions"),
    ("features/temporal_features", "feature_store/user_features", "features/user_daily"),
    ("features/item_embeddings", "models/als_model", "recommendations/top_k"),
)


def commits(home: Path, path: str) -> int:
    return len(list((home / "lake" / path / "_delta_log").glob("*.json")))


def survivor_in(home: Path) -> Survivor:
    """`persona run`, killed once in each stage at seeded moments, then run to its end."""
    chance = random.Random(20250120)
    after_kills = []
    for stage in STAGES:
        table, pause = chance.choice(stage), chance.uniform(0, 0.5)
        before = commits(home, table)
        process = persona_process.start(home, *RUN_THE_SHOP)
        while commits(home, table) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(pause)
        process.kill()
        # The pipe stays open for as long as anything that the killed process started lives on.
        _, errors = process.communicate(timeout=1_200)
        assert process.returncode == -signal.SIGKILL, f"ended before the kill: {errors}"
        after_kills.append(hashes_of(DeltaStore(str(home / "lake"))))
    at_once = [persona_process.start(home, *RUN_THE_SHOP) for _ in range(2)]
    wait_for_work(home, at_once)
    rivals = {
        arguments[0]: ended(persona_process.start(home, *arguments))
        for arguments in (("maintenance",), ("rekey", "--from-raw"), ("restate", "products"))
    }
    # Which of the two began first is chance; the other one has ended long ago.
    (code, output, errors), rivals["run"] = sorted(map(ended, at_once))
    return Survivor(home, after_kills, code, output, errors, rivals)
