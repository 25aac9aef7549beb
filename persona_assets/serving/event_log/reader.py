"""Reading the log from an offset, in the writer's process or any other, while it is written to.

Belongs here: which records may be read, and damage on the way. Does not belong here: writing.

Of a segment that is still open only the groups before the last one are read: those are known to be
synchronized. A record that is not might be gone after a loss of power, and its offset be given to
another, which a reader that remembers offsets would then skip.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from persona_assets.errors import DataError
from persona_assets.serving.event_log import records as format_of
from persona_assets.serving.event_log.segments import SEALED, Segment, segments


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the log: its payload, and the offset at which the next one begins."""

    payload: bytes
    next_offset: int


@dataclass(frozen=True)
class Extent:
    """How far a log reaches.

    Attributes:
        start: offset of the oldest record that is still there.
        sealed: offset at which the sealed segments end.
        end: offset at which the files end; what is behind `sealed` may not be synchronized yet.
    """

    start: int
    sealed: int
    end: int


def extent(folder: Path) -> Extent:
    """How far the log in `folder` reaches; all zero where there is none.

    Raises:
        DataError: segments are missing.
    """
    found = segments(folder)
    if not found:
        return Extent(0, 0, 0)
    last = found[-1]
    end = last.base + last.size
    return Extent(found[0].base, end if last.sealed else last.base, end)


def read(folder: Path, offset: int = 0, *, sealed_only: bool = False) -> Iterator[Record]:
    """The records from `offset` on, oldest first.

    Args:
        folder: of the log.
        offset: 0, or a `next_offset` of a record read before.
        sealed_only: leave out the segment that is still written to.

    Raises:
        DataError: a record is damaged, `offset` is not where a record begins, or the segments that
            it lies in are gone.
    """
    for segment in _from(folder, offset):
        if segment.sealed:
            yield from _records(segment, offset)
        elif not sealed_only:
            yield from _records(segment, offset)
            return


def _from(folder: Path, offset: int) -> list[Segment]:
    """The segments that hold records from `offset` on."""
    found = segments(folder)
    if found and offset < found[0].base and offset > 0:
        raise DataError(
            f"{folder}: offset {offset} was asked for, but the oldest segment is "
            f"{found[0].path.name}: events that were not read are gone; restore the segments "
            "before it"
        )
    return [each for each in found if not each.sealed or each.base + each.size > offset]


def _records(segment: Segment, offset: int) -> Iterator[Record]:
    """The readable records of one segment from `offset` on."""
    start = max(0, offset - segment.base)
    data, path = _rest(segment, start)
    end = group = start
    found = []
    for each in format_of.records(data, start):
        found.append(each)
        end, group = each.end, each.group
    sealed = path.suffix == SEALED
    if sealed and end < start + len(data):
        raise format_of.damage(path, end)
    durable = end if sealed else group
    for each in found:
        if each.end <= durable:
            yield Record(each.payload, segment.base + each.end)


def _rest(segment: Segment, start: int) -> tuple[bytes, Path]:
    """The bytes of a segment from a position on, and the file that they are from."""
    path = segment.path
    for _ in range(2):
        try:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(), path
        except FileNotFoundError:  # sealed since it was listed
            path = path.with_suffix(SEALED)
    raise DataError(f"{segment.path} is gone while it is read; restore it")
