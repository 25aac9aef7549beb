"""Which hash key the identifiers of a lake were made with: a fingerprint of it, kept in the lake.

Belongs here: that record, and holding a key to it. Does not belong here: where keys come from
(`hash_key.py`, `settings/`), or changing the identifiers to another key (`rekey.py`).

With another key everybody would become a new person, and no table would look wrong. The record is a
Delta table of one row, since that works wherever the lake lies and its commits are whole. A
fingerprint is the keyed hash of a constant: nobody gets nearer to the key by it than by any
identifier of the mart.
"""

import hashlib
from dataclasses import dataclass

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from persona_assets.errors import DataError, InfrastructureError, UserError
from persona_assets.lake.place import brief
from persona_assets.lake.store import DeltaStore
from persona_assets.tables import TABLES, Table, lifecycle, raw

NAME = "_hash_key"
"""Folder of the record in the lake, next to those of the groups."""
_MESSAGE = b"persona_assets: fingerprint of the hash key"
_SCHEMA = pa.schema([("fingerprint", pa.string()), ("successor", pa.string())])


@dataclass(frozen=True)
class KeyRecord:
    """The fingerprint of the lake's key, and of the one that it is being moved to, if any."""

    fingerprint: str
    successor: str | None = None


def fingerprint(key: bytes) -> str:
    """16 hexadecimal digits by which a key is known: BLAKE2b (RFC 7693) keyed with it."""
    return hashlib.blake2b(_MESSAGE, key=key, digest_size=8).hexdigest()


def load(store: DeltaStore) -> KeyRecord | None:
    """The lake's record; None where no key was used yet.

    Raises:
        DataError: the record cannot be read.
    """
    uri = _uri(store)
    try:
        delta = DeltaTable(uri, storage_options=dict(store.storage_options) or None)
        rows = delta.to_pyarrow_table().to_pylist()
    except TableNotFoundError:
        return None
    except (DeltaError, OSError, ValueError) as error:
        if isinstance(error, OSError) and "://" in uri:
            raise InfrastructureError(
                f"{uri} cannot be reached: {brief(error)}; check that the bucket exists and that "
                "endpoint, region and credentials are right, then run it again"
            ) from None  # the store's whole answer may show the key that was used
        raise DataError(
            f"the fingerprint of the hash key in {uri} cannot be read: {brief(error)}; restore the "
            "folder from a copy"
        ) from error
    if len(rows) != 1:
        raise DataError(
            f"the fingerprint of the hash key in {uri} has {len(rows)} rows, not 1; restore the "
            "folder from a copy"
        )
    return KeyRecord(**rows[0])


def version(store: DeltaStore) -> int:
    """Version of the record: another one after each change."""
    return DeltaTable(_uri(store), storage_options=dict(store.storage_options) or None).version()


def save(store: DeltaStore, record: KeyRecord, *, first: bool = False) -> None:
    """Write the record, whole or not at all; `first`: unless there is one.

    Raises:
        InfrastructureError: the lake cannot be written.
    """
    row = pa.Table.from_pylist(
        [{"fingerprint": record.fingerprint, "successor": record.successor}], schema=_SCHEMA
    )
    try:
        write_deltalake(
            _uri(store),
            row,
            mode="ignore" if first else "overwrite",
            storage_options=dict(store.storage_options) or None,
        )
    except (DeltaError, OSError) as error:
        raise InfrastructureError(
            f"cannot write the fingerprint of the hash key to {_uri(store)}: {brief(error)}; check "
            "that the lake is writable and has room, then run it again"
        ) from error


def require(store: DeltaStore, key: bytes, origin: str) -> None:
    """Hold `key` to the lake's record, which is made where there is none or no identifier yet.

    Args:
        store: the lake.
        key: the key that identifiers are about to be hashed with.
        origin: where it comes from, in words.

    Raises:
        UserError: the lake's identifiers were made with another key.
        DataError: the lake is between two keys.
    """
    found = load(store)
    wanted = fingerprint(key)
    if found is None:
        save(store, KeyRecord(wanted), first=True)
        found = load(store)
    if found is None or found.successor is not None:
        raise DataError(
            f"the lake {store.root} is between two hash keys: `persona rekey` was ended before it "
            f"was done; run it again with the same keys (to {found and found.successor})"
        )
    if found.fingerprint == wanted:
        return
    if holds_identifiers(store):
        raise UserError(
            f"the identifiers in the lake {store.root} were made with the hash key of fingerprint "
            f"{found.fingerprint}, but {origin} has fingerprint {wanted}: everybody would become a "
            f"new person; {WAYS_OUT}"
        )
    save(store, KeyRecord(wanted))


WAYS_OUT = (
    "restore the file <home>/hash_key from a copy, or set PERSONA_HASH_KEY to the lake's key, or "
    "run `persona rekey` to move the lake to the new key"
)
"""What a person can do where the lake's key is not at hand."""


PSEUDONYMOUS: tuple[Table, ...] = tuple(
    table for table in TABLES.values() if table not in (*raw.TABLES, *lifecycle.TABLES)
)
"""Tables in which people are keyed hashes, or that are computed from such."""


def holds_identifiers(store: DeltaStore) -> bool:
    """Does any table beyond `raw` have rows?"""
    return any(
        store.exists(table) and any(store.partition_rows(table).values()) for table in PSEUDONYMOUS
    )


def _uri(store: DeltaStore) -> str:
    return f"{store.root.rstrip('/')}/{NAME}"
