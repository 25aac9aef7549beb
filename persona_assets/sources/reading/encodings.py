"""From the bytes of a text file to UTF-8 without byte order mark.

Belongs here: byte order marks, UTF-16, the encoding that a person states, bytes that are no text,
and the line in which they are. Does not belong here: what the text holds.
"""

import codecs
import re
from pathlib import Path

from persona_assets.errors import UserError
from persona_assets.sources.reading.delivered import EmptyFile, FileFormat

MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins the same
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LINE_END = re.compile(rb"\r\n|\r|\n")
ASCII = bytes(range(128))
CHUNK = 1 << 24
"""Bytes that are checked at a time, so that a large file is not held as a Python text."""


def in_utf8(data: bytes, path: Path, options: FileFormat) -> tuple[bytes, str]:
    """The text as UTF-8 without byte order mark, and the encoding that it was in.

    A byte order mark says the encoding. Without one, text is UTF-8, or UTF-16 where every other of
    its first bytes is zero, or what `options.encoding` says. That encoding, if it is one of single
    bytes that contain ASCII, is for the files that are not UTF-8: a file with letters beyond ASCII
    that all happen to be valid UTF-8 is UTF-8.

    Raises:
        EmptyFile: there is nothing but white space.
        UserError: the bytes are no text of that encoding, or hold NUL bytes.
    """
    text, encoding = _decoded(data, path, options)
    if not text or text.isspace():
        raise EmptyFile(f"{path} is empty (no header and no row); deliver it again or remove it")
    if (nul := text.find(b"\0")) >= 0:
        raise UserError(
            f"{path} line {line_of(text, nul)} holds a NUL byte, which text cannot hold; deliver "
            "the file again, or remove the byte"
        )
    return text, encoding


def line_of(data: bytes, offset: int) -> int:
    """Number, from 1, of the line that a byte is in; lines end with LF, CRLF or CR."""
    return 1 + sum(1 for _ in LINE_END.finditer(data, 0, offset))


def _decoded(data: bytes, path: Path, options: FileFormat) -> tuple[bytes, str]:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _from(data[len(mark) :], encoding, path, offset=len(mark)), encoding
    stated = options.encoding
    if stated is not None and not _is_for_the_rest(stated):
        return _from(data, stated, path), stated
    if stated is None and (guessed := _utf16_by_zeros(data)):
        return _from(data, guessed, path), guessed
    bad = _first_byte_that_is_not_utf8(data)
    if bad is None:
        return data, "utf-8"
    if stated is not None:
        return _from(data, stated, path), stated
    raise UserError(
        f"{path} is not UTF-8 (first bad byte at offset {bad}, in line {line_of(data, bad)}); "
        f"save it as UTF-8, or set {options.setting('encoding', 'cp1252')} if it is Western "
        "European text (cp1250 is Central European, cp1251 Cyrillic, shift_jis Japanese)"
    )


def _from(data: bytes, encoding: str, path: Path, offset: int = 0) -> bytes:
    if encoding == "utf-8":
        bad = _first_byte_that_is_not_utf8(data)
        if bad is None:
            return data
        raise _not_in(encoding, path, offset + bad, line_of(data, bad))
    try:
        return data.decode(encoding).encode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace").encode("utf-8", "replace")
        raise _not_in(encoding, path, offset + error.start, line_of(before, len(before))) from error
    except UnicodeError as error:
        raise UserError(
            f"{path} cannot be read in the encoding {encoding}; correct the encoding or the file"
        ) from error


def _not_in(encoding: str, path: Path, offset: int, line: int) -> UserError:
    return UserError(
        f"{path} is not {encoding.upper()} (first bad byte at offset {offset}, in line {line}); "
        "correct the encoding, or deliver the file again"
    )


def _is_for_the_rest(encoding: str) -> bool:
    """Whether an encoding is ASCII and one byte a character, so that UTF-8 shows beside it."""
    try:
        one_each = len(bytes(range(160, 256)).decode(encoding, "replace")) == 256 - 160
        return one_each and ASCII.decode(encoding) == ASCII.decode("ascii")
    except UnicodeError:
        return False


def _utf16_by_zeros(data: bytes) -> str | None:
    head = data[:4096]
    pairs = len(head) // 2
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > pairs / 2 and even == 0:
        return "utf-16-le"
    if even > pairs / 2 and odd == 0:
        return "utf-16-be"
    return None


def _first_byte_that_is_not_utf8(data: bytes) -> int | None:
    if data.isascii():
        return None
    start, view = 0, memoryview(data)
    while start < len(data):
        last = start + CHUNK >= len(data)
        try:
            start += codecs.utf_8_decode(view[start : start + CHUNK], "strict", last)[1]
        except UnicodeDecodeError as error:
            return start + error.start
    return None
