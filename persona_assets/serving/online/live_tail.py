"""The live tail: events that count at once, though no snapshot of features knows them yet.

Belongs here: storing them by person in the order in which they happened, counting them by hour,
and what a person bought or rejected. Does not belong here: accepting events durably (the event
log; a tail is filled again from it), features of ended days (`lmdb_store.py`).

An LMDB environment of its own: many processes read while one writes. Each event is stored once,
whatever is sent again and in whatever order, so the tail depends on the set of accepted events
alone. Keys are digests: fixed in length, and no prefix of another.
"""

import hashlib
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import lmdb

from persona_assets.errors import DataError
from persona_assets.serving.online.environments import DATA, Shared, naming_failures, shared
from persona_assets.serving.online.live_event import LiveEvent, packed, unpacked

MAP_BYTES = 64 << 30
"""How large a tail may become. The file grows with what is in it; this only reserves addresses."""
REMEMBERED_US = 7 * 86_400_000_000
"""An event's identifier is remembered so long after the event arrived, though the event itself was
forgotten: shops send again what they got no answer to."""
_FORGOTTEN_AT_ONCE = 2_000
"""Some milliseconds of work."""
VIEW, PURCHASE, REJECT = "view", "purchase", "reject"
"""Event types with a meaning of their own here."""

_HOUR_US = 3_600_000_000
_TIME = struct.Struct(">Q")  # big-endian: bytes sort as the times do
_COUNTS = struct.Struct("<QQQ")
_DIGEST = 16
_KINDS = {PURCHASE: b"b", REJECT: b"r"}
_NAMES = ("events", "arrivals", "known", "known_since", "counts", "exclusions")
_REMEDY = "stop the service, delete this folder and start it: the tail is filled from the event log"

Entity = Literal["user", "product"]


@dataclass(frozen=True)
class Exclusions:
    """Products that a person bought or rejected, ever: neither wears off."""

    bought: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LiveCounts:
    """Numbers of events of a person or product, all of them and of two types."""

    events: int = 0
    views: int = 0
    purchases: int = 0


@dataclass(frozen=True)
class _Databases:
    """The environment and its named databases.

    Attributes:
        shared: the environment.
        events: person, time and event → the event.
        arrivals: arrival and event → its key in `events`.
        known: event → arrival.
        known_since: arrival and event → nothing.
        counts: entity and hour of arrival → numbers.
        exclusions: person, kind and product → time of the newest such event, and the product.
    """

    shared: Shared
    events: object
    arrivals: object
    known: object
    known_since: object
    counts: object
    exclusions: object


class LiveTail:
    """Accepted events by person. Threads may share one; a process must not use it after a fork.

    Args:
        folder: of the environment; made where it is missing, unless `readonly`.
        readonly: for processes that write nothing. Where there is no tail they see no events.
        map_bytes: how large it may become.

    Raises:
        DataError: it is damaged.
        InfrastructureError: it cannot be opened or made.
    """

    def __init__(self, folder: Path, *, readonly: bool = False, map_bytes: int = MAP_BYTES) -> None:
        self.folder = folder
        self._readonly = readonly
        self._map_bytes = map_bytes
        self._opening = threading.Lock()
        self._opened = self._open()

    @classmethod
    def of(cls, home: Path, *, readonly: bool = False) -> "LiveTail":
        """The tail of a home, next to its snapshots."""
        return cls(home / "online" / "tail", readonly=readonly)

    def append(self, events: Iterable[LiveEvent]) -> int:
        """Store the events that are not known yet, all of them or none; how many they were.

        A killed process loses nothing of what this returned for; a power cut may, up to the last
        `flush`.

        Raises:
            DataError: an event cannot be stored, or the tail is damaged.
            InfrastructureError: the disk or the tail is full; nothing was stored.
        """
        records = [(event, packed(event)) for event in events]
        with self._writing() as (databases, transaction):
            return sum(_put(databases, transaction, *each) for each in records)

    def events_of(
        self, user_id: str, since_us: int = 0, *, most: int | None = None
    ) -> tuple[LiveEvent, ...]:
        """A person's events from `since_us` on, in the order of `(event_ts, event_id)`.

        Args:
            user_id: keyed hash of the person.
            since_us: earliest time of an event, µs since 1970 UTC.
            most: only so many of the newest; None: all.
        """
        person = _digest(user_id)
        records: list[bytes] = []
        with self._reading() as read:
            if read is not None:
                databases, transaction = read
                cursor = transaction.cursor(databases.events)
                for key, record in _backwards(cursor, person):
                    if key < person + _time(since_us) or len(records) == most:
                        break
                    records.append(record)
        found = [unpacked(record) for record in records]
        return tuple(sorted(found, key=lambda event: (event.event_ts, event.event_id)))

    def exclusions_of(self, user_id: str) -> Exclusions:
        """What the person bought and rejected, of all that was ever appended."""
        found: dict[bytes, set[str]] = {kind: set() for kind in _KINDS.values()}
        person = _digest(user_id)
        for key, value in self._below(person, person, "exclusions"):
            found[key[_DIGEST : _DIGEST + 1]].add(value[_TIME.size :].decode())
        return Exclusions(frozenset(found[_KINDS[PURCHASE]]), frozenset(found[_KINDS[REJECT]]))

    def counts_of(self, entity: Entity, identifier: str, arrived_since_us: int = 0) -> LiveCounts:
        """Numbers of the events in the tail that arrived since the hour of `arrived_since_us`.

        By arrival, since that is what a snapshot ends by: it knows an event, or the tail adds it.
        """
        prefix = _counted(entity, identifier)
        total = [0, 0, 0]
        start = prefix + _time(arrived_since_us // _HOUR_US * _HOUR_US)
        for _, value in self._below(prefix, start, "counts"):
            total = [sum(each) for each in zip(total, _COUNTS.unpack(value), strict=True)]
        return LiveCounts(*total)

    def oldest_arrival(
        self, since_us: int, before_us: int, of: Callable[[LiveEvent], bool]
    ) -> int | None:
        """When the oldest event arrived that arrived between two instants and that `of` holds for.

        In µs since 1970 UTC; None: there is none.
        """
        with self._reading() as read:
            if read is not None:
                databases, transaction = read
                cursor = transaction.cursor(databases.arrivals)
                start = _time(max(0, since_us))
                for _, place in _until(cursor, _time(max(0, before_us)), start=start):
                    event = unpacked(transaction.get(place, db=databases.events))
                    if of(event):
                        return event.arrived_at
        return None

    def forget_before(self, arrived_us: int) -> int:
        """Forget the events that arrived before `arrived_us`, which snapshots know; how many.

        What was bought or rejected stays excluded, and identifiers are remembered for a week. Some
        thousands at a time, so that whoever appends meanwhile does not wait for all of them.
        """
        forgotten = 0
        while part := self._forget_some(arrived_us):
            forgotten += part
        while self._forget_identifiers(arrived_us - REMEMBERED_US):
            pass
        return forgotten

    def _forget_some(self, arrived_us: int) -> int:
        with self._writing() as (databases, transaction):
            cursor = transaction.cursor(databases.arrivals)
            entries = _until(cursor, _time(arrived_us), most=_FORGOTTEN_AT_ONCE)
            for key, place in entries:
                event = unpacked(transaction.pop(place, db=databases.events))
                _count(databases, transaction, event, -1)
                transaction.delete(key, db=databases.arrivals)
        return len(entries)

    def _forget_identifiers(self, since_us: int) -> int:
        with self._writing() as (databases, transaction):
            cursor = transaction.cursor(databases.known_since)
            entries = _until(cursor, _time(since_us), most=_FORGOTTEN_AT_ONCE)
            for key, _ in entries:
                transaction.delete(key[_TIME.size :], db=databases.known)
                transaction.delete(key, db=databases.known_since)
        return len(entries)

    def __len__(self) -> int:
        """How many events it holds."""
        with self._reading() as read:
            if read is None:
                return 0
            databases, transaction = read
            return int(transaction.stat(databases.arrivals)["entries"])

    def flush(self) -> None:
        """Put on the disk what was appended."""
        if self._opened is not None:
            with naming_failures(self.folder, _REMEDY):
                self._opened.shared.environment.sync(True)

    def _open(self) -> _Databases | None:
        if self._readonly and not (self.folder / DATA).exists():
            return None
        environment = shared(
            self.folder,
            readonly=self._readonly,
            remedy=_REMEDY,
            map_bytes=self._map_bytes,
            databases=len(_NAMES),
            # The event log is what makes an event durable; see `flush`.
            sync=False,
        )
        with naming_failures(self.folder, _REMEDY):
            try:
                opened = [
                    environment.environment.open_db(name.encode(), create=not self._readonly)
                    for name in _NAMES
                ]
            except (lmdb.NotFoundError, lmdb.ReadonlyError):
                return None  # its writer has just begun
        return _Databases(environment, *opened)

    def _databases(self) -> _Databases | None:
        if self._opened is None:
            with self._opening:
                self._opened = self._opened or self._open()
        return self._opened

    @contextmanager
    def _reading(self) -> Iterator[tuple[_Databases, lmdb.Transaction] | None]:
        databases = self._databases()
        if databases is None:
            yield None
            return
        with (
            naming_failures(self.folder, _REMEDY),
            databases.shared.environment.begin() as transaction,
        ):
            yield databases, transaction

    @contextmanager
    def _writing(self) -> Iterator[tuple[_Databases, lmdb.Transaction]]:
        databases = self._databases()
        if self._readonly or databases is None:
            raise DataError(f"{self.folder} is open for reading alone; open it for writing")
        with (
            naming_failures(self.folder, _REMEDY),
            databases.shared.environment.begin(write=True) as transaction,
        ):
            yield databases, transaction

    def _below(self, prefix: bytes, start: bytes, name: str) -> list[tuple[bytes, bytes]]:
        """Entries of the named database from `start` on, as long as keys begin with `prefix`."""
        found: list[tuple[bytes, bytes]] = []
        with self._reading() as read:
            if read is not None:
                databases, transaction = read
                cursor = transaction.cursor(getattr(databases, name))
                if cursor.set_range(start):
                    for key, value in cursor:
                        if not key.startswith(prefix):
                            break
                        found.append((key, value))
        return found


def _put(
    databases: _Databases, transaction: lmdb.Transaction, event: LiveEvent, record: bytes
) -> bool:
    """Store `event` unless it is known; is it new?"""
    identifier = _digest(event.event_id)
    arrival = _time(event.arrived_at)
    if not transaction.put(identifier, arrival, overwrite=False, db=databases.known):
        return False
    transaction.put(arrival + identifier, b"", db=databases.known_since)
    person = _digest(event.user_id)
    place = person + _time(event.event_ts) + identifier
    transaction.put(place, record, db=databases.events)
    transaction.put(arrival + identifier, place, db=databases.arrivals)
    _count(databases, transaction, event, 1)
    kind = _KINDS.get(event.event_type)
    if kind is not None:
        key = person + kind + _digest(event.product_id)
        value = _time(event.event_ts) + event.product_id.encode()
        held = transaction.get(key, db=databases.exclusions)
        if held is None or held < value:  # what happened earlier never replaces what came later
            transaction.put(key, value, db=databases.exclusions)
    return True


def _count(
    databases: _Databases, transaction: lmdb.Transaction, event: LiveEvent, sign: int
) -> None:
    added = (1, event.event_type == VIEW, event.event_type == PURCHASE)
    hour = _time(event.arrived_at // _HOUR_US * _HOUR_US)
    for key in (
        _counted("user", event.user_id) + hour,
        _counted("product", event.product_id) + hour,
    ):
        held = _COUNTS.unpack(transaction.get(key, _COUNTS.pack(0, 0, 0), db=databases.counts))
        now = [old + sign * new for old, new in zip(held, added, strict=True)]
        if now[0]:
            transaction.put(key, _COUNTS.pack(*now), db=databases.counts)
        else:
            transaction.delete(key, db=databases.counts)


def _until(
    cursor: lmdb.Cursor, limit: bytes, *, start: bytes = b"", most: int | None = None
) -> list[tuple[bytes, bytes]]:
    """Entries with keys from `start` and below `limit`, at most so many."""
    found: list[tuple[bytes, bytes]] = []
    if not cursor.set_range(start):
        return found
    for key, value in cursor:
        if key >= limit or len(found) == most:
            break
        found.append((key, value))
    return found


def _backwards(cursor: lmdb.Cursor, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Entries whose keys begin with `prefix`, the last one first."""
    beyond = cursor.set_range(prefix + b"\xff" * (_TIME.size + _DIGEST + 1))
    if not (cursor.prev() if beyond else cursor.last()):
        return
    for key, value in cursor.iterprev():
        if not key.startswith(prefix):
            return
        yield key, value


def _digest(identifier: str) -> bytes:
    return hashlib.blake2b(identifier.encode(), digest_size=_DIGEST).digest()


def _time(microseconds: int) -> bytes:
    """Sorts as the times do, those before 1970 first."""
    return _TIME.pack(min(max(microseconds + (1 << 63), 0), (1 << 64) - 1))


def _counted(entity: Entity, identifier: str) -> bytes:
    return entity[:1].encode() + _digest(identifier)
