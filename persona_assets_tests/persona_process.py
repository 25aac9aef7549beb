"""The `persona` command as a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

Process = subprocess.Popen[str]
COMMAND = [sys.executable, "-m", "persona_assets.cli"]
RUN_THE_SHOP = [
    "run", "--source", "synthetic", "--start", "2025-01-01", "--end", "2025-01-29",
    "--users", "150", "--products", "80", "--seed", "7",
]  # fmt: skip
"""Arguments of the `persona` command that describe the shop of the tests."""


class StartPersona(Protocol):
    """start_persona(home, *arguments[, VARIABLE=value]) → the running command."""

    def __call__(self, home: Path, *arguments: str, **environment: str) -> Process: ...


def start(home: Path, *arguments: str, **environment: str) -> Process:
    """The running command over `home`."""
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=inherited
        | {"PERSONA_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[1])}
        | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: Process) -> tuple[int, str, str]:
    """Exit code, output and errors of a command that is waited for."""
    output, errors = process.communicate(timeout=1_200)
    return process.returncode, output, errors


def wait_for_work(home: Path, processes: Sequence[Process]) -> None:
    """Until one of them is the one that writes to the home."""
    lock = home / "in_use.lock"
    names = [f"process {process.pid}," for process in processes]
    while not any(name in lock.read_text() for name in names):
        assert any(process.poll() is None for process in processes)
        time.sleep(0.01)
