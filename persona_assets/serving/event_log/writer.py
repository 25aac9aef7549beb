"""Writing the log: one process, one thread, one synchronization for all that is waiting.

Belongs here: appending, group commit, sealing, and what becomes of a full disk. Does not belong
here: the format (`records.py`), reading (`reader.py`).

A synchronization takes milliseconds, whatever it is of. So all that is appended while one is under
way is written and synchronized together by the next (group commit); nothing ever waits for company.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from persona_assets import process_lock
from persona_assets.errors import InfrastructureError, UserError
from persona_assets.serving.event_log.records import (
    HEADER,
    encoded,
    refuse_unusable,
)
from persona_assets.serving.event_log.sealing import EndedSegment, seal_all
from persona_assets.serving.event_log.segments import (
    FILE_MODE,
    OPEN,
    identity,
    make_folder,
    segment_path,
    segments,
    sync_folder,
)

SEGMENT_BYTES = 64 * 1024 * 1024
"""Size at which a segment is sealed: it is read whole, and some hundred thousand events."""
SEAL_AFTER_SECONDS = 30.0
"""Age at which a segment with records is sealed, so that what is in it can be brought on."""
GROUP_BYTES = 1024 * 1024
"""Most that is synchronized at once, so that a crowd does not make those before it wait."""
WAITING_BYTES = 64 * 1024 * 1024
"""Most that may wait in memory; beyond it, the disk cannot keep up and appending is refused."""
_LOCK = "writer.lock"


class LogUnavailableError(InfrastructureError):
    """Nothing was logged: no room, a failing disk, or more than it keeps up with; try later."""


@dataclass(frozen=True)
class Counts:
    """What a log has done since it was opened, and its state.

    Attributes:
        records: acknowledged.
        bytes: acknowledged, headers included.
        groups: synchronized.
        refused: records that were not logged.
        waiting_bytes: in memory, not synchronized.
        end: offset at which acknowledged records end.
        fault: why the last group was not logged; empty: it was.
    """

    records: int
    bytes: int
    groups: int
    refused: int
    waiting_bytes: int
    end: int
    fault: str


@dataclass(frozen=True)
class _Waiting:
    payloads: Sequence[bytes]
    size: int
    done: "Future[int]"


class EventLog:
    """The log in `folder`, open for writing by this process alone until `close`.

    Args:
        folder: of the log; made where it is missing.
        segment_bytes: size at which a segment is sealed.
        seal_after_seconds: age at which a segment with records is sealed.
        gather_seconds: how long records gather before they are written, for logs that nobody waits
            for: fewer synchronizations, and less work of the disk that others wait for.

    Raises:
        UserError: another process writes to it, or the folder cannot be written.
        DataError: a record that had been synchronized is damaged.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        seal_after_seconds: float = SEAL_AFTER_SECONDS,
        gather_seconds: float = 0.0,
    ) -> None:
        self.folder = folder
        self._segment_bytes = segment_bytes
        self._seal_after = seal_after_seconds
        self._gather_seconds = gather_seconds
        self._ending = threading.Event()
        self._condition = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._closing = False
        self._file: IO[bytes] | None = None
        self._ended: list[EndedSegment] = []
        self._position = 0  # synchronized bytes of the open segment
        self._began = 0.0
        self._records = self._bytes = self._groups = self._refused = 0
        self._fault = ""
        self._lock = _locked(folder)
        try:
            self.identity = identity(folder)
            self.cut_off = seal_all(folder)
            """Bytes of a write that was cut off, removed when the log was opened."""
            found = segments(folder)
            self._base = found[-1].base + found[-1].size if found else 0
        except BaseException:
            self._lock.close()
            raise
        self._thread = threading.Thread(target=self._run, name="event log", daemon=True)
        self._thread.start()

    def append(self, payloads: Sequence[bytes]) -> "Future[int]":
        """Log records one after another: all of them or none.

        Returns:
            What is done when they are synchronized: the offset at which they end. It fails with
            `LogUnavailableError` where nothing was logged.

        Raises:
            LogUnavailableError: too much is waiting already, or the log is closed.
            DataError: a payload is empty or too long.
        """
        for payload in payloads:
            refuse_unusable(payload)
        size = sum(map(len, payloads))
        done: Future[int] = Future()
        with self._condition:
            if self._closing:
                raise LogUnavailableError(f"{self.folder} is closed; start the service again")
            if self._waiting_bytes + size > WAITING_BYTES:
                self._refused += len(payloads)
                raise LogUnavailableError(
                    f"{self._waiting_bytes:,} bytes wait to be written to {self.folder}; "
                    "send them again later"
                )
            self._waiting.append(_Waiting(payloads, size, done))
            self._waiting_bytes += size
            self._condition.notify()
        return done

    def counts(self) -> Counts:
        """What it has done so far."""
        with self._condition:
            return Counts(
                self._records,
                self._bytes,
                self._groups,
                self._refused,
                self._waiting_bytes,
                self._base + self._position,
                self._fault,
            )

    def close(self) -> None:
        """Log what is waiting, seal the last segment, and let others write."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._ending.set()
        self._thread.join()
        self._lock.close()

    def _run(self) -> None:
        """The writer thread: groups one after another, until the log is closed."""
        while True:
            group = self._next_group()
            if group:
                self._write(group)
            if self._is_due() or (self._closing and not group):
                self._end_segment()
            if self._closing and not group:
                return

    def _next_group(self) -> list[_Waiting]:
        """What is waiting, as far as it makes a group; empty after the time to seal or to end."""
        with self._condition:
            if not self._waiting and not self._closing:
                age = time.monotonic() - self._began
                left = max(0.0, self._seal_after - age) if self._position else None
                self._condition.wait(left)
            gathering = self._waiting and self._gather_seconds
        if gathering:
            self._ending.wait(self._gather_seconds)
        with self._condition:
            group: list[_Waiting] = []
            size = 0
            while self._waiting and (not group or size + self._waiting[0].size <= GROUP_BYTES):
                one = self._waiting.popleft()
                if one.done.set_running_or_notify_cancel():  # else nobody waits for it any more
                    group.append(one)
                    size += one.size
                else:
                    self._waiting_bytes -= one.size
            return group

    def _write(self, group: Sequence[_Waiting]) -> None:
        """Write and synchronize a group and say so; where that fails, as if nothing had been."""
        try:
            file = self._opened()
            start = self._position
            data = b"".join(encoded(each, start) for one in group for each in one.payloads)
            try:
                _write_whole(file.fileno(), data, start)
                os.fdatasync(file.fileno())
            except OSError:
                # Nobody knows what a disk keeps of bytes whose synchronization failed: nothing is
                # written behind them.
                self._end_segment()
                raise
        except OSError as error:
            self._refuse(group, error)
            return
        with self._condition:
            self._position = start + len(data)
            self._records += sum(len(one.payloads) for one in group)
            self._bytes += len(data)
            self._groups += 1
            self._waiting_bytes -= sum(one.size for one in group)
            self._fault = ""
        end = self._base + start
        for one in group:
            end += len(one.payloads) * HEADER.size + one.size
            one.done.set_result(end)

    def _refuse(self, group: Sequence[_Waiting], error: OSError) -> None:
        with self._condition:
            self._fault = error.strerror or str(error)
            self._refused += sum(len(one.payloads) for one in group)
            self._waiting_bytes -= sum(one.size for one in group)
        for one in group:
            one.done.set_exception(
                LogUnavailableError(
                    f"cannot write to the event log {self.folder}: {error.strerror}; nothing was "
                    "logged: make room or mend the disk, and send the events again"
                )
            )

    def _opened(self) -> IO[bytes]:
        """The open segment, begun where there is none; OSError where it cannot be."""
        self._seal_ended()
        if self._file is None:
            path = segment_path(self.folder, self._base, OPEN)
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            file = os.fdopen(os.open(path, flags, FILE_MODE), "r+b", buffering=0)
            try:
                sync_folder(self.folder)
            except OSError:
                file.close()
                raise
            self._file, self._began = file, time.monotonic()
        return self._file

    def _is_due(self) -> bool:
        """Is it time to seal the open segment?"""
        old = time.monotonic() - self._began >= self._seal_after
        return self._position >= self._segment_bytes or (old and self._position > 0)

    def _end_segment(self) -> None:
        """Let the open segment end where it is synchronized, and seal it if the disk can."""
        if self._file is None:
            return
        self._ended.append(
            EndedSegment(self._file, segment_path(self.folder, self._base, OPEN), self._position)
        )
        self._file = None
        with self._condition:
            self._base, self._position = self._base + self._position, 0
        try:
            self._seal_ended()
        except OSError as error:  # tried again before anything else is written
            with self._condition:
                self._fault = error.strerror or str(error)

    def _seal_ended(self) -> None:
        while self._ended:
            self._ended[0].seal()
            self._ended.pop(0)


def _write_whole(descriptor: int, data: bytes, position: int) -> None:
    """Write all of `data` at a position; OSError where the disk takes only a part."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, position)
        view, position = view[written:], position + written


def _locked(folder: Path) -> IO[str]:
    """The lock of the only writer."""
    try:
        make_folder(folder)
        lock = process_lock.take(folder / _LOCK)
    except OSError as error:
        raise UserError(
            f"cannot write to the event log {folder}: {error.strerror}; point PERSONA_HOME at a "
            "folder you may write to"
        ) from error
    if lock is None:
        raise UserError(
            f"another process writes to the event log {folder}; a home has one `persona serve`: "
            "end that, or set PERSONA_HOME to another folder"
        )
    return lock
