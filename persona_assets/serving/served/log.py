"""The served-list log: what was answered is on the disk soon after, and no answer waits for it.

Belongs here: writing records without waiting. Does not belong here: what is in them (`record.py`).

An answer is not held back until its list is durable, since nobody was promised it: lists of the
last tenth of a second may be missing after a loss of power, and a full disk loses lists and no
answer. Those that were not logged are counted.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from persona_assets.errors import PersonaError
from persona_assets.serving.event_log.writer import EventLog
from persona_assets.serving.served.record import ServedList, encoded

FOLDER = "served_log"
"""Name of the log's folder in a home."""
GATHER_SECONDS = 0.1
"""How long lists gather before they are synchronized together: the event log, which requests do
wait for, needs the disk at the same time."""

_LOG = logging.getLogger(__name__)


class ServedLog:
    """The log in a home, open for writing until `close`.

    Args:
        home: the shop's folder.
        lost: called once for each list that was not logged.

    Raises:
        UserError: another process writes to it.
        DataError: it is damaged.
    """

    def __init__(self, home: Path, lost: Callable[[], None]) -> None:
        self._log = EventLog(home / FOLDER, gather_seconds=GATHER_SECONDS)
        self._lost = lost
        self._failing = False

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._log.folder

    def add(self, served: ServedList) -> None:
        """Log a list; it is durable some time later."""
        try:
            self._log.append([encoded(served)]).add_done_callback(self._written)
        except PersonaError as error:
            self._failed(error)

    def close(self) -> None:
        """Log what is waiting, and let others write."""
        self._log.close()

    def _written(self, done: "Future[int]") -> None:
        error = done.exception()
        if error is None:
            self._failing = False
        else:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self._lost()
        if not self._failing:  # a disk that is full says so once
            _LOG.error("served lists are not logged: %s", error)
        self._failing = True
