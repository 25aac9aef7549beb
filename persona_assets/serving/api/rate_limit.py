"""How often each key may call: a bucket of tokens per key.

Belongs here: counting. Does not belong here: the answer (`authorization.py`).
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class RateLimit:
    """At most `per_second` calls on average, and that many at once.

    Attributes:
        per_second: tokens that a bucket gains, and holds at most.
        clock: seconds, never backwards.
    """

    per_second: int
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def seconds_to_wait(self, name: str) -> int:
        """Take a token of the bucket `name`; 0, or whole seconds after which there will be one."""
        now = self.clock()
        tokens, since = self._buckets.get(name, (float(self.per_second), now))
        tokens = min(float(self.per_second), tokens + (now - since) * self.per_second)
        if tokens < 1:
            self._buckets[name] = (tokens, now)
            return max(1, math.ceil((1 - tokens) / self.per_second))
        self._buckets[name] = (tokens - 1, now)
        return 0
