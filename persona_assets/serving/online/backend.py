"""What a place for snapshots must be able to do.

Belongs here: the protocol that `lmdb_store.py` and `redis_store.py` fulfil. Does not belong here:
what the bytes mean (`store.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from persona_assets.serving.online.manifest import Manifest

GRACE_S = 600
"""A replaced snapshot is kept so long: whoever looked at the pointer may still be opening it, and
a wrong one is taken back by hand meanwhile."""

Key = bytes


class Staging(Protocol):
    """A snapshot that is being written; nobody reads it."""

    @property
    def name(self) -> str:
        """Of the snapshot."""

    def put(self, entries: Sequence[tuple[Key, bytes]]) -> int:
        """Store rows; of two with one key the newer stays. How many keys are new.

        The newer is the one of the later event, then of the later arrival, then of the larger
        bytes: so the order in which rows are put makes no difference.
        """

    def finish(self, manifest: Manifest) -> None:
        """Make it the staged snapshot, in place of an earlier one."""


class Backend(Protocol):
    """Where snapshots are. Threads may share one."""

    @property
    def where(self) -> str:
        """Its address, without secrets."""

    def manifest(self, *, staged: bool = False) -> Manifest | None:
        """Of the published snapshot, or of the staged one; None: there is none."""

    def fetch(self, keys: Sequence[Key]) -> tuple[Manifest, list[bytes | None]]:
        """Rows of the published snapshot, all of the same one, and its manifest.

        Raises:
            DataError: nothing was published yet, or it is damaged.
            InfrastructureError: it cannot be reached.
        """

    def refresh(self) -> bool:
        """Look at the pointer, and open what it names; is it another snapshot than before?

        Raises:
            DataError: nothing is published, or it is damaged; the one before is read on.
        """

    def scan(self, prefix: Key, *, staged: bool = False) -> Iterator[tuple[Key, bytes]]:
        """Keys that begin with `prefix`, without it, and their rows, in the order of keys."""

    def fetch_staged(self, keys: Sequence[Key]) -> list[bytes | None]:
        """Rows of the staged snapshot."""

    def staging(self, name: str) -> AbstractContextManager[Staging]:
        """Write a snapshot; one that is not finished when the block ends is removed."""

    def approve(self, name: str) -> None:
        """Say that the staged snapshot `name` was audited.

        Raises:
            DataError: another one is staged.
        """

    def publish(self) -> Manifest:
        """Make the staged snapshot the one that is read.

        Raises:
            DataError: none is staged, or it was not audited.
        """

    def verify(self) -> None:
        """Read all of the published snapshot.

        Raises:
            DataError: there is none, or it is damaged.
        """

    def clear(self) -> None:
        """Remove every snapshot."""


def newer(one: bytes, other: bytes) -> bool:
    """Does row `one` replace row `other`?"""
    return (one[16:], one) > (other[16:], other)
