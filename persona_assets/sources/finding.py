"""Finding the files of a section inside the folder that a shop delivers.

Belongs here: names and patterns, folders, partitions in folder names, and which files are no data.
Does not belong here: what is in the files (`reading/`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from persona_assets.errors import UserError


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
        UserError: a pattern is none or leads out of the folder.
    """
    found: dict[Path, FoundFile] = {}
    for pattern in patterns:
        try:
            paths = sorted(path for path in folder.glob(pattern) if path.is_file())
        except (ValueError, NotImplementedError) as error:
            raise UserError(
                f"[{section}] file = {pattern!r} is no pattern inside the folder: "
                f"{error}; name files relative to {folder}"
            ) from error
        found |= {path: FoundFile(path, str(path.relative_to(folder))) for path in paths}
    return Found(tuple(sorted(found.values(), key=lambda file: file.path)))


def nothing_found(folder: Path, patterns: Sequence[str], *, section: str = "events") -> str:
    """What to say where a section has no file."""
    there = sorted(path.name for path in folder.iterdir())
    return (
        f"no file in {folder} matches [{section}] file = {', '.join(map(repr, patterns))}; "
        f"there are {there}; correct the pattern or deliver the file"
    )
