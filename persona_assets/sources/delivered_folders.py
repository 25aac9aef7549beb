"""Folders of data as Spark, Hive, Delta and operating systems leave them.

Belongs here: which files below a folder are data, which belong to a Delta table's current version,
and the columns that folder names state. Does not belong here: names and patterns (`finding.py`).
"""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from persona_assets.errors import UserError

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""How Hive and Spark write a null into a folder's name."""
NO_DATA = frozenset({"thumbs.db", "desktop.ini"})
DATA_ENDINGS = frozenset(
    {".csv", ".tsv", ".tab", ".psv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet"}
    | {".xlsx", ".xls", ".xlsb", ".ods", ".gz", ".zst"}
)
"""Endings of files that are read from a folder; those without an ending are read, too."""
ARCHIVES = frozenset({".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz"})
NOT_AS_FILES = frozenset({"deletionVectors", "columnMapping"})
"""Features of Delta tables whose rows are not those of its files."""
LISTED = 8
"""Names that a note shows."""


@dataclass
class PassedOver:
    """Files that are not read, by the reason."""

    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, path: Path, folder: Path) -> None:
        """Adds a file."""
        self.names.setdefault(reason, []).append(shown(path, folder))

    def notes(self) -> tuple[str, ...]:
        """A sentence per reason."""
        return tuple(
            f"{len(names)} {'file was' if len(names) == 1 else 'files were'} not read ({reason}): "
            f"{', '.join(sorted(names)[:LISTED])}" + (" …" if len(names) > LISTED else "")
            for reason, names in self.names.items()
        )


def shown(path: Path, folder: Path) -> str:
    """A path inside the folder for texts and tables, whatever bytes its name is made of."""
    name = path.relative_to(folder).as_posix()
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def is_bookkeeping(name: str) -> bool:
    """Whether a file or folder is not data by its name, as Hadoop has it."""
    hidden = name.startswith((".", "~$")) or (name.startswith("_") and "=" not in name)
    return hidden or name.lower() in NO_DATA or name.endswith(".crc")


def data_below(top: Path, folder: Path, passed: PassedOver) -> Iterator[Path]:
    """Files of data below a folder, in the order of their names.

    Raises:
        UserError: a folder cannot be opened, or a symbolic link among them leads out of `folder`.
    """
    for here, below, names in os.walk(top, onerror=_refuse):
        place = Path(here)
        for name in below:
            if (place / name).is_symlink() and not is_bookkeeping(name):
                _refuse_outside(place / name, folder)
                passed.add("behind a link to a folder", place / name, folder)
        below[:] = sorted(name for name in below if not is_bookkeeping(name))
        for name in sorted(names):
            path = place / name
            if is_bookkeeping(name) or not path.is_file():
                passed.add("bookkeeping", path, folder)
            elif path.suffix and path.suffix.lower() not in DATA_ENDINGS:
                passed.add(_other_kind(path), path, folder)
            else:
                yield path


def _other_kind(path: Path) -> str:
    if path.suffix.lower() in ARCHIVES:
        return "an archive: unpack it"
    return "names of CSV, JSON, Parquet and Excel files end otherwise"


def partitions(path: Path, folder: Path) -> dict[str, str | None]:
    """Column → value that the names of a file's folders state.

    Raises:
        UserError: two of them state one column.
    """
    stated: dict[str, str | None] = {}
    for part in path.relative_to(folder).parts[:-1]:
        name, equals, value = part.partition("=")
        if not equals or not name:
            continue
        if unquote(name) in stated:
            raise UserError(
                f"{shown(path, folder)}: two of its folders state a column {unquote(name)!r}; "
                "rename one of them"
            )
        stated[unquote(name)] = None if value in ("", NO_VALUE) else unquote(value)
    return stated


def current_files(paths: Collection[Path], folder: Path) -> set[Path]:
    """Those of the files that are not left behind by older versions of a Delta table.

    Raises:
        UserError: a Delta table cannot be read, or its rows are not those of its files.
    """
    current = cache(_current)
    return {
        path
        for path in paths
        if all(
            unquote(path.name) in current(above)
            for above in path.parents
            if above.is_relative_to(folder) and (above / "_delta_log").is_dir()
        )
    }


def _current(table: Path) -> frozenset[str]:
    """Names of the files of a table's current version; no two files of a table share one."""
    try:
        delta = DeltaTable(str(table))
        files = delta.file_uris()
        features = NOT_AS_FILES & {*(delta.protocol().reader_features or ())}
    except (DeltaError, OSError) as error:
        raise UserError(
            f"{table} has a folder _delta_log, but is no Delta table that can be read; deliver it "
            "again, or remove that folder"
        ) from error
    if features:
        raise UserError(
            f"{table} is a Delta table with {', '.join(sorted(features))}, whose rows are not "
            "those of its files; export it as Parquet"
        )
    return frozenset(unquote(uri.rsplit("/", 1)[-1]) for uri in files)


def _refuse_outside(link: Path, folder: Path) -> None:
    if not link.resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"{shown(link, folder)} is a symbolic link that leads out of {folder}; put the files "
            "themselves there"
        )


def _refuse(error: OSError) -> None:
    raise UserError(
        f"{error.filename} cannot be opened: {error.strerror}; correct its permissions"
    ) from error
