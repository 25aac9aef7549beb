"""The pattern that means given files and no others.

Belongs here: how a mapping's `file` is written. Does not belong here: what patterns mean
(`finding.py`).
"""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from persona_assets.errors import UserError
from persona_assets.sources.finding import find_files

LONGEST_LIST = 50
"""Files that are named one by one, where no pattern means them."""


def pattern_for(folder: Path, names: Sequence[str], empty: Collection[str]) -> tuple[str, ...]:
    """Names or a pattern for `file`; the fewest that mean these files.

    Args:
        folder: where the files are.
        names: paths inside the folder.
        empty: names of files without content, which may be meant or not.
    """
    wanted = {*names}
    for candidate in _candidates(names):
        try:
            found = {file.name for file in find_files(folder, [candidate]).files}
        except UserError:
            continue
        if wanted <= found <= wanted | {*empty}:
            return (candidate,)
    return tuple(names[:LONGEST_LIST])


def _candidates(names: Sequence[str]) -> Iterator[str]:
    """Patterns from the narrowest to the widest."""
    if len(names) == 1:
        yield names[0]
        top = PurePosixPath(names[0]).parts[0]
        if top != names[0]:
            yield top
        return
    begin = _common_beginning(names)
    end = _common_beginning([name[::-1] for name in names])[::-1]
    end = end[max(0, len(begin) + len(end) - min(map(len, names))) :]
    ending = "".join(PurePosixPath(names[0]).suffixes)
    for tail in dict.fromkeys((ending, end, "")):
        stem = begin.rstrip("0123456789")
        if all(name.endswith(tail) for name in names):
            yield f"{stem}*{tail}"
    folder = os.path.commonpath(names)
    if folder:
        yield folder
        yield f"{folder}/**/*{ending}"
    yield f"**/*{ending}"
    yield "."


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    same = (n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(same, min(len(first), len(last)))]
