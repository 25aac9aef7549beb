"""Where the quoted fields of delimited text are, and what is wrong with a line.

Belongs here: quotes, records, lines and their numbers, all on the bytes. Does not belong here: the
values (`delimited.py`). No text of the file ever gets into an error.

A field is quoted if a double quote is its first character; a quote inside it is doubled, and it may
hold separators and line ends. A quote elsewhere (`FRAME 7" SINGLE`) is a character like others.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from persona_assets.errors import UserError
from persona_assets.sources.reading.encodings import line_of

QUOTE, LF, CR = 0x22, 0x0A, 0x0D
Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Records:
    """The records of delimited text that are not blank.

    Attributes:
        line: the line in which each begins, from 1.
        start: offset of its first byte.
        fields: how many fields it has.
    """

    line: Offsets
    start: Offsets
    fields: Offsets


def unescaped(data: bytes, separator: str) -> bytes | None:
    r"""The text with doubled quotes, if it escapes them by `\"` (as Spark does); else None.

    That is certain where quotes make sense only so.
    """
    if b'\\"' not in data or _regular(data, separator) is not None:
        return None
    doubled = data.replace(b'\\"', b'""')
    return doubled if _regular(doubled, separator) is not None else None


def quoted_spans(data: bytes, separator: str, path: Path) -> tuple[Offsets, Offsets]:
    """Offsets of the quotes that open and of those that close a quoted stretch.

    Raises:
        UserError: a quoted field is followed by text or never closed; the text names the lines.
    """
    regular = _regular(data, separator)
    return regular if regular is not None else _spans(data, separator, path)


def records(data: bytes, separator: str, spans: tuple[Offsets, Offsets]) -> Records:
    """Lines and numbers of fields of all records."""
    array = np.frombuffer(data, dtype=np.uint8)
    ends = _line_ends(array)
    of_record = ends[~_inside(ends, spans)]
    bounds = np.concatenate([[-1], of_record, [len(array)]])
    start, stop = bounds[:-1] + 1, bounds[1:]
    carriage = np.zeros(len(stop), dtype=bool)
    carriage[stop > start] = array[stop[stop > start] - 1] == CR
    filled = (stop - start - carriage) > 0
    start, stop = start[filled], stop[filled]
    separators = np.flatnonzero(array == ord(separator))
    separators = separators[~_inside(separators, spans)]
    fields = 1 + np.searchsorted(separators, stop) - np.searchsorted(separators, start)
    return Records(1 + np.searchsorted(ends, start), start, fields)


def _line_ends(array: NDArray[np.uint8]) -> Offsets:
    """Offset of the last byte of each line end: LF, CRLF or CR."""
    is_end = array == LF
    carriages = np.flatnonzero(array == CR)
    if len(carriages):
        follows = np.append(is_end, False)[carriages + 1]
        is_end[carriages[~follows]] = True
    return np.flatnonzero(is_end)


def _inside(offsets: Offsets, spans: tuple[Offsets, Offsets]) -> NDArray[np.bool_]:
    opens, closes = spans
    opened, closed = np.searchsorted(opens, offsets), np.searchsorted(closes, offsets)
    return np.asarray(opened > closed)


def _regular(data: bytes, separator: str) -> tuple[Offsets, Offsets] | None:
    """The spans, if all quotes open a field, close one or are doubled inside one; else None."""
    if b'"' not in data:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    array = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(array == QUOTE)
    if len(quotes) % 2:
        return None
    opens, closes = quotes[::2], quotes[1::2]
    # A doubled quote closes a stretch and opens the next one at once.
    continues = opens[1:] == closes[:-1] + 1
    starts, ends = opens[1:][~continues], closes[:-1][~continues]
    at_start = _bounds(array[starts - 1], separator)
    at_end = _bounds(array[ends + 1], separator)
    first, last = int(opens[0]), int(closes[-1])
    whole = first == 0 or _bounds(array[first - 1], separator)
    whole = whole and (last == len(array) - 1 or _bounds(array[last + 1], separator))
    return (opens, closes) if whole and at_start.all() and at_end.all() else None


def _bounds(characters: NDArray[np.uint8], separator: str) -> NDArray[np.bool_]:
    """Which of the characters may stand before an opening and after a closing quote."""
    return (characters == ord(separator)) | (characters == LF) | (characters == CR)


def _spans(data: bytes, separator: str, path: Path) -> tuple[Offsets, Offsets]:
    """As `_regular`, one quote after another, where some are mere characters."""
    bounds = (ord(separator), LF, CR)
    opens, closes = [], []
    opened = -1
    offset = data.find(b'"')
    while offset >= 0:
        following = data[offset + 1] if offset + 1 < len(data) else LF
        if opened < 0:
            if offset == 0 or data[offset - 1] in bounds:
                opened = offset
                opens.append(offset)
        elif following == QUOTE:
            offset += 1
        elif following in bounds:
            opened = -1
            closes.append(offset)
        else:
            raise UserError(
                f"{path} line {line_of(data, offset)} has text after the closing quote of a field "
                f"(opened in line {line_of(data, opened)}); double the quotes inside a quoted "
                "field, or quote no field"
            )
        offset = data.find(b'"', offset + 1)
    if opened >= 0:
        raise UserError(
            f"{path} line {line_of(data, opened)} opens a quoted field that is never closed; "
            "close or remove the quote there"
        )
    return np.asarray(opens, dtype=np.int64), np.asarray(closes, dtype=np.int64)
