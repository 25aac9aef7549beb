"""Bringing the newest rows of feature tables into a staged snapshot, and comparing the two.

Belongs here: which rows a snapshot holds, their times, and what differs from the tables. Does not
belong here: reading by identifier (`store.py`), when it is done (`orchestration/assets/`).

Rows are chosen by arrival and kept by event time. A snapshot is made from the table's version that
is newest now, and so from everything that arrived, however long ago it happened: no window of event
time is remembered as done, in which a late row would be missed. Its cost is that of the newest
partition, whatever the history's length.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from persona_assets.errors import DataError
from persona_assets.feature_store.registry import FeatureView
from persona_assets.lake import DeltaStore
from persona_assets.lake.content_hash import content_hash
from persona_assets.serving.online.manifest import Manifest, Materialized
from persona_assets.serving.online.packing import Layout
from persona_assets.serving.online.store import OnlineStore, nothing_at
from persona_assets.serving.online.views import SERVED, OnlineView, event_us

COMPARED = 100_000
"""Of a view with more rows than this a sample is compared, else every row."""
SAMPLE = 10_000


def materialize(
    store: OnlineStore, lake: DeltaStore, views: Sequence[FeatureView] = SERVED
) -> Manifest:
    """Stage a snapshot of the newest partition of each view's table.

    Raises:
        DataError: an identifier is missing or occurs twice, or a table cannot be read.
        InfrastructureError: the snapshot cannot be written; what is published stays as it is.
    """
    described: dict[str, Materialized] = {}
    with store.stage() as stage:
        for view in views:
            served = OnlineView.of(view)
            version = lake.version(view.table)
            partition = _newest_partition(lake, view)
            rows = _rows(lake, view, version, partition)
            if rows[view.key].is_duplicated().any():
                raise DataError(
                    f"{view.table.path}: an identifier occurs twice in {partition}; materialize it "
                    "again"
                )
            stage.put(served, rows)
            described[view.name] = stage.describe(
                served,
                table=view.table.path,
                table_version=-1 if version is None else version,
                partition=partition.isoformat() if partition else "",
                # Without arrival: equal rows are equal however often they are written.
                content_hash=content_hash(rows.drop("arrival_us")),
            )
    manifest = store.backend.manifest(staged=True)
    if manifest is None or manifest.views != described:
        raise DataError("another snapshot was staged meanwhile; run one materialization at a time")
    return manifest


def differences(
    store: OnlineStore,
    lake: DeltaStore,
    *,
    seed: int,
    staged: bool = True,
    views: Sequence[FeatureView] = SERVED,
) -> list[str]:
    """What in the staged or published snapshot is not as in the tables, to the last bit.

    Args:
        store: with the snapshot.
        lake: with the tables, of which the versions are read that the snapshot was made from.
        seed: of the sample that is compared of large views.
        staged: compare the staged snapshot; else the published one.
        views: those that it should hold.

    Returns:
        for each view that differs a text that names it and what differs; no identifier.

    Raises:
        DataError: there is no such snapshot.
    """
    manifest = store.backend.manifest(staged=staged)
    if manifest is None:
        raise nothing_at(store.backend.where, "staged" if staged else "published")
    found = []
    for view in views:
        held = manifest.views.get(view.name)
        if held is None or held.view != OnlineView.of(view):
            found.append(f"{view.name} (its definition)")
            continue
        partition = date.fromisoformat(held.partition) if held.partition else None
        version = None if held.table_version < 0 else held.table_version
        offline = _rows(lake, view, version, partition).sort(view.key)
        if different := _different(store, held.view, offline, seed, staged):
            found.append(f"{view.name} ({different})")
    return found


def _different(
    store: OnlineStore, view: OnlineView, offline: pl.DataFrame, seed: int, staged: bool
) -> str:
    if offline.height <= COMPARED:
        online = store.frame(view.name, staged=staged)
        if online.height != offline.height:
            return f"{online.height} rows and not {offline.height}"
    else:
        # A row too many is seen by the number, a wrong one by the sample.
        count = sum(1 for _ in store.rows(view.name, staged=staged))
        if count != offline.height:
            return f"{count} rows and not {offline.height}"
        offline = offline.sample(SAMPLE, seed=seed).sort(view.key)
        sampled = offline[view.key].to_list()
        online = store.frame_of(view.name, sampled, staged=staged).sort(view.key)
        if online.height != offline.height:
            return f"{offline.height - online.height} of {SAMPLE} sampled entities"
    columns = [name for name in offline.columns if name != "arrival_us"]
    return ", ".join(name for name in columns if not same_bits(online[name], offline[name]))


def same_bits(one: pl.Series, other: pl.Series) -> bool:
    """Are the values equal to the last bit: NaN equals itself, 0.0 is not −0.0?"""
    if one.dtype != other.dtype or one.len() != other.len():
        return False
    if not (one.is_null() == other.is_null()).all():
        return False
    if isinstance(one.dtype, pl.List):
        if not (one.list.len().drop_nulls() == other.list.len().drop_nulls()).all():
            return False
        one, other = (each.drop_nulls().explode(empty_as_null=False) for each in (one, other))
    one, other = one.drop_nulls(), other.drop_nulls()
    if one.dtype.is_float():
        return bool(np.array_equal(_bits(one), _bits(other)))
    return bool((one == other).all())


def _bits(values: pl.Series) -> np.ndarray:
    return np.ascontiguousarray(values.to_numpy()).view(np.uint8)


def _newest_partition(lake: DeltaStore, view: FeatureView) -> date | None:
    """The newest day or week that has rows, by the table's log."""
    if not lake.exists(view.table):
        return None
    held = [key for key, rows in lake.partition_rows(view.table).items() if rows]
    return date.fromisoformat(max(held)) if held else None


def _rows(
    lake: DeltaStore, view: FeatureView, version: int | None, partition: date | None
) -> pl.DataFrame:
    """Rows of the view as they are packed."""
    served = OnlineView.of(view)
    schema = Layout(served).schema
    if version is None or partition is None:
        return pl.DataFrame(schema=schema)
    rows = lake.read(view.table, [partition], at=version)
    times = {
        "event_us": event_us(view, partition),
        "arrival_us": max(event_us(view, partition), _written_us(lake, view)),
    }
    return rows.with_columns(
        **{name: pl.lit(value, pl.Int64) for name, value in times.items()}
    ).select(schema.names())


def _written_us(lake: DeltaStore, view: FeatureView) -> int:
    """When the table was last written, by its log [µs since 1970 UTC]."""
    (newest,) = lake.history(view.table, 1)
    return int(str(newest["timestamp"])) * 1000
