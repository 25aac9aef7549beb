"""How many events the service took and refused, in a file that other processes read.

Belongs here: the file. Does not belong here: metrics of a running service (`serving/api/`).
"""

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path

_LOG = logging.getLogger(__name__)
_NAME = "counts.json"
_KEEP_SECONDS = 10.0


class DoorCounts:
    """Numbers by name, summed over restarts; the last seconds before a kill may be missing."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _NAME
        self._numbers = dict(door_counts(folder))
        self._kept_at = time.monotonic()

    def add(self, name: str, number: int) -> None:
        """Count; every few seconds it is kept."""
        self._numbers[name] = self._numbers.get(name, 0) + number
        if time.monotonic() - self._kept_at >= _KEEP_SECONDS:
            self.keep()

    def keep(self) -> None:
        """Write the numbers, whole or not at all.

        Where that fails it is logged, and tried again later: the events that they count are stored,
        and nobody must be told otherwise.
        """
        self._kept_at = time.monotonic()
        fresh = self._file.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(self._numbers), encoding="utf-8")
            fresh.chmod(0o600)
            fresh.replace(self._file)
        except OSError as error:
            _LOG.warning("cannot write %s: %s; free some room there", self._file, error.strerror)


def door_counts(folder: Path) -> Mapping[str, int]:
    """The numbers that a service has kept; none where there are none that can be read."""
    try:
        found = json.loads((folder / _NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): int(number) for name, number in found.items() if isinstance(number, int)}
