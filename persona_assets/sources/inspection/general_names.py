"""What stays in a file's name from day to day, and what changes: dates, numbers, UUIDs.

Belongs here: one name at a time. Does not belong here: which pattern means all files of a table
(`patterns.py`), and what patterns mean (`finding.py`).
"""

import glob
import re
from pathlib import PurePosixPath

PACKED = (".gz", ".zst")
_ANY = "\0"
"""Stands for what may be anything, until the rest of a name is escaped."""
_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32,64}")
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_MONTH = re.compile(
    rf"(?i)(?<=\0){_MONTHS}(?![a-z])|(?<=\0[-_. ]){_MONTHS}(?![a-z])"
    rf"|(?<![a-z]){_MONTHS}(?=[-_. ]?\0)"
)
_NUMBER = re.compile(r"(?<![^\W\d_])[0-9]+|[0-9]+(?![^\W\d_])")
"""Digits; those between two letters belong to a word, as in `b2b`."""
_SEVERAL = re.compile("\0(?:[-_. :]*\0)+")
_PART = re.compile(r"^(?:part|partition|chunk|shard|data)[-_.]?[0-9]")
"""Names that Spark and others give to the pieces of a table."""
_LETTER = re.compile(r"[^\W\d_]")


def general(name: str, *, digits: str = "*") -> str:
    """The pattern of a file and those that differ from it by dates, numbers and UUIDs alone.

    A name without any becomes `clicks*.csv`, unless its folder says the day. A zero character in
    a name stands for anything.

    Args:
        name: path inside the folder.
        digits: what stands for digits: `*`, or `[0-9]*` for what begins with one.
    """
    *folders, last = PurePosixPath(name).parts
    above = [_general(folder, digits) for folder in folders]
    ending = ending_of(last)
    stem = last[: len(last) - len(ending)]
    if _PART.match(stem):
        stem = re.split("[0-9]", stem, maxsplit=1)[0] + _ANY
    changes = _general(stem, digits)
    if not any(sign in changes for sign in ("*", "[")) and not any("*" in each for each in above):
        changes += "*"
    return "/".join([*above, changes + glob.escape(ending)])


def names_like(name: str) -> tuple[str, ...]:
    """A name, and the same one before a date or a number, where further letters mean others."""
    ending = ending_of(name)
    stem = name[: len(name) - len(ending)]
    if _ANY in _NUMBER.sub(_ANY, stem):
        return (name,)
    return name, f"{glob.escape(stem)}[-_. 0-9]*{glob.escape(ending)}"


def folders_of(name: str) -> tuple[str, ...]:
    """What a file means that is a piece of a folder's table; nothing where it is none.

    `events/day=2024-05-13/part-0.parquet` is a piece of `events`, and `events/day=*` if that has
    other tables, too.
    """
    *folders, last = PurePosixPath(name).parts
    stated = next((n for n, folder in enumerate(folders) if "=" in folder[1:]), None)
    if stated is None:
        alike = "/".join(_general(folder, "*") for folder in folders)
        return (alike,) if alike and _PART.match(last) else ()
    above = [_general(folder, "*") for folder in folders[:stated]]
    below = f"{glob.escape(folders[stated].split('=')[0])}=*"
    return tuple(filter(None, ["/".join(above), "/".join([*above, below])]))


def ending_of(name: str) -> str:
    """`.csv`, or both of `.csv.gz`."""
    suffixes = PurePosixPath(name).suffixes
    kept = suffixes[-2:] if suffixes and suffixes[-1].lower() in PACKED else suffixes[-1:]
    return "".join(each for each in kept if _LETTER.search(each))


def _general(text: str, digits: str) -> str:
    """One part of a path with its dates, numbers and UUIDs left open."""
    has_uuid = _UUID.search(text) is not None
    text = _MONTH.sub(_ANY, _NUMBER.sub(_ANY, _UUID.sub(_ANY, text)))
    text = _SEVERAL.sub(_ANY, text)
    if _ANY in text and not _LETTER.search(text):
        # Of nothing but digits: not whatever else lies there.
        digits = "[0-9A-Fa-f]*" if has_uuid else "[0-9]*"
    return digits.join(map(glob.escape, text.split(_ANY)))
