"""Lock files that the system lifts when their process ends, however it ends.

Belongs here: making, holding and testing such a file. Does not belong here: what a lock stands for
(`cli/home_in_use.py`: one writing command per home; `orchestration/runs/owners.py`: which process
executes which run).

The locks are `flock`'s: they belong to an open file, so neither a reused process number nor a
restart of the machine can make a dead holder look alive.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def take(path: Path) -> IO[str] | None:
    """Lock the file at `path`, made where it is missing; None where a process holds it.

    The lock lasts until the returned file is closed or the process ends.

    Raises:
        OSError: the file cannot be made or opened.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except BaseException:
        file.close()
        raise
    return file


def born_locked(path: Path) -> IO[str]:
    """A new file at `path` that nobody ever sees unlocked."""
    fresh = path.with_suffix(".new")
    file = take(fresh)
    if file is None:
        raise FileExistsError(f"{fresh} is held by another process")
    fresh.replace(path)
    return file


@contextmanager
def if_abandoned(path: Path) -> Iterator[bool]:
    """Is the holder of the existing file `path` gone? If so, the block has the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
