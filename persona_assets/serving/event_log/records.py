"""Records in bytes: a header of 16 bytes, then the payload.

Belongs here: the format, and finding out what of a file is whole. Does not belong here: files
(`segments.py`, `writer.py`).

The header holds, little-endian, the payload's length (4 bytes), a CRC-32 of all that follows it and
of the length (4 bytes; ISO 3309, as zlib's), and the position in the segment at which the group of
records that this one was written with begins (8 bytes). All before that position was synchronized
before the record was written, which tells damage from a write that was cut off: the records of the
last group may be missing in part, in any order, after a loss of power, and nobody was told that
they are there; a record before a later group was there.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from persona_assets.errors import DataError

HEADER = struct.Struct("<IIQ")
_COVERED = struct.Struct("<IQ")
MOST_BYTES = 16 * 1024 * 1024
"""Longest payload: far more than a request may have, so a larger length is damage."""


@dataclass(frozen=True, slots=True)
class Found:
    """A whole record of a segment.

    Attributes:
        position: of its header in the segment.
        end: of its payload in the segment.
        group: position at which the group that it was written with begins.
        payload: what was appended.
    """

    position: int
    end: int
    group: int
    payload: bytes


def encoded(payload: bytes, group: int) -> bytes:
    """The bytes of a record of the group that begins at position `group` of its segment."""
    return HEADER.pack(len(payload), _crc(payload, group), group) + payload


def refuse_unusable(payload: bytes) -> None:
    """Raise DataError for a payload that is empty or longer than `MOST_BYTES`."""
    if not 0 < len(payload) <= MOST_BYTES:
        raise DataError(
            f"a record of {len(payload):,} bytes cannot be logged; give it 1 to {MOST_BYTES:,}"
        )


def records(data: bytes, start: int = 0) -> Iterator[Found]:
    """The whole records of a segment, up to the first that is not.

    Args:
        data: bytes of the segment from position `start` on, where a record begins.
        start: that position.
    """
    position = start
    while (found := _record(data, position, start)) is not None:
        yield found
        position = found.end


def whole_bytes(data: bytes, path: Path) -> int:
    """How many bytes of a segment are whole records; what follows them was cut off in writing.

    Raises:
        DataError: what follows them is damage: it had been synchronized.
    """
    end = 0
    for each in records(data):
        end = each.end
    if end < len(data) and _synchronized_beyond(data, end):
        raise damage(path, end)
    return end


def damage(path: Path, position: int) -> DataError:
    """That the record at `position` of a segment is not what was written."""
    return DataError(
        f"{path}: the record at byte {position} is damaged, and records after it are not; restore "
        "the file from a copy, or move it away to go on without the events in it"
    )


def _record(data: bytes, position: int, first: int = 0) -> Found | None:
    """The record at a position of the segment; None where there is no whole one.

    Args:
        data: bytes of the segment from position `first` on.
        position: in the segment.
        first: see `data`.
    """
    start = position - first + HEADER.size
    if start > len(data):
        return None
    length, crc, group = HEADER.unpack_from(data, position - first)
    if not 0 < length <= MOST_BYTES or start + length > len(data) or group > position:
        return None
    payload = data[start : start + length]
    if _crc(payload, group) != crc:
        return None
    return Found(position, position + HEADER.size + length, group, payload)


def _synchronized_beyond(data: bytes, end: int) -> bool:
    """Is there a later whole record of a group that began after position `end`?"""
    return any(
        (found := _record(data, position)) is not None and found.group > end
        for position in range(end + 1, len(data) - HEADER.size)
    )


def _crc(payload: bytes, group: int) -> int:
    return zlib.crc32(payload, zlib.crc32(_COVERED.pack(len(payload), group)))
