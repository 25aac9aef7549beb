"""Snapshots in LMDB: a folder each, and a pointer file that names the one to read.

Belongs here: writing a folder, moving the pointer, noticing that it moved, removing old folders.
Does not belong here: what the bytes mean (`store.py`).

Below the root: `snapshots/<name>/` (LMDB's `data.mdb` and `manifest.json`), `current` and, between
audit and publishing, `staged`. A snapshot is never changed once it has its name, so it is read
without locks, also from a read-only disk. Both pointers are replaced by renaming. Its size and
checksum are compared when it is opened: LMDB itself would read a damaged page as "not found".
"""

import fcntl
import json
import os
import shutil
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lmdb

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.serving.online.backend import GRACE_S, newer
from persona_assets.serving.online.environments import DATA, Shared, named, naming_failures, shared
from persona_assets.serving.online.manifest import Manifest
from persona_assets.serving.online.packing import AGAIN
from persona_assets.serving.online.store import nothing_at

MANIFEST = "manifest.json"
CURRENT, STAGED = "current", "staged"
SNAPSHOTS = "snapshots"
_UNFINISHED = ".unfinished"
_FIRST_MAP_BYTES = 16 << 20
_CHUNK = 1 << 20
_TRIES = 5
"""A snapshot can be removed between the look at the pointer and its opening, but not again and
again: there is a grace of minutes."""


@dataclass(frozen=True)
class _Opened:
    """A snapshot that is being read; `stamp` is that of the pointer which named it."""

    stamp: tuple[int, int]
    manifest: Manifest
    shared: Shared


class LmdbBackend:
    """Snapshots below a folder. Threads may share one; a process must not use it after a fork.

    Args:
        root: the folder; made when something is written.
        follow: notice at each read that another snapshot was published. Where it is False, the
            caller does so by `refresh`, in a thread in which nobody waits.
        map_bytes: how large a snapshot may become at first; it grows as needed.
    """

    def __init__(
        self, root: Path, *, follow: bool = True, map_bytes: int = _FIRST_MAP_BYTES
    ) -> None:
        self.root = root
        self._follow = follow
        self._map_bytes = map_bytes
        self._pointer = str(root / CURRENT)
        self._opened: _Opened | None = None
        self._opening = threading.Lock()

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.root)

    def fetch(self, keys: Sequence[bytes]) -> tuple[Manifest, list[bytes | None]]:
        """See `Backend.fetch`."""
        opened = self._current()
        try:
            with opened.shared.environment.begin() as transaction:
                return opened.manifest, [transaction.get(key) for key in keys]
        except lmdb.Error as error:
            raise named(error, opened.shared.folder, AGAIN) from error

    def fetch_staged(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Backend.fetch_staged`."""
        opened = self._open(STAGED)
        with (
            naming_failures(opened.shared.folder, AGAIN),
            opened.shared.environment.begin() as transaction,
        ):
            return [transaction.get(key) for key in keys]

    def scan(self, prefix: bytes, *, staged: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """See `Backend.scan`."""
        opened = self._open(STAGED) if staged else self._current()
        with (
            naming_failures(opened.shared.folder, AGAIN),
            opened.shared.environment.begin() as transaction,
            transaction.cursor() as cursor,
        ):
            if cursor.set_range(prefix):
                for key, record in cursor:
                    if not key.startswith(prefix):
                        return
                    yield key[len(prefix) :], record

    def manifest(self, *, staged: bool = False) -> Manifest | None:
        """See `Backend.manifest`."""
        pointed = self._pointed(STAGED if staged else CURRENT)
        return None if pointed is None else self._stored_manifest(str(pointed["snapshot"]))

    def refresh(self) -> bool:
        """Open the published snapshot, unless it is open already; is it another one?

        Raises:
            DataError: nothing is published, or it is damaged; the one before is read on.
        """
        before = self._opened
        with self._opening:
            self._opened = self._reopened()
        return before is None or before.manifest.name != self._opened.manifest.name

    @contextmanager
    def staging(self, name: str) -> Iterator["LmdbStaging"]:
        """See `Backend.staging`."""
        with self._only_writer():
            self._remove_old()
            unfinished = self._folder(name + _UNFINISHED)
            try:
                staging = LmdbStaging(self, name, unfinished, self._map_bytes)
                yield staging
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)

    def approve(self, name: str) -> None:
        """See `Backend.approve`."""
        pointed = self._pointed(STAGED)
        if pointed is None or pointed["snapshot"] != name:
            raise DataError(f"the snapshot {name} is not staged any more in {self.root}; {AGAIN}")
        self._point(STAGED, {**pointed, "approved": True})

    def publish(self) -> Manifest:
        """See `Backend.publish`."""
        with self._only_writer():
            staged, current = self._pointed(STAGED), None
            with suppress(DataError):  # a damaged pointer is replaced
                current = self._pointed(CURRENT)
            if staged is None:
                raise nothing_at(self.where, "staged")
            if not staged.get("approved"):
                raise DataError(
                    f"the staged snapshot in {self.root} was not compared with its tables; run "
                    "the check parity of feature_store/online_snapshot"
                )
            name = str(staged["snapshot"])
            manifest = self._stored_manifest(name)
            replaced = dict(current.get("replaced") or {}) if current else {}
            if current and current["snapshot"] != name:
                replaced[current["snapshot"]] = time.time()
            self._point(CURRENT, {"snapshot": name, "replaced": replaced})
            with naming_failures(self.root, AGAIN):
                (self.root / STAGED).unlink()
            self._remove_old()
        return manifest

    def verify(self) -> None:
        """See `Backend.verify`."""
        self._open(CURRENT)

    def clear(self) -> None:
        """See `Backend.clear`."""
        with naming_failures(self.root, AGAIN):
            for pointer in (CURRENT, STAGED):
                (self.root / pointer).unlink(missing_ok=True)
            shutil.rmtree(self._folder(""), ignore_errors=True)

    def stage(self, name: str, unfinished: Path) -> None:
        """Give the finished folder its name, and point to it as the staged one."""
        with naming_failures(self.root, AGAIN):
            unfinished.rename(self._folder(name))
            _sync(self._folder(""))
        self._point(STAGED, {"snapshot": name, "approved": False})

    def _folder(self, name: str) -> Path:
        return self.root / SNAPSHOTS / name

    def _current(self) -> _Opened:
        opened = self._opened
        if opened is not None:
            if not self._follow or opened.stamp == _stamp(self._pointer):
                return opened
            # One thread opens the new one; the others read the old one meanwhile.
            if not self._opening.acquire(blocking=False):
                return opened
        else:
            self._opening.acquire()
        try:
            self._opened = self._reopened()
            return self._opened
        finally:
            self._opening.release()

    def _reopened(self) -> _Opened:
        opened = self._opened
        if opened is not None and opened.stamp == _stamp(self._pointer):
            return opened
        return self._open(CURRENT)

    def _open(self, pointer: str) -> _Opened:
        """The snapshot that the pointer names, if it is whole."""
        for attempt in range(_TRIES):
            stamp = _stamp(str(self.root / pointer))
            pointed = self._pointed(pointer)
            if pointed is None:
                raise nothing_at(self.where, "staged" if pointer == STAGED else "published")
            folder = self._folder(str(pointed["snapshot"]))
            if folder.is_dir() or attempt == _TRIES - 1:
                break
        manifest = self._stored_manifest(folder.name)
        with naming_failures(folder, AGAIN):
            size, checksum = measured(folder / DATA)
        if (size, checksum) != (manifest.size, manifest.checksum):
            raise DataError(
                f"{folder / DATA} is damaged: {size} bytes with checksum {checksum:08x} and not "
                f"{manifest.size} with {manifest.checksum:08x}; {AGAIN}"
            )
        opened = shared(folder, readonly=True, remedy=AGAIN, lock=False)
        return _Opened(stamp, manifest, opened)

    def _stored_manifest(self, name: str) -> Manifest:
        file = self._folder(name) / MANIFEST
        try:
            return Manifest.loads(file.read_bytes(), str(file.parent))
        except FileNotFoundError as error:
            raise DataError(f"{file} is lost; {AGAIN}") from error
        except OSError as error:
            raise named(error, file, AGAIN) from error

    def _pointed(self, pointer: str) -> dict[str, Any] | None:
        file = self.root / pointer
        try:
            stored = json.loads(file.read_bytes())
            # A name and no path: nothing outside of the folder is read or removed.
            if Path(stored["snapshot"]).name != stored["snapshot"] or not stored["snapshot"]:
                raise ValueError("snapshot")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise named(error, file, AGAIN) from error
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{file} is damaged; delete it and {AGAIN}") from error
        return dict(stored)

    def _point(self, pointer: str, content: dict[str, Any]) -> None:
        file = self.root / pointer
        with naming_failures(file, AGAIN):
            _write(file.with_suffix(".new"), json.dumps(content).encode())
            file.with_suffix(".new").replace(file)
            _sync(self.root)

    def _remove_old(self) -> None:
        """Remove what no pointer names, and what was replaced longer ago than the grace."""
        kept: set[str] = set()
        now = time.time()
        for pointer in (CURRENT, STAGED):
            with suppress(DataError):  # a damaged pointer names nothing
                pointed = self._pointed(pointer) or {}
                replaced = pointed.get("replaced") or {}
                kept |= {name for name, at in replaced.items() if now - at < GRACE_S}
                kept |= {str(pointed.get("snapshot"))}
        for folder in self._folder("").iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _only_writer(self) -> Iterator[None]:
        """Hold the folder's lock, which the system lifts when the process ends."""
        with naming_failures(self.root, AGAIN):
            for folder in (self.root, self._folder("")):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._folder(""), os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InfrastructureError(
                    f"another process is writing a snapshot in {self.root}; try again when it is "
                    "done"
                ) from error
            yield
        finally:
            os.close(descriptor)


class LmdbStaging:
    """A snapshot's environment while it is written."""

    def __init__(self, backend: LmdbBackend, name: str, folder: Path, map_bytes: int) -> None:
        self.name = name
        self._backend = backend
        self._folder = folder
        with naming_failures(folder, AGAIN):
            folder.mkdir(mode=0o700)
            # Nobody else opens it, and all of it is brought to the disk at its end.
            self._environment = lmdb.open(
                str(folder), map_size=map_bytes, mode=0o600, sync=False, lock=False
            )

    def put(self, entries: Sequence[tuple[bytes, bytes]]) -> int:
        """See `Staging.put`."""
        ordered = sorted(entries)
        with naming_failures(self._folder, AGAIN):
            while True:
                try:
                    with self._environment.begin(write=True) as transaction:
                        return sum(_keep_newer(transaction, *each) for each in ordered)
                except lmdb.MapFullError:
                    self._environment.set_mapsize(2 * self._environment.info()["map_size"])

    def finish(self, manifest: Manifest) -> None:
        """See `Staging.finish`."""
        with naming_failures(self._folder, AGAIN):
            self._environment.sync(True)
            self._environment.close()
            size, checksum = measured(self._folder / DATA)
            whole = replace(manifest, size=size, checksum=checksum)
            _write(self._folder / MANIFEST, whole.dumps().encode())
            _sync(self._folder)
        self._backend.stage(self.name, self._folder)


def _keep_newer(transaction: lmdb.Transaction, key: bytes, record: bytes) -> bool:
    """Store the record, or the one that is there if that is newer; is the key new?"""
    if transaction.put(key, record, overwrite=False):
        return True
    if newer(record, transaction.get(key)):
        transaction.put(key, record)
    return False


def measured(file: Path) -> tuple[int, int]:
    """Size and CRC-32 of a file."""
    size = checksum = 0
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            size += len(chunk)
            checksum = zlib.crc32(chunk, checksum)
    return size, checksum


def _stamp(pointer: str) -> tuple[int, int]:
    """Changes whenever the pointer is replaced."""
    try:
        found = os.stat(pointer)  # noqa: PTH116 - half the time of Path's, at each read
    except OSError:
        return (0, 0)
    return found.st_ino, found.st_mtime_ns


def _write(file: Path, content: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
