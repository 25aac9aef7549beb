"""What a command and all its processes take: wall time, processor time, memory (Linux only).

Memory is the peak of the processes' proportional set sizes added up, sampled twice a second: what
processes share counts once.
"""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_SAMPLE_SECONDS = 0.5


@dataclass(frozen=True)
class Usage:
    """Exit code of a command, its wall and processor seconds, and its peak memory in GB."""

    code: int
    wall: float
    processor: float
    peak: float


def watch(words: Sequence[str], environment: Mapping[str, str], output: IO[bytes]) -> Usage:
    """Run a command to its end; what it says goes to `output`."""
    started, peak, processor = time.perf_counter(), 0, dict[int, float]()
    process = subprocess.Popen(words, env=environment, stdout=output, stderr=subprocess.STDOUT)
    while process.poll() is None:
        processes = tree(process.pid)
        peak = max(peak, sum(map(proportional_set_size, processes)))
        processor |= {
            each: max(processor_seconds(each), processor.get(each, 0.0)) for each in processes
        }
        time.sleep(_SAMPLE_SECONDS)
    wall = time.perf_counter() - started
    return Usage(process.returncode, wall, sum(processor.values()), peak / 1e6)


def tree(process: int) -> list[int]:
    """`process` and all its descendants."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except FileNotFoundError:
        return [process]
    return [process, *(each for child in children for each in tree(int(child)))]


def proportional_set_size(process: int) -> int:
    """Memory of one process in kB, shared pages divided among their users; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def processor_seconds(process: int) -> float:
    """Processor time of one process until now, user and system; 0 when it is gone."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = text.rpartition(")")[2].split()  # after the name, which may hold blanks
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
