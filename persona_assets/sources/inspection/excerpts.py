"""A bounded excerpt of delivered files, so that a look at gigabytes takes seconds.

Belongs here: copying the beginning of each file, and pieces of what follows, in its own format.
Does not belong here: which files there are (`finding.py`) and reading them (`reading/`).

Small deliveries are looked at where they lie. Of others an excerpt is written to a folder of its
own, under the same names, so that everything that reads files reads the excerpt as it would read
the files. An export begins with its oldest rows, whose days may all be below the 13th and whose
events may all be views; so half of an excerpt is drawn from the rest of the file.
"""

import gzip
import json
import shutil
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from persona_assets.sources.finding import FoundFile
from persona_assets.sources.reading.contents import GZIP, LONGEST_MARK, ZSTD
from persona_assets.sources.reading.json_records import looks_like_json
from persona_assets.sources.reading.nested_json import DECODER, DuplicateKeyError

MOST_BYTES = 32 << 20
"""Bytes, unpacked, that are looked at in all files together."""
MOST_FILES = 300
"""Files that are opened; of more, some from the beginning, the middle and the end by name."""
SMALLEST_SHARE = 64 << 10
UNPACKED = 10
"""Bytes that one byte of a packed or typed file may be, roughly."""
MOST_ROWS = 60_000
"""Rows that are taken of a Parquet file."""
PIECES = 4
"""Pieces of a file that are taken besides its beginning."""

_PACKED = (GZIP, ZSTD, b"PAR1", b"PK\x03\x04")
_UTF16, _UTF32 = (b"\xff\xfe", b"\xfe\xff"), (b"\xff\xfe\0\0", b"\0\0\xfe\xff")


@dataclass(frozen=True)
class Excerpt:
    """What is looked at.

    Attributes:
        folder: where it is: the folder of the files, or one that holds their excerpts.
        files: the files that are looked at, of which some may be excerpts.
        shortened: name of a file of which an excerpt is looked at → share of its bytes.
        left_out: names of files that are not opened.
    """

    folder: Path
    files: tuple[FoundFile, ...]
    shortened: dict[str, float]
    left_out: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return not self.shortened and not self.left_out


def excerpt(
    folder: Path, files: Sequence[FoundFile], into: Path, *, most_bytes: int = MOST_BYTES
) -> Excerpt:
    """The files themselves if they are small, else excerpts of them below `into`.

    Args:
        folder: where the files are.
        files: the files of data in it.
        into: an empty folder that nobody else can read.
        most_bytes: see `MOST_BYTES`.

    Raises:
        OSError: a file cannot be opened, or `into` cannot be written to.
    """
    sizes = {file.name: _unpacked_size(file.path) for file in files}
    if len(files) <= MOST_FILES and sum(sizes.values()) <= most_bytes:
        return Excerpt(folder, tuple(files), {})
    chosen = _evenly(files)
    share = max(SMALLEST_SHARE, most_bytes // max(1, len(chosen)))
    copies, shortened = [], {}
    for file in chosen:
        copy = into / file.path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if sizes[file.name] <= share:
            shutil.copyfile(file.path, copy)
        else:
            taken = _copy_part(file.path, copy, share)
            if taken < 1:
                shortened[file.name] = taken
        copies.append(FoundFile(copy, file.name, file.partitions))
    opened = {file.name for file in chosen}
    left_out = tuple(file.name for file in files if file.name not in opened)
    return Excerpt(into, tuple(copies), shortened, left_out)


def _evenly(files: Sequence[FoundFile]) -> list[FoundFile]:
    if len(files) <= MOST_FILES:
        return list(files)
    last = len(files) - 1
    return [files[round(number * last / (MOST_FILES - 1))] for number in range(MOST_FILES)]


def _unpacked_size(path: Path) -> int:
    size = path.stat().st_size
    with path.open("rb") as stream:
        return size * UNPACKED if stream.read(LONGEST_MARK).startswith(_PACKED) else size


def _copy_part(path: Path, copy: Path, share: int) -> float:
    """Writes a part of a file; the share of it that was taken, roughly."""
    with path.open("rb") as stream:
        mark = stream.read(LONGEST_MARK)
    if mark.startswith(b"PAR1"):
        return _copy_rows(path, copy)
    if mark.startswith(b"PK\x03\x04"):
        shutil.copyfile(path, copy)  # a workbook is read as a whole
        return 1.0
    if mark.startswith((GZIP, ZSTD)):
        data, there = _unpacked(path, share, mark.startswith(GZIP))
        if data.startswith((GZIP, ZSTD)):
            copy.write_bytes(gzip.compress(data[:LONGEST_MARK]))  # its reader says: packed twice
            return 1.0
        copy.write_bytes(_whole_records(data) if len(data) >= share else data)
        return there
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(share // 2)
        data = _whole_records(head)
        pieces = _pieces(stream, size, share) if _is_of_lines(data) else []
    copy.write_bytes(b"".join([data, *pieces]))
    return min(1.0, copy.stat().st_size / size)


def _copy_rows(path: Path, copy: Path) -> float:
    """Rows of the first, middle and last row groups of a Parquet file."""
    try:
        file = pq.ParquetFile(path, memory_map=True, coerce_int96_timestamp_unit="us")
        groups = file.metadata.num_row_groups
        chosen = sorted({0, groups // 2, groups - 1}) if groups else []
        taken = 0
        with pq.ParquetWriter(copy, file.schema_arrow) as writer:
            for group in chosen:
                rows = MOST_ROWS // len(chosen)
                for batch in file.iter_batches(rows, row_groups=[group]):
                    writer.write_batch(batch)
                    taken += len(batch)
                    break
        return taken / max(1, file.metadata.num_rows)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        copy.write_bytes(b"PAR1")  # whoever reads it says that it is damaged
        return 1.0


def _unpacked(path: Path, share: int, is_gzip: bool) -> tuple[bytes, float]:
    """The first bytes of a packed file and the share of it that was read, roughly."""
    size = path.stat().st_size
    try:
        with path.open("rb") as packed:
            unpacking = (
                gzip.GzipFile(fileobj=packed)
                if is_gzip
                else pa.CompressedInputStream(pa.PythonFile(packed, "r"), "zstd")
            )
            with unpacking as stream:
                data = stream.read(share)
                # What was read ahead is not in the data, so that never all of it is.
                read = min(0.99, packed.tell() / size) if len(data) >= share else 1.0
        return data, read
    except (OSError, EOFError, zlib.error, pa.ArrowException):
        with path.open("rb") as packed:
            return packed.read(share), 1.0  # whoever reads it says that it is damaged


def _whole_records(head: bytes) -> bytes:
    """The beginning of a text file up to the end of a record."""
    width, line_end = _line_end(head)
    if width == 1 and looks_like_json(head) and not _is_of_lines(head):
        return _whole_documents(head)
    cut = len(head)
    for _ in range(1000):
        cut = head.rfind(line_end, 0, cut)
        while cut >= 0 and cut % width:
            cut = head.rfind(line_end, 0, cut)
        if cut < 0:
            return head
        if head.count(b'"', 0, cut) % 2 == 0:  # not inside a quoted field
            return head[: cut + len(line_end)]
    return head[: head.rfind(line_end) + len(line_end)]


def _line_end(head: bytes) -> tuple[int, bytes]:
    """Bytes per character and the end of a line, by the byte order mark or the zeros."""
    for marks, width in ((_UTF32, 4), (_UTF16, 2)):
        for mark, order in zip(marks, ("little", "big"), strict=True):
            if head.startswith(mark):
                return width, ord("\n").to_bytes(width, "little" if order == "little" else "big")
    if b"\0" in head[:4096]:
        return 2, b"\n\0" if head[1:2] == b"\0" else b"\0\n"
    return 1, b"\n" if b"\n" in head else b"\r"


def _is_of_lines(head: bytes) -> bool:
    """Whether every line is a record, so that one may begin after any end of a line."""
    if b"\0" in head[:4096]:
        return False
    lines = head[: 1 << 18].split(b"\n")[:-1]
    if looks_like_json(head):
        return bool(lines) and _is_object(lines[0])
    return bool(lines) and all(line.count(b'"') % 2 == 0 for line in lines)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(DECODER.decode(line.decode("utf-8-sig")), dict)
    except (ValueError, RecursionError):
        return False


def _whole_documents(head: bytes) -> bytes:
    """Objects of an array, or one after another, as an array of those that are whole."""
    text = head.decode("utf-8", "ignore")
    position = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    position += text[position : position + 1] == "["
    begin = end = position
    while True:
        while text[position : position + 1].isspace() or text[position : position + 1] == ",":
            position += 1
        try:
            _, position = DECODER.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError, DuplicateKeyError):
            break
        end = position
    array = text[:begin].endswith("[")
    return (text[:end] + ("]" if array else "")).encode()


def _pieces(stream: BinaryIO, size: int, share: int) -> list[bytes]:
    """Whole lines from further on in a file."""
    length = share // 2 // PIECES
    first, last = share // 2, size - length
    pieces = []
    for number in range(PIECES):
        stream.seek(first + (last - first) * (number + 1) // PIECES)
        data = stream.read(length)
        begin, end = data.find(b"\n") + 1, data.rfind(b"\n") + 1
        pieces.append(data[begin:end] if number < PIECES - 1 else data[begin:])
    return pieces
