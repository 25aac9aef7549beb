"""Finding the files of a section inside the folder that a shop delivers.

Belongs here: names and patterns. Does not belong here: what is below a folder
(`delivered_folders.py`) and what is in the files (`reading/`).

A name or pattern may mean a file or a folder; a folder means all files of data below it, as Spark,
Hive and dbt write them: `events/year=2024/part-0.parquet` has a column `year`. A pattern
that matches files means no folders. Files and folders whose names begin with `.` or `_` are
bookkeeping (`_SUCCESS`, `._events.csv`, `.DS_Store`) and are passed over unless they are named in
full.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from persona_assets.errors import UserError
from persona_assets.sources.delivered_folders import (
    PassedOver,
    current_files,
    data_below,
    is_bookkeeping,
    partitions,
    shown,
)

LISTED = 20
"""Names that an error text shows."""


@dataclass(frozen=True)
class FoundFile:
    """One file.

    Attributes:
        path: where it is.
        name: its path inside the folder, as error texts and `place` name it.
        partitions: column → value that its folders' names state, as in `year=2024/`.
    """

    path: Path
    name: str
    partitions: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """The files of a section, by name, and what was passed over (a sentence each)."""

    files: tuple[FoundFile, ...]
    notes: tuple[str, ...] = ()


def find_files(folder: Path, patterns: Sequence[str], *, section: str = "events") -> Found:
    """The files inside a folder that a section's names and patterns mean.

    Raises:
        UserError: a pattern or a symbolic link leads out of the folder, two folders of a path give
            one column two values, or a Delta table cannot be read.
    """
    passed = PassedOver()
    files: dict[Path, FoundFile] = {}
    for pattern in patterns:
        _refuse_outside(pattern, folder, section)
        for match in _matches(folder, pattern, section, passed):
            for path in data_below(match, folder, passed) if match.is_dir() else [match]:
                files[path] = FoundFile(path, shown(path, folder), partitions(path, folder))
    _refuse_links_outside(files, folder)
    current = current_files(files, folder)
    for path in files.keys() - current:
        passed.add("of an older version of a Delta table", path, folder)
    kept = [files[path] for path in current]
    return Found(tuple(sorted(kept, key=lambda file: file.name)), passed.notes())


def unmatched(folder: Path, patterns: Sequence[str]) -> tuple[str, ...]:
    """A note of the files of data in a folder that no section matches; nothing where all do.

    Args:
        folder: where the files are.
        patterns: names and patterns of all sections.
    """
    try:
        there = {file.name for file in find_files(folder, ["."]).files}
    except UserError as error:  # about files that the mapping may have nothing to do with
        return (f"files that match no section were not looked for: {error}",)
    left = sorted(there - {file.name for file in find_files(folder, patterns).files})
    if not left:
        return ()
    match = "1 file in PATH matches" if len(left) == 1 else f"{len(left):,} files in PATH match"
    return (f"{match} no section: {', '.join(left[:LISTED])}" + " …" * (len(left) > LISTED),)


def nothing_found(folder: Path, patterns: Sequence[str], *, section: str = "events") -> str:
    """What to say where a section has no file."""
    there = sorted(path.name for path in folder.iterdir())
    more = f" and {len(there) - LISTED} more" if len(there) > LISTED else ""
    return (
        f"no file in {folder} matches [{section}] file = {', '.join(map(repr, patterns))}; "
        f"there are {there[:LISTED]}{more}; correct the pattern or deliver the file"
    )


def _refuse_outside(pattern: str, folder: Path, section: str) -> None:
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts or "\0" in pattern:
        raise UserError(
            f"[{section}] file = {pattern!r} is not a pattern inside the folder; name files "
            f"relative to {folder}"
        )


def _matches(folder: Path, pattern: str, section: str, passed: PassedOver) -> list[Path]:
    """The files that a pattern matches; the folders, if it matches nothing else."""
    literal = folder / pattern
    try:
        if literal.exists():  # a name may hold the signs of patterns, as in `events [1].csv`
            return [literal]
        matches = sorted(path for path in folder.glob(pattern) if path.exists())
    except (ValueError, NotImplementedError, OSError) as error:
        raise UserError(
            f"[{section}] file = {pattern!r} is not a pattern inside the folder: {error}; name "
            "files "
            f"relative to {folder}"
        ) from error
    meant = [path for path in matches if _is_meant(path, folder, pattern)]
    for path in matches:
        if path.is_file() and path not in meant:
            passed.add("bookkeeping", path, folder)
    files = [path for path in meant if path.is_file()]
    folders = [path for path in meant if path.is_dir()]
    if files:
        return files
    return [path for path in folders if not {*folders} & {*path.parents}]


def _is_meant(path: Path, folder: Path, pattern: str) -> bool:
    """Whether no name on the way is bookkeeping, or the pattern begins with such a sign."""
    asked = {part[0] for part in PurePosixPath(pattern).parts} & {".", "_"}
    names = path.relative_to(folder).parts
    return not any(is_bookkeeping(name) and name[0] not in asked for name in names)


def _refuse_links_outside(paths: Iterable[Path], folder: Path) -> None:
    inside = folder.resolve()
    for path in paths:
        if not path.resolve().is_relative_to(inside):
            raise UserError(
                f"{shown(path, folder)} is a symbolic link that leads out of {folder}; put the "
                "file itself there"
            )
