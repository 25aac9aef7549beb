"""Training sets that can be made again, row for row, whatever has happened to the lake since.

Belongs here: making a training set with its manifest, remembering those that the asset
`feature_store/training_set` makes, and making one again. Does not belong here: the file of a
manifest (`manifests.py`), the joins (`historical_features.py`, `transforms/training.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl

from persona_assets.errors import DataError, UserError
from persona_assets.feature_store import definitions, manifests, registry
from persona_assets.feature_store.historical_features import historical_features
from persona_assets.feature_store.manifests import Manifest
from persona_assets.lake import DeltaStore
from persona_assets.lake.content_hash import content_hash, render
from persona_assets.lake.polars_engine import PolarsEngine
from persona_assets.tables import Table
from persona_assets.tables.feature_store import ITEM_FEATURES, TRAINING_SET, USER_FEATURES
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.transforms.training import LABEL_DAYS, training_set

_EVE = 1
"""Days before the first label that features are read of."""


@dataclass(frozen=True)
class TrainingSet:
    """The rows of a training set, its manifest and where that lies."""

    rows: pl.DataFrame
    manifest: Manifest
    path: Path


def create(
    home: Path,
    store: DeltaStore,
    name: str,
    entities: pl.DataFrame,
    features: Sequence[str],
    as_of: datetime | None = None,
    *,
    noted: Mapping[str, Any] | None = None,
) -> TrainingSet:
    """Features joined to `entities` as they were known, and a manifest to make them again by.

    Args:
        home: whose manifests it is put among.
        store: its lake.
        name: of the set.
        entities: see `get_historical_features`; kept in a file next to the manifest, which can be
            read by its owner only, since labels are nobody else's business.
        features: see there.
        as_of: see there.
        noted: what else to remember with it, such as a seed: anything that JSON can hold.

    Raises:
        UserError: the name is taken by a set of other rows, or as `get_historical_features`.
        DataError: a table does not exist or cannot be read.
    """
    definitions.verify_home(home)
    path = manifests.path_of(home, name)
    wanted = registry.chosen(features)
    # Fixed before anything is read: what others write meanwhile is not part of it.
    tables = {view.table.path: _version(store, view.table) for view, _ in wanted}
    with store.naming_damage():
        rows = historical_features(store, entities, wanted, as_of, versions=tables).collect()
    manifest = Manifest(
        name=name,
        recipe="entities",
        tables=tables,
        views={view.name: view.version for view, _ in wanted},
        parameters={
            "features": [f"{view.name}:{each}" for view, names in wanted for each in names],
            "as_of": as_of.isoformat() if as_of else None,
            "noted": dict(noted or {}),
        },
        rows=rows.height,
        content_hash=content_hash(rows),
        entities_hash=content_hash(entities),
        created=_now(),
    )
    if path.exists() and (held := manifests.load(path)).content_hash != manifest.content_hash:
        raise UserError(
            f"{path} is the manifest of another training set ({held.rows:,} rows of "
            f"{held.created}); choose another name, or delete that file"
        )
    _keep(entities, manifests.entities_file(path))
    manifests.save(path, manifest)
    return TrainingSet(rows, manifest, path)


def remember_week(
    home: Path,
    store: DeltaStore,
    cutoff: date,
    *,
    seed: int,
    versions: Mapping[str, int],
    code_version: str = "",
) -> Path | None:
    """Write the manifest of the partition `cutoff` of `feature_store/training_set`.

    It takes the place of the one that the partition had before it was made again.

    Args:
        home: whose manifests it is put among.
        store: its lake, with the partition in it.
        cutoff: of the partition.
        seed: that it was made with.
        versions: Delta versions that it was made from, by path of the table.
        code_version: of the asset.

    Returns:
        The file; None where the partition has no rows, and an earlier manifest was deleted.
    """
    path = manifests.path_of(home, f"training_set-{cutoff}")
    [(rows, total)] = store.digests(TRAINING_SET, [cutoff]).values()
    if not rows:
        path.unlink(missing_ok=True)
        return None
    views = (registry.view("user_features"), registry.view("item_features"))
    manifest = Manifest(
        name=path.stem,
        recipe="labelled_week",
        tables=dict(versions),
        views={view.name: view.version for view in views},
        parameters={"cutoff": cutoff.isoformat(), "seed": seed},
        rows=rows,
        content_hash=render(rows, total),
        code_version=code_version,
        created=_now(),
    )
    manifests.save(path, manifest)
    return path


def rebuild(store: DeltaStore, path: Path) -> TrainingSet:
    """Make the training set of the manifest at `path` again, and compare it with what it was.

    Args:
        store: the lake that the manifest is of.
        path: of the manifest; the entities, where some were given, lie next to it.

    Raises:
        UserError: there is no manifest.
        DataError: the manifest, the entities or a data file is damaged or lost, a version that it
            names is gone, or other rows came out than it names.
    """
    manifest = manifests.load(path)
    here = replace(store, engine=PolarsEngine())
    try:
        make = _week_again if manifest.recipe == "labelled_week" else _entities_again
        rows = make(here, path, manifest)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is not a manifest of a training set ({type(error).__name__}: {error}); "
            "restore it from a copy"
        ) from error
    if (found := content_hash(rows)) != manifest.content_hash:
        raise DataError(
            f"{path}: {rows.height:,} rows of content hash {found} came out, and not the "
            f"{manifest.rows:,} of {manifest.content_hash}: the code that computes them has "
            f"changed since {manifest.created}; use the package of that time"
        )
    return TrainingSet(rows, manifest, path)


def _entities_again(store: DeltaStore, path: Path, manifest: Manifest) -> pl.DataFrame:
    given = manifests.entities_file(path)
    try:
        entities = pl.read_parquet(given)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(
            f"the entities {given} of the manifest {path} are lost or damaged "
            f"({type(error).__name__}); restore that file from a copy"
        ) from error
    if (found := content_hash(entities)) != manifest.entities_hash:
        raise DataError(
            f"the entities {given} have content hash {found}, the manifest {path} says "
            f"{manifest.entities_hash}; restore that file from a copy"
        )
    asked: dict[str, list[str]] = {}
    for each in manifest.parameters["features"]:
        view, _, feature = str(each).partition(":")
        asked.setdefault(view, []).append(feature)
    wanted = [
        (definitions.of_version(view, manifest.views[view]), tuple(names))
        for view, names in asked.items()
    ]
    as_of = manifest.parameters["as_of"]
    at = datetime.fromisoformat(as_of) if as_of else None
    with store.naming_damage():
        return historical_features(
            store, entities, wanted, at, versions=dict(manifest.tables)
        ).collect()


def _week_again(store: DeltaStore, path: Path, manifest: Manifest) -> pl.DataFrame:
    cutoff = date.fromisoformat(manifest.parameters["cutoff"])
    back = range(LABEL_DAYS + _EVE, 0, -1)
    days = [cutoff - timedelta(days=each) for each in back]

    def rows(table: Table) -> nw.LazyFrame:
        # A table that was not there when the set was made had no rows.
        if (version := manifest.tables.get(table.path)) is None:
            return nw.from_native(table.empty().lazy())
        return store.scan(table, days, at=version)

    made = training_set(
        rows(USER_ITEM_INTERACTIONS),
        rows(USER_FEATURES),
        rows(ITEM_FEATURES),
        cutoff=cutoff,
        seed=int(manifest.parameters["seed"]),
    )
    return store.collect(made).sort(TRAINING_SET.key)


def _version(store: DeltaStore, table: Table) -> int:
    if (version := store.version(table)) is None:
        raise DataError(
            f"{table.path}: no such table at {store.uri(table)}; materialize the asset "
            f"{table.path} first"
        )
    return version


def _keep(entities: pl.DataFrame, path: Path) -> None:
    """Whole or not at all, and for its owner only."""
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.touch(mode=0o600)
        entities.write_parquet(fresh)
        fresh.replace(path)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; point PERSONA_HOME at a folder you "
            "may write to"
        ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
