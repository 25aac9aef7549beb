"""Segment files: their names, their order, and who may read them.

Belongs here: names and listing. Does not belong here: what is in a file (`records.py`).
"""

import itertools
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from persona_assets.errors import DataError

OPEN, SEALED = ".open", ".log"
FILE_MODE, FOLDER_MODE = 0o600, 0o700
_DIGITS = 20
_IDENTITY = "identity"


@dataclass(frozen=True, order=True)
class Segment:
    """One file of the log.

    Attributes:
        base: offset of its first record.
        path: of the file.
        sealed: is it never changed again?
    """

    base: int
    path: Path
    sealed: bool

    @property
    def size(self) -> int:
        """Bytes in the file now."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:  # sealed since it was listed
            return self.path.with_suffix(SEALED).stat().st_size


def segment_path(folder: Path, base: int, suffix: str) -> Path:
    """Where the segment that begins at `base` lies."""
    return folder / f"{base:0{_DIGITS}d}{suffix}"


def segments(folder: Path) -> list[Segment]:
    """All segments, oldest first; none where there is no log.

    Raises:
        DataError: sealed segments do not follow one another, so that records are lost.
    """
    found = [
        Segment(int(path.stem), path, sealed=suffix == SEALED)
        for suffix in (OPEN, SEALED)
        for path in folder.glob(f"*{suffix}")
        if path.stem.isdigit()
    ]
    # A segment is renamed when it is sealed: a listing that overlaps with that has it twice, or
    # has a name that is gone.
    whole = {each.base: each for each in sorted(found, key=lambda each: each.sealed)}
    ordered = sorted(whole.values())
    for before, after in itertools.pairwise(ordered):
        if before.sealed and before.base + before.size != after.base:
            raise DataError(
                f"{folder}: {before.path.name} ends at offset {before.base + before.size}, but the "
                f"next segment is {after.path.name}; a file is missing or was changed: restore it"
            )
    return ordered


def make_folder(folder: Path) -> None:
    """Make the log's folder, readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)


def identity(folder: Path) -> str:
    """The name that tells this log from any other, such as one begun anew in its place.

    Made where there is none. Offsets mean something only together with it.

    Raises:
        OSError: it can be neither read nor written.
    """
    path = folder / _IDENTITY
    if not path.exists():
        fresh = folder / f"{_IDENTITY}.{uuid.uuid4().hex}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(uuid.uuid4().hex)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        sync_folder(folder)
    return path.read_text(encoding="utf-8").strip()


def sync_folder(folder: Path) -> None:
    """Make new and renamed files of `folder` survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
