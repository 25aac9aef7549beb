"""`OnlineStore`: the features of one entity, or of many, with how old they are.

Belongs here: reading by view and identifier, and writing frames to a staged snapshot. Does not
belong here: where the bytes lie (`lmdb_store.py`, `redis_store.py`), which rows are materialized
(`materialization.py`).
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from persona_assets.errors import DataError
from persona_assets.serving.online.backend import Backend, Staging
from persona_assets.serving.online.manifest import Manifest, Materialized
from persona_assets.serving.online.packing import AGAIN, Layout, event_us_of
from persona_assets.serving.online.views import OnlineView

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 256
"""Bytes of an identifier that go into a key; of longer ones the digest does, since LMDB's keys have
at most 511 bytes."""
_DIGESTED = b"\xff"  # begins no UTF-8
_AT_ONCE = 10_000


class Features(NamedTuple):
    """What is known of an entity.

    Attributes:
        values: feature → value; null where it is not known.
        as_of_us: the state that they describe, µs since 1970 UTC.
        arrived_us: when they could be known first, µs since 1970 UTC.
        version: of the view's definition.
        snapshot: that they were read from.
        age_s: since `as_of_us` [s].
        stale: are they older than the view's time to live?
    """

    values: dict[str, object]
    as_of_us: int
    arrived_us: int
    version: int
    snapshot: str
    age_s: float
    stale: bool

    @property
    def as_of(self) -> datetime:
        """The state that they describe, in UTC."""
        return _EPOCH + timedelta(microseconds=self.as_of_us)


class Stage:
    """A snapshot that is being written."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._views: dict[str, Materialized] = {}
        self._rows: dict[str, int] = {}
        self._newest: dict[str, int] = {}
        self.name = staging.name

    def put(self, view: OnlineView, frame: pl.DataFrame) -> None:
        """Store rows; of two of one entity the one of the later event stays.

        Args:
            view: what they are rows of.
            frame: key, `event_us`, `arrival_us` and the features, in their types.

        Raises:
            DataError: an identifier is missing, or a value cannot be stored.
        """
        if frame[view.key].null_count():
            raise DataError(
                f"online view {view.name}: {view.key} is missing in a row; correct the table"
            )
        layout = Layout(view)
        for part in frame.iter_slices(_AT_ONCE):
            identifiers = part[view.key].to_list()
            keys = [key_of(view.name, each) for each in identifiers]
            trailers = [_trailer(each) for each in identifiers]
            records = layout.pack(part, trailers if any(trailers) else None)
            self._add(view, list(zip(keys, records, strict=True)))

    def describe(
        self,
        view: OnlineView,
        *,
        table: str = "",
        table_version: int = -1,
        partition: str = "",
        content_hash: str = "",
    ) -> Materialized:
        """Say where the rows of a view come from, after all of them were put."""
        self._views[view.name] = Materialized(
            view,
            self._rows.get(view.name, 0),
            self._newest.get(view.name, 0),
            table,
            table_version,
            partition,
            content_hash,
        )
        return self._views[view.name]

    def _add(self, view: OnlineView, entries: list[tuple[bytes, bytes]]) -> None:
        if not entries:
            return
        added = self._staging.put(entries)
        newest = max(event_us_of(record) for _, record in entries)
        self._rows[view.name] = self._rows.get(view.name, 0) + added
        self._newest[view.name] = max(self._newest.get(view.name, newest), newest)

    def finish(self, now_us: int) -> Manifest:
        """Make it the staged snapshot."""
        manifest = Manifest(self.name, now_us, self._views)
        self._staging.finish(manifest)
        return manifest


class OnlineStore:
    """Features found by `(view, identifier)`.

    Args:
        backend: where they are.
        clock: seconds since 1970, by which ages are told.
    """

    def __init__(self, backend: Backend, clock: Callable[[], float] = time.time) -> None:
        self.backend = backend
        self._clock = clock
        self._layouts: dict[str, dict[str, tuple[Layout, int]]] = {}

    def read(self, view: str, identifier: str) -> Features | None:
        """Features of one entity, or None when the snapshot does not know it.

        Raises:
            DataError: nothing is published, the view is none of its, or the row is damaged.
            InfrastructureError: the store cannot be reached.
        """
        manifest, (record,) = self.backend.fetch((key_of(view, identifier),))
        layout, ttl_us = self._layout(manifest, view)
        return None if record is None else self._features(layout, ttl_us, record, manifest.name)

    def read_many(self, view: str, identifiers: Sequence[str]) -> list[Features | None]:
        """`read` of each, all from the same snapshot."""
        keys = [key_of(view, each) for each in identifiers]
        manifest, records = self.backend.fetch(keys)
        layout, ttl_us = self._layout(manifest, view)
        return [
            None if each is None else self._features(layout, ttl_us, each, manifest.name)
            for each in records
        ]

    def read_views(
        self, views: Sequence[str], identifier: str
    ) -> tuple[Manifest, dict[str, Features | None]]:
        """One entity in several views, all from the same snapshot, and that snapshot's manifest.

        None: the view does not know the entity, or the snapshot was made before there was the view.
        """
        manifest, records = self.backend.fetch([key_of(view, identifier) for view in views])
        found: dict[str, Features | None] = dict.fromkeys(views)
        for view, record in zip(views, records, strict=True):
            if record is not None:
                layout, ttl_us = self._layout(manifest, view)
                found[view] = self._features(layout, ttl_us, record, manifest.name)
        return manifest, found

    def rows(self, view: str, *, staged: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Key within the view and packed row of each entity."""
        return self.backend.scan(prefix_of(view), staged=staged)

    def refresh(self) -> bool:
        """Look for a newer snapshot, and open it; see `Backend.refresh`."""
        return self.backend.refresh()

    def manifest(self) -> Manifest | None:
        """Of the published snapshot; None where nothing was published."""
        return self.backend.manifest()

    def is_there(self) -> bool:
        """Was a snapshot published, and can its manifest be read?

        Raises:
            InfrastructureError: the store cannot be reached.
        """
        try:
            return self.manifest() is not None
        except DataError:
            return False

    def frame(self, view: str, *, staged: bool = False) -> pl.DataFrame:
        """Every row of a view: key, `event_us`, `arrival_us`, features; sorted by key.

        Raises:
            DataError: there is no such snapshot or view, or a row is damaged.
        """
        layout, _ = self._layout(self._required(staged), view)
        identifiers, records = [], []
        for key, record in self.rows(view, staged=staged):
            text = layout.trailer(record) if key.startswith(_DIGESTED) else key
            identifiers.append(text.decode())
            records.append(record)
        return layout.frame(identifiers, records).sort(layout.view.key)

    def frame_of(
        self, view: str, identifiers: Sequence[str], *, staged: bool = False
    ) -> pl.DataFrame:
        """Rows of those of `identifiers` that there are, as `frame` gives them, unsorted."""
        layout, _ = self._layout(self._required(staged), view)
        keys = [key_of(view, each) for each in identifiers]
        records = self.backend.fetch_staged(keys) if staged else self.backend.fetch(keys)[1]
        known = [(i, r) for i, r in zip(identifiers, records, strict=True) if r is not None]
        return layout.frame([i for i, _ in known], [r for _, r in known])

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        """Write a snapshot that nobody reads before it is approved and published.

        Raises:
            InfrastructureError: it cannot be written; what was published stays as it is.
        """
        microseconds = int(self._clock() * 1e6)
        unique = hashlib.blake2b(str(time.monotonic_ns()).encode(), digest_size=4).hexdigest()
        name = f"{_EPOCH + timedelta(microseconds=microseconds):%Y%m%dT%H%M%S%f}-{unique}"
        with self.backend.staging(name) as staging:
            stage = Stage(staging)
            yield stage
            stage.finish(microseconds)

    def _required(self, staged: bool) -> Manifest:
        manifest = self.backend.manifest(staged=staged)
        if manifest is None:
            raise nothing_at(self.backend.where, "staged" if staged else "published")
        return manifest

    def _layout(self, manifest: Manifest, view: str) -> tuple[Layout, int]:
        """The view's layout in the snapshot, and its time to live [µs]."""
        layouts = self._layouts.get(manifest.name)
        if layouts is None:
            layouts = {
                name: (Layout(each.view), each.view.ttl_s * 1_000_000)
                for name, each in manifest.views.items()
            }
            # Of a few snapshots: those before are not read any more, or rarely.
            self._layouts = {manifest.name: layouts, **dict(list(self._layouts.items())[:3])}
        found = layouts.get(view)
        if found is None:
            raise DataError(
                f"the online store has no view {view!r}; it has "
                f"{', '.join(sorted(manifest.views)) or 'none'}"
            )
        return found

    def _features(self, layout: Layout, ttl_us: int, record: bytes, snapshot: str) -> Features:
        values, event_us, arrival_us = layout.unpack(record)
        age_us = self._clock() * 1e6 - event_us
        return Features(
            values,
            event_us,
            arrival_us,
            layout.view.version,
            snapshot,
            age_us / 1e6,
            age_us >= ttl_us,
        )


def nothing_at(where: str, what: str) -> DataError:
    """The error that says that no snapshot is there."""
    return DataError(f"no snapshot is {what} in the online store {where}; {AGAIN}")


def prefix_of(view: str) -> bytes:
    """What keys of the view begin with."""
    return view.encode() + b"\0"


def key_of(view: str, identifier: str) -> bytes:
    """Key of an entity's row."""
    key = f"{view}\0{identifier}".encode()
    if len(key) > _LONGEST:
        text = identifier.encode()
        if len(text) > _LONGEST:
            return prefix_of(view) + _DIGESTED + hashlib.blake2b(text, digest_size=32).digest()
    return key


def _trailer(identifier: str) -> bytes:
    text = identifier.encode()
    return text if len(text) > _LONGEST else b""
