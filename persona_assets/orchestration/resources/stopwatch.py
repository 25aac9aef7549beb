"""Seconds that each asset spends in domain code and table I/O; the rest of a run is framework.

Belongs here: adding up seconds and telling a listener. Does not belong here: what a step does.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Listener = Callable[[str, str, float], None]
"""Called as `(asset, phase, seconds)` when a phase begins (0 seconds) and when it ends."""


def silent(asset: str, phase: str, seconds: float) -> None:
    """Listen to nothing."""


@dataclass
class Stopwatch:
    """Seconds per asset path over the runs of one process."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    listener: Listener = silent

    @contextmanager
    def measure(self, asset: str, phase: str) -> Iterator[None]:
        """Add the time of the block to `asset`; phases are `read`, `compute`, `write`, `check`."""
        self.listener(asset, phase, 0.0)
        started = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - started
            self.seconds[asset] += elapsed
            self.listener(asset, phase, elapsed)


STOPWATCH = Stopwatch()
"""The process's stopwatch: runs are executed in process, one step at a time."""
