"""The pattern that means given files, those of the same kind that come later, and no others.

Belongs here: how a mapping's `file` is written, and what it finds. Does not belong here: what
patterns mean (`finding.py`) and what is general in one name (`general_names.py`).

A pattern that names today's files alone would pass over tomorrow's without a word.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from persona_assets.errors import UserError
from persona_assets.notation import counted
from persona_assets.sources.finding import find_files
from persona_assets.sources.inspection.general_names import (
    ending_of,
    folders_of,
    general,
    names_like,
)

LONGEST_LIST = 50
"""Files that are named one by one, where no pattern means them."""


def pattern_for(folder: Path, names: Sequence[str], empty: Collection[str]) -> tuple[str, ...]:
    """Names or patterns for `file` that mean these files, and none of the others.

    Args:
        folder: where the files are.
        names: paths inside the folder.
        empty: names of files without content, which may be meant or not.
    """
    wanted = {*names}
    for candidate in _candidates(names):
        try:
            found = {file.name for file in find_files(folder, candidate).files}
        except UserError:
            continue
        if wanted <= found <= wanted | {*empty}:
            return candidate
    return tuple(names[:LONGEST_LIST])


def what_it_finds(patterns: Sequence[str], names: Sequence[str]) -> str:
    """What a section's `file` finds today and tomorrow, in a few words."""
    today = counted(len(names), "file")
    if {*patterns} <= {*names}:
        return f"{today} today; a later one with another name is not read"
    if any("*" in pattern for pattern in patterns):
        return f"{today} today, and later ones with such names"
    return f"{today} today, and later ones in this folder"


def _candidates(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Patterns, the likeliest to mean tomorrow's files first."""
    folders = [folders_of(name) for name in names]
    if all(folders):
        for each in zip(*folders, strict=False):
            if len({*each}) == 1:
                yield (each[0],)
    for digits in ("*", "[0-9]*"):
        alike = dict.fromkeys(general(name, digits=digits) for name in names)
        if len(alike) == 1:
            yield tuple(alike)
    if len(names) == 1:
        yield names_like(names[0])
    else:
        yield from _of_several(names)
        alike = dict.fromkeys(general(name) for name in names)
        if len(alike) <= LONGEST_LIST:
            yield tuple(alike)


def _of_several(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Patterns of what names of different words have in common, the narrowest first."""
    begin = _common_beginning(names)
    end = _common_beginning([name[::-1] for name in names])[::-1]
    end = end[max(0, len(begin) + len(end) - min(map(len, names))) :]
    ending = ending_of(names[0])
    stem = begin.rstrip("0123456789")
    for tail in dict.fromkeys((ending, end, "")):
        if all(name.endswith(tail) for name in names):
            yield (general(f"{stem}\0{tail}"),)
    folder = os.path.commonpath(names)
    if folder:
        yield (folder,)
        yield (f"{folder}/**/*{ending}",)
    yield (f"**/*{ending}",)
    yield (".",)


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    same = (n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(same, min(len(first), len(last)))]
