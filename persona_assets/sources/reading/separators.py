"""Which character separates the fields of delimited text.

Belongs here: what the first records say about it. Does not belong here: reading them all
(`delimited.py`).
"""

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from persona_assets.errors import UserError
from persona_assets.sources.reading.delivered import FileFormat
from persona_assets.sources.reading.headers import column_names

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
BY_ENDING = {".tsv": "\t", ".tab": "\t", ".psv": "|"}
SAMPLE = 1 << 17
"""Bytes that are looked at; a field of a sample is never larger than Python's csv module allows."""


@dataclass(frozen=True)
class _Candidate:
    separator: str
    names: list[str | None]
    fits: bool
    """Whether all records of the sample have as many fields as the header."""


def separator_of(
    data: bytes, path: Path, options: FileFormat, roots: Collection[str] | None
) -> str:
    """The separator: as stated, or as the header and the first records show for certain.

    Args:
        data: UTF-8 text that begins with the header; what is beyond `SAMPLE` does not matter.
        path: for the error text; its ending decides between two that are equally good.
        options: what the person says.
        roots: columns that the file should have, under any of several names; None: unknown.

    Raises:
        UserError: more than one separator makes sense.
    """
    if options.separator is not None:
        return options.separator
    sample, whole = data[:SAMPLE].decode("utf-8", "ignore"), len(data) <= SAMPLE
    candidates = [
        candidate
        for separator in SEPARATORS
        if len((candidate := _candidate(sample, whole, separator)).names) > 1
    ]
    if len(candidates) > 1 and roots:
        known = [len(set(candidate.names) & set(roots)) for candidate in candidates]
        candidates = [c for c, hits in zip(candidates, known, strict=True) if hits == max(known)]
    if len(candidates) > 1 and any(candidate.fits for candidate in candidates):
        candidates = [candidate for candidate in candidates if candidate.fits]
    ending = BY_ENDING.get(path.suffix.lower())
    if len(candidates) > 1 and any(candidate.separator == ending for candidate in candidates):
        return str(ending)
    if len(candidates) > 1:
        both = " or ".join(
            f"{SEPARATORS[c.separator]} ({len(c.names)} columns)" for c in candidates
        )
        raise UserError(
            f"{path}: its fields may be separated by {both}; "
            f"set {options.setting('separator', candidates[0].separator)} or the other"
        )
    return candidates[0].separator if candidates else (ending or ",")


def _candidate(sample: str, whole: bool, separator: str) -> _Candidate:
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    try:
        filled = [row for row in rows if row]
    except csv.Error:  # a field larger than the module's limit: a quote that is never closed
        filled = list(csv.reader(sample.splitlines()[:1], delimiter=separator))
    if not whole and len(filled) > 1:
        filled.pop()  # probably cut
    header = filled[0] if filled else []
    width = len(header)
    fits = all(len(row) == width or not any(row[width:]) for row in filled[1:] if len(row) >= width)
    fits = fits and all(len(row) >= width or not any(header[len(row) :]) for row in filled[1:])
    return _Candidate(separator, column_names(header), fits)
