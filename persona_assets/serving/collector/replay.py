"""Filling the live tail from the event log where the service ended before it did so.

Belongs here: how far the tail has followed the log, kept over restarts. Does not belong here:
either of them.

The tail is not synchronized at each event, the log is. Events are stored once each, so that reading
some of them again does no harm.
"""

import time

from persona_assets.serving.collector.acceptance import kept, live
from persona_assets.serving.event_log import reader
from persona_assets.serving.event_log.writer import EventLog
from persona_assets.serving.online.live_tail import LiveTail

_NAME = "followed"
_KEEP_SECONDS = 10.0
"""Between two notes of how far the tail has followed; each synchronizes the tail."""
_AT_ONCE = 5_000


class Replay:
    """How far `tail` has followed `log`."""

    def __init__(self, log: EventLog, tail: LiveTail) -> None:
        self._log = log
        self._tail = tail
        self._file = tail.folder / _NAME
        self._end = 0
        self._kept_at = time.monotonic()

    def catch_up(self) -> int:
        """Show the tail what it has not followed; how many records they were.

        Raises:
            DataError: a record is damaged or no event.
        """
        start = self._noted()
        oldest = reader.extent(self._log.folder).start
        number, batch = 0, []
        for record in reader.read(self._log.folder, max(start, oldest)):
            number += 1
            self._end = record.next_offset
            if (event := live(kept(record.payload))) is not None:
                batch.append(event)
            if len(batch) == _AT_ONCE:
                self._tail.append(batch)
                batch = []
        self._tail.append(batch)
        if number:
            self.keep()
        return number

    def shown(self, end: int) -> None:
        """The tail has everything before offset `end`."""
        self._end = max(self._end, end)
        if time.monotonic() - self._kept_at >= _KEEP_SECONDS:
            self.keep()

    def keep(self) -> None:
        """Put the tail on the disk and note how far it has followed."""
        self._kept_at = time.monotonic()
        self._tail.flush()
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{self._log.identity} {self._end}", encoding="utf-8")
        fresh.replace(self._file)

    def _noted(self) -> int:
        """The offset that was noted for this log; 0 where there is none."""
        try:
            identity, _, offset = self._file.read_text(encoding="utf-8").partition(" ")
        except FileNotFoundError:
            return 0
        self._end = int(offset) if identity == self._log.identity and offset.isdigit() else 0
        return self._end
