"""The bytes of a file, unpacked, and the kind of file that they show.

Belongs here: compression and the first bytes of formats, whatever a file's name says. Does not
belong here: text encodings (`encodings.py`) and what a format holds (a module each).
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from persona_assets.errors import UserError
from persona_assets.sources.reading.delivered import EmptyFile

Kind = Literal["text", "Parquet", "Excel"]

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
COMPRESSIONS = {GZIP: "gzip", ZSTD: "zstd"}
"""First bytes → what is unpacked."""
LONGEST_MARK = 16
"""Bytes that are enough to tell a format by."""

KINDS: tuple[tuple[bytes, Kind], ...] = (
    (b"PAR1", "Parquet"),
    (b"PK\x03\x04", "Excel"),  # any zip archive; the workbook's reader says which
    (b"\xd0\xcf\x11\xe0", "Excel"),  # before 2007
)
NOT_READ: tuple[tuple[bytes, str], ...] = (
    (b"BZh", "a bzip2 archive; unpack it, or compress it with gzip or zstd"),
    (b"\xfd7zXZ\x00", "an xz archive; unpack it, or compress it with gzip or zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it, or compress it with gzip or zstd"),
    (b"Rar!", "a rar archive; unpack it, or compress it with gzip or zstd"),
    (b"ORC", "an ORC file; convert it to Parquet"),
    (b"Obj\x01", "an Avro file; convert it to Parquet or JSON lines"),
    (b"ARROW1", "an Arrow (Feather) file; convert it to Parquet"),
    (b"PARE", "an encrypted Parquet file; deliver it without encryption"),
    (b"SQLite format 3\x00", "an SQLite database; export the table as CSV or Parquet"),
    (b"%PDF", "a PDF; export the table as CSV, Excel or Parquet"),
    (b"<!DOCTYPE", "a web page and not an export; perhaps the download needed a login"),
    (b"<html", "a web page and not an export; perhaps the download needed a login"),
    (b"<?xml", "XML; export the table as CSV, JSON, Excel or Parquet"),
)
"""First bytes of what is often delivered by mistake → what it is and what to do."""


@dataclass(frozen=True)
class Contents:
    """The unpacked bytes of a file, and `gzip` or `zstd` if it was compressed."""

    data: bytes
    kind: Kind
    compression: str | None = None


def contents(path: Path) -> Contents:
    """A file's bytes, unpacked if they are compressed.

    Raises:
        EmptyFile: there are none.
        UserError: the file cannot be opened, is damaged or of a kind that is not read.
    """
    packed = _bytes(path)
    data, compression = packed, None
    if packed.startswith(GZIP):
        data, compression = _unpacked_gzip(packed, path), "gzip"
    elif packed.startswith(ZSTD):
        data, compression = _unpacked_zstd(packed, path), "zstd"
    if not data:
        raise EmptyFile(f"{path} is empty (0 bytes); deliver it again or remove it")
    if compression and (within := _compression(data)):
        raise UserError(
            f"{path} is compressed twice, {within} within {compression}; unpack it once, or "
            "deliver it compressed once"
        )
    return Contents(data, _kind(data, path), compression)


def _compression(data: bytes) -> str | None:
    return next((name for mark, name in COMPRESSIONS.items() if data.startswith(mark)), None)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}; correct the path") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UserError(f"{path} cannot be opened: {reason}; correct its permissions") from error


def _kind(data: bytes, path: Path) -> Kind:
    for mark, what in NOT_READ:
        if data[:LONGEST_MARK].lower().startswith(mark.lower()):
            raise UserError(f"{path} is {what}")
    for mark, kind in KINDS:
        if data.startswith(mark):
            return kind
    if path.suffix.lower() == ".parquet":
        raise UserError(
            f"{path} cannot be read as Parquet: it does not begin like one; deliver it again or "
            "correct its ending"
        )
    if path.suffix.lower() in (".xlsx", ".xls", ".xlsb", ".ods"):
        raise UserError(
            f"{path} cannot be read as an Excel workbook: it does not begin like one; deliver it "
            "again or correct its ending"
        )
    return "text"


def _unpacked_gzip(packed: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(packed)  # all members, one after another
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, "gzip", len(packed)) from error


def _unpacked_zstd(packed: bytes, path: Path) -> bytes:
    try:
        with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
            return stream.read()
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, "zstd", len(packed)) from error


def _damaged(path: Path, compression: str, size: int) -> UserError:
    return UserError(
        f"{path} is truncated or damaged: its {size} bytes are not a complete {compression} "
        "stream; "
        "deliver it again"
    )
