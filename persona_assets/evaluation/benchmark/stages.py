"""Wall time, processor time and peak memory of each stage of a benchmark.

Belongs here: measuring this process. Does not belong here: what is measured (`run.py`).
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_STATUS = Path("/proc/self/status")
_SAMPLE_SECONDS = 0.02
"""Between two looks at the memory: what is held for less goes unseen."""


@dataclass
class Stages:
    """Measures by the name of the stage; repeated stages add up (peak: the highest).

    Attributes:
        seconds: by the clock.
        processor_seconds: of all threads of this process: what busy machines do not lengthen.
        peak_mb: memory of the process at its highest [MB].
    """

    seconds: dict[str, float] = field(default_factory=dict)
    processor_seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        done = threading.Event()
        peak = [resident_mb()]

        def watch() -> None:
            while not done.wait(_SAMPLE_SECONDS):
                peak[0] = max(peak[0], resident_mb())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        started, worked = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            passed, work = time.perf_counter() - started, time.process_time() - worked
            done.set()
            watcher.join()
            self.seconds[name] = self.seconds.get(name, 0.0) + passed
            self.processor_seconds[name] = self.processor_seconds.get(name, 0.0) + work
            self.peak_mb[name] = max(self.peak_mb.get(name, 0.0), peak[0], resident_mb())


def resident_mb() -> float:
    """Memory that this process holds now; where the system does not tell, at its highest so far."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
