"""Ending at once, with one line and no child left, when the command is asked to end.

Belongs here: SIGTERM, SIGINT and SIGHUP, and ending from another thread for any other reason. Does
not belong here: what is done to the home's records then (`cli/run.py` says so by `at_end`), errors
(`cli/main.py`).

Python runs signal handlers between two steps of its main thread, which may be minutes away while
that thread is in native code. The byte that the signal itself puts into a pipe is read by a thread
of its own. It ends the process without unwinding the main thread: every write is whole or not there
whenever a process dies, so there is nothing to unwind.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
_LAST_WORDS_SECONDS = 3.0
_CHILDREN_SECONDS = 2.0
_SHOW_CURSOR = "\x1b[?25h"

_ending = threading.Lock()
_last_words: list[Callable[[], None]] = []


@contextmanager
def ends_on_signals() -> Iterator[None]:
    """Within it, SIGINT, SIGTERM and SIGHUP end the process with 128 + their number."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = {number: signal.signal(number, _noticed) for number in EXIT_CODES}
    woken = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writing)  # ends the thread


@contextmanager
def at_end(last_words: Callable[[], None]) -> Iterator[None]:
    """Within the block, call `last_words` before the process is ended; a few seconds are given."""
    _last_words.append(last_words)
    try:
        yield
    finally:
        _last_words.remove(last_words)


def end(message: str, code: int) -> None:
    """End this process and its children now, whatever its main thread is doing.

    Returns only where another thread is ending the process already.
    """
    if not _ending.acquire(blocking=False):
        return
    # Not through the console: the main thread may hold its lock.
    show_cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{show_cursor}{message}\n".encode(errors="backslashreplace"))
    _end_children()
    thread = threading.Thread(target=_say_last_words, daemon=True)
    thread.start()
    thread.join(_LAST_WORDS_SECONDS)
    os._exit(code)


def _noticed(*_: object) -> None:
    """Nothing: a handler must be there for the signal to reach the pipe."""


def _watch(reading: int) -> None:
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while byte := pipe.read(1):
            number = byte[0]
            if number in EXIT_CODES:
                name = _NAMES[signal.Signals(number)]
                end(
                    f"ended by {name}; what was written is whole, run again to complete it",
                    EXIT_CODES[signal.Signals(number)],
                )


def _say_last_words() -> None:
    for each in reversed(_last_words):
        # The next command closes what this one could not.
        with contextlib.suppress(Exception):
            each()


def _end_children() -> None:
    """Kill the processes of our pools, ask others (a JVM) to end, and kill what stays."""
    for child in multiprocessing.active_children():
        child.kill()
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _CHILDREN_SECONDS
        children = _descendants(os.getpid())
        for pid in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        while any(_lives(pid) for pid in children) and time.monotonic() < deadline:
            time.sleep(0.05)


def _descendants(pid: int) -> list[int]:
    """Processes below `pid`, as Linux lists them; elsewhere those of pools are all we know of."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, file.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _lives(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
