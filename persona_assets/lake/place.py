"""A table's Delta log: opening and creating it, time travel, and naming what is wrong with it.

Belongs here: everything about a log but writing rows to it. Does not belong here: rows, partitions
and writers' conflicts (`store.py`).
"""

import errno
import os
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.lake.first_commit import create_without_location
from persona_assets.lake.history import upkeep
from persona_assets.lake.permissions import owner_only
from persona_assets.lake.schema import verify_stored
from persona_assets.tables import Table

STATISTICS = "delta.dataSkippingStatsColumns"
"""Property that names the columns whose extremes are kept in the log; Delta's default is all."""
EXPIRY = "delta.enableExpiredLogCleanup"
"""Property by which writers delete old entries of the log; ours are deleted by maintenance alone,
which knows the versions that training sets are made again from."""
_WITHOUT_ROWS = ("CREATE TABLE", "SET TBLPROPERTIES")


class _Delta(DeltaTable):
    """A Delta table whose local files are named as the file system has them.

    delta-rs gives `%20` for a blank in a folder's name (1.6), which Polars then looks for.
    """

    def file_uris(self, *arguments: Any, **options: Any) -> list[str]:  # noqa: ANN401
        """As `DeltaTable.file_uris`, local paths decoded."""
        found = super().file_uris(*arguments, **options)
        return [uri if "://" in uri else unquote(uri) for uri in found]


@dataclass(frozen=True)
class Place:
    """The place of one table: a local folder or an object-store URL."""

    table: Table
    uri: str
    storage_options: Mapping[str, str] = field(repr=False)

    @property
    def folder(self) -> Path | None:
        """The folder on this machine; None in an object store."""
        return None if "://" in self.uri else Path(self.uri)

    def closed(self) -> AbstractContextManager[None]:
        """Within it, what is written to a private table can be read by its owner only."""
        if self.folder is None or not self.table.private:
            return nullcontext()
        return owner_only(self.folder)

    def load(self) -> DeltaTable | None:
        """The Delta table at its newest version, or None where there is no log.

        Raises:
            DataError: the log cannot be read, or the table is not the contract's.
            InfrastructureError: the object store does not answer, or not to us.
        """
        try:
            delta = _Delta(self.uri, storage_options=dict(self.storage_options) or None)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError, ValueError) as error:
            if isinstance(error, OSError) and "://" in self.uri:
                raise InfrastructureError(
                    f"{self.table.path}: {self.uri} cannot be reached: {brief(error)}; check that "
                    "the bucket exists and that endpoint, region and credentials are right, then "
                    "run it again"
                ) from None  # the store's whole answer may show the key that was used
            raise DataError(
                f"{self.table.path}: the Delta log at {self.uri} cannot be read: {brief(error)}; "
                "restore the folder from a copy, or move it aside and materialize the asset again"
            ) from error
        verify_stored(delta, self.table, self.uri)
        return delta

    def open(self) -> DeltaTable | None:
        """As readers see it: None until the first write, DataError where the log was lost."""
        delta = self.load() or self._created_just_now()
        return None if delta is None or _unwritten(delta) else delta

    def opened(self, at: int | datetime | None = None) -> DeltaTable:
        """The table at a version or time (None: the newest); DataError where there is none."""
        delta = self.open()
        if delta is None:
            raise DataError(
                f"{self.table.path}: no such table at {self.uri}; materialize the asset "
                f"{self.table.path} first"
            )
        if at is not None:
            self._travel(delta, at)
            verify_stored(delta, self.table, f"{self.uri} at {at}")
        return delta

    def for_writing(self) -> DeltaTable:
        """The table to write to: created where there is none, its properties as they should be.

        A table made before a property was known gets it now, in a commit of its own.

        Raises:
            DataError: as `load`.
            CommitFailedError: another writer changed the properties at the same moment.
            PermissionError: the folder may not be written.
        """
        if (delta := self.load()) is None:
            return self.create()
        if self.folder is not None and not os.access(self.folder, os.W_OK):
            # delta-rs would say so, after a panic of each of its threads.
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.folder))
        stored = delta.metadata().configuration
        wanted = self.properties
        if any(stored.get(name) != value for name, value in wanted.items()):
            delta.alter.set_table_properties(wanted, commit_properties=upkeep(delta))
        return delta

    @property
    def properties(self) -> dict[str, str]:
        """Delta's properties of the table, which writers of both engines keep to."""
        return {STATISTICS: ",".join(self.table.statistics_columns), EXPIRY: "false"}

    def create(self) -> DeltaTable:
        """A log without rows for the first write to go to.

        Not left to that write: delta-rs lets rivals create at once and then keeps the rows of both,
        whereas logs without rows do no harm to each other. And data files without a log can then
        only mean that the log was lost, not that a first write was killed.
        """
        if delta := self._created_just_now():
            return delta
        if self.folder is None:
            return self._create(self.uri)
        create_without_location(self.folder, self._create)
        return self.load() or self._create(self.uri)  # None: somebody has deleted it meanwhile

    def _create(self, uri: str) -> DeltaTable:
        return DeltaTable.create(
            uri,
            # Nulls are found by the contract's check, with counts and samples, not by Delta.
            pa.schema([field.with_nullable(True) for field in self.table.arrow_schema]),
            mode="ignore",
            partition_by=[self.table.partition] if self.table.partition else None,
            configuration=self.properties,
            storage_options=dict(self.storage_options) or None,
        )

    def _created_just_now(self) -> DeltaTable | None:
        """Data files where no log was: a rival's first write, or else their log is lost."""
        if "://" in self.uri or not any(Path(self.uri).rglob("*.parquet")):
            return None
        if delta := self.load():
            return delta
        raise DataError(
            f"{self.table.path}: {self.uri} holds data files but no Delta log; restore the folder "
            "from a copy, or move it aside and materialize the asset again"
        )

    def _travel(self, delta: DeltaTable, at: int | datetime) -> None:
        where = f"{self.table.path}: the table at {self.uri}"
        if isinstance(at, datetime):
            if at.tzinfo is None:
                raise DataError(f"{where} was asked for at {at}, which has no time zone; add UTC")
            created = datetime.fromtimestamp(delta.metadata().created_time / 1000, UTC)
            if at < created:  # delta-rs would give the oldest version
                raise DataError(f"{where} did not exist at {at}; ask for {created} or later")
        elif not 0 <= at <= delta.version():
            raise DataError(f"{where} has no version {at}; ask for one of 0 to {delta.version()}")
        try:
            delta.load_as_version(at)
        except (DeltaError, ValueError) as error:
            raise DataError(
                f"{where} cannot be read at {at}: {brief(error)}; its log may no longer reach back "
                "so far: ask for a newer version"
            ) from error


def _unwritten(delta: DeltaTable) -> bool:
    """Was the table created and nothing more? A write without rows leaves a commit, too."""
    if delta.file_uris():
        return False
    commits = delta.history()
    # Of an old log the first commits may have expired: then there were others.
    return commits[-1].get("version") == 0 and all(
        commit["operation"] in _WITHOUT_ROWS for commit in commits
    )


def within_home(uri: str, depth: int) -> str:
    """The last `depth` folders of a local path, as in `lake/raw/events`; a URL as it is.

    What a home keeps about itself must stay true after the home is moved.
    """
    return uri if "://" in uri else "/".join(Path(uri).parts[-depth:])


def brief(error: BaseException) -> str:
    """An error of delta-rs on one line, without colours or the backtrace that it may append.

    Of an object store's answer, only code and message: the rest may show the key that was used. Of
    a failed conversion not the values: they may be people's identifiers.
    """
    message = re.split(r"\n\s+0: ", str(error))[0]
    message = re.sub(r" values: \[.*?\](?=\s|$)", " values", message, flags=re.DOTALL)
    answer = re.compile(
        r"<\?xml.*?<Code>(?P<code>.*?)</Code>(.*?<Message>(?P<message>.*?)</Message>)?.*", re.DOTALL
    )
    message = answer.sub(lambda found: f"{found['code']} {found['message'] or ''}", message)
    return " ".join(re.sub(r"\x1b\[\d+m", "", message).split())
