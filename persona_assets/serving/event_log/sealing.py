"""Sealing segments: at the end of each, and after a writer was killed.

Belongs here: the steps by which an open segment becomes a sealed one. Does not belong here: when
(`writer.py`).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from persona_assets.serving.event_log.records import whole_bytes
from persona_assets.serving.event_log.segments import SEALED, segments, sync_folder


@dataclass(frozen=True)
class EndedSegment:
    """A segment to which nothing will be added, not sealed yet; its records end at `size`."""

    file: IO[bytes]
    path: Path
    size: int

    def seal(self) -> None:
        """Cut off what is behind its records and give it its final name; OSError: try again."""
        if not self.file.closed:
            os.ftruncate(self.file.fileno(), self.size)
            os.fsync(self.file.fileno())
            self.file.close()
        if self.path.exists():  # else it was renamed already, and only that was not synchronized
            if self.size:
                self.path.rename(self.path.with_suffix(SEALED))
            else:
                self.path.unlink()
        sync_folder(self.path.parent)


def seal_all(folder: Path) -> int:
    """Seal what a killed writer left open; how many bytes of a write that was cut off are removed.

    Raises:
        DataError: a record that had been synchronized is damaged.
    """
    cut_off = 0
    for segment in segments(folder):
        if not segment.sealed:
            size = segment.size
            whole = whole_bytes(segment.path.read_bytes(), segment.path)
            EndedSegment(segment.path.open("r+b", buffering=0), segment.path, whole).seal()
            cut_off += size - whole
    return cut_off
