"""Manifests: what a training set was made from, so that it can be made again.

Belongs here: the record, its file at `<home>/feature_store/manifests/<name>.json`, and which
versions of tables the manifests of a home name. Does not belong here: making training sets
(`training_sets.py`), keeping the versions (`lake/maintenance.py`).

A manifest names tables by their path in the lake and files by their names next to it, so that a
home can be moved. As long as it exists, maintenance keeps the versions that it names; deleting it
lets them go.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from persona_assets import regular_files
from persona_assets.errors import DataError, UserError
from persona_assets.tables import TABLES

FORMAT = 1
"""Of the file; a later package that writes another one raises it."""

Recipe = Literal["entities", "labelled_week"]
"""`entities`: features joined to entities that were given, a file next to the manifest;
`labelled_week`: a partition of `feature_store/training_set`."""

# Names that are file names on any system.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Manifest:
    """One training set.

    Attributes:
        name: of the set, and of the file.
        recipe: how it is made.
        tables: Delta version that was read, by path of the table.
        views: version of each feature view that it has features of.
        parameters: what else decides its rows: features, as_of, cut-off, seed; and whatever its
            maker wanted to be remembered, under `noted`.
        rows: how many it has.
        content_hash: of its rows (see `lake/content_hash.py`).
        entities_hash: content hash of the entities that were given; empty where there are none.
        code_version: of what computed it, empty where that is not known.
        created: when, in ISO form. It decides nothing.
        format: of the file.
    """

    name: str
    recipe: Recipe
    tables: Mapping[str, int]
    views: Mapping[str, int]
    parameters: Mapping[str, Any]
    rows: int
    content_hash: str
    entities_hash: str = ""
    code_version: str = ""
    created: str = ""
    format: int = field(default=FORMAT)


def folder(home: Path) -> Path:
    """Where the manifests of a home lie."""
    return home / "feature_store" / "manifests"


def entities_file(path: Path) -> Path:
    """The file of the entities that belong to the manifest at `path`."""
    return path.with_suffix(".entities.parquet")


def path_of(home: Path, name: str) -> Path:
    """The file of the manifest called `name`; UserError where that is no name."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} is no name of a training set; use letters, digits, dots, dashes and "
            "underscores, a letter or digit first, at most 100 of them"
        )
    return folder(home) / f"{name}.json"


def save(path: Path, manifest: Manifest) -> None:
    """Write the manifest, whole or not at all.

    Raises:
        UserError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        text = json.dumps(asdict(manifest), indent=1, sort_keys=True, ensure_ascii=False)
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}; point PERSONA_HOME at a folder you may "
            "write to"
        ) from error


def load(path: Path) -> Manifest:
    """The manifest at `path`.

    Raises:
        UserError: there is none, or it cannot be read.
        DataError: the file is no manifest of this format.
    """
    try:
        stored = json.loads(regular_files.text(path))
        if stored["format"] != FORMAT:
            raise DataError(
                f"{path} is a manifest of format {stored['format']}, this package knows {FORMAT}; "
                "use the package that wrote it"
            )
        manifest = Manifest(**stored)
        tables, views = dict(manifest.tables), dict(manifest.views)
        _ = [version + 0 for version in (*tables.values(), *views.values(), manifest.rows)]
        _ = dict(manifest.parameters), manifest.content_hash + manifest.entities_hash
    except OSError as error:
        raise UserError(
            f"no manifest can be read at {path}: {error.strerror}; name one of "
            f"{path.parent}, or a copy"
        ) from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(
            f"{path} is not a manifest of a training set ({type(error).__name__}: {error}); "
            "restore it from a copy"
        ) from error
    if unknown := sorted(tables.keys() - TABLES.keys()):
        raise DataError(
            f"{path} names the table {unknown[0]}, which this package does not have; use the "
            "package that wrote it"
        )
    return manifest


def versions_named(home: Path) -> dict[str, set[int]]:
    """The versions that the manifests of `home` name, by path of the table.

    Raises:
        UserError: a manifest cannot be read.
        DataError: a file among them is no manifest: what it named would be deleted.
    """
    found: dict[str, set[int]] = {}
    for manifest in _of_home(home):
        for table, version in manifest.tables.items():
            found.setdefault(table, set()).add(version)
    return found


def _of_home(home: Path) -> Iterator[Manifest]:
    for path in sorted(folder(home).glob("*.json")):
        yield load(path)
