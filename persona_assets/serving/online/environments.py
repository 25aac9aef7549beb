"""LMDB environments: opened once a process, and their failures by name.

Belongs here: opening, sharing, and what an error of LMDB means. Does not belong here: what is
stored (`lmdb_store.py`, `live_tail.py`).

LMDB locks by process, so the same environment must not be open twice in one; whoever asks for an
open one shares it. A memory map that is longer than its file ends the process at the first read
beyond the end (SIGBUS), so a file that was cut is refused before it is mapped.
"""

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lmdb

from persona_assets.errors import DataError, InfrastructureError

DATA = "data.mdb"
"""Name of the file that LMDB keeps an environment's pages in."""
_UNWRITTEN_PAGES = 16
"""So many pages at the end may be counted by LMDB and not written: those that one transaction
took and gave back."""

_DAMAGED = (
    lmdb.CorruptedError,
    lmdb.InvalidError,
    lmdb.PageNotFoundError,
    lmdb.VersionMismatchError,
    lmdb.BadChecksumError,
    lmdb.PanicError,
)


@dataclass(frozen=True, eq=False)
class Shared:
    """An open environment; it is closed when nobody holds it any more."""

    environment: lmdb.Environment
    folder: Path
    process: int


_OPEN: "weakref.WeakValueDictionary[tuple[Path, bool], Shared]" = weakref.WeakValueDictionary()
_OPENING = threading.Lock()


def shared(
    folder: Path,
    *,
    readonly: bool,
    remedy: str,
    map_bytes: int = 0,
    databases: int = 0,
    lock: bool = True,
    sync: bool = True,
) -> Shared:
    """The environment in `folder`, opened unless this process has it open already.

    Args:
        folder: where its files lie; made where it is missing, unless `readonly`.
        readonly: nothing is written by it.
        remedy: what to do about a damaged one, as the end of a sentence.
        map_bytes: how large it may become; 0: as large as it is.
        databases: how many named ones it holds.
        lock: False only for one that nobody writes any more.
        sync: is each commit on the disk before it returns?

    Raises:
        DataError: it is damaged.
        InfrastructureError: it cannot be opened or made.
    """
    where = folder.resolve()
    with _OPENING, naming_failures(folder, remedy):
        # Where it is open for writing, it can be read as well.
        found = _OPEN.get((where, False)) or _OPEN.get((where, readonly))
        # A child of a fork must not use the environment of its parent.
        if found is not None and found.process == os.getpid():
            return found
        if not readonly:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment = lmdb.open(
            str(where),
            map_size=map_bytes or 1 << 20,
            readonly=readonly,
            create=not readonly,
            mode=0o600,
            max_dbs=databases,
            lock=lock,
            sync=sync,
            metasync=sync,
            # Rows are found one by one, all over the file.
            readahead=False,
            max_readers=1024,
        )
        opened = Shared(environment, folder, os.getpid())
        _refuse_cut(environment, where / DATA)
        _OPEN[where, readonly] = opened
        return opened


@contextmanager
def naming_failures(folder: Path, remedy: str) -> Iterator[None]:
    """Errors of LMDB and of files within the block become the package's own.

    Raises:
        DataError: pages are damaged; the text ends with `remedy`.
        InfrastructureError: everything else, such as a full disk.
    """
    try:
        yield
    except (lmdb.Error, OSError) as error:
        raise named(error, folder, remedy) from error


def named(error: Exception, place: Path, remedy: str) -> DataError | InfrastructureError:
    """The package's own error for one of LMDB or of files at `place`."""
    if isinstance(error, _DAMAGED):
        return DataError(f"{place} is damaged ({error}); {remedy}")
    if isinstance(error, lmdb.MapFullError):
        return InfrastructureError(
            f"{place} is full: it may not become larger ({error}); let the newest events be "
            "ingested, so that older ones are forgotten"
        )
    return InfrastructureError(
        f"cannot use {place}: {error}; check the folder, its permissions and its room"
    )


def _refuse_cut(environment: lmdb.Environment, file: Path) -> None:
    page = int(environment.stat()["psize"])
    counted = int(environment.info()["last_pgno"]) + 1
    held = file.stat().st_size // page
    # The first two pages are always written; of a new environment there are no others.
    if held < 2 or held + _UNWRITTEN_PAGES < counted:
        environment.close()
        raise lmdb.CorruptedError(f"{file.name} has {held} of its {counted} pages")
