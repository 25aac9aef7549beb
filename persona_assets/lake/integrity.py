"""Comparing a table's data files with what its Delta log says of them.

Belongs here: finding files that are lost, cut, replaced or unreadable, and saying how to fix it.
Does not belong here: reading rows (`store.py`), or what Polars does with such files (`batches.py`).

Delta's log knows the size and the number of rows of each file. Before a scan, sizes are compared
with the file system and row counts with the files' footers: about 60 µs a file, once per process
for each state of a file. In an object store this would be one more request a file for a kind of
damage that does not occur there (an object is stored whole or not at all); there, as everywhere,
what the query itself raises and the number of rows that were read are the proof.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlsplit

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from persona_assets.errors import DataError
from persona_assets.tables import Table

# So many older versions are looked through for one without damage.
_VERSIONS_BACK = 30
# So many damaged files are named in one message.
_NAMED = 3


@dataclass(frozen=True)
class Damage:
    """One data file that is not what the log says.

    `partition` is the day whose rows it holds, None in an unpartitioned table.
    """

    file: str
    partition: date | None
    fault: str


@dataclass(frozen=True)
class _DataFile:
    name: str
    partition: date | None
    size: int
    rows: int | None


class VerifiedFiles:
    """The files whose footers this process has read, by inode, size and time of change."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._lock = threading.Lock()

    def holds(self, path: str, stat: os.stat_result) -> bool:
        """Was the file, as it is now, verified?"""
        return self._seen.get(path) == _state(stat)

    def add(self, path: str, stat: os.stat_result) -> None:
        """Remember the file as it was when `stat` was made."""
        with self._lock:
            self._seen[path] = _state(stat)


_VERIFIED = VerifiedFiles()


def verify(delta: DeltaTable, table: Table, partitions: Sequence[date] | None) -> None:
    """Raise DataError unless the files of `partitions` (None: all) are those that the log names."""
    if found := list(damage(delta, table, partitions)):
        raise DataError(describe(delta, table, found))


def damage(
    delta: DeltaTable, table: Table, partitions: Sequence[date] | None, *, whole: bool = False
) -> Iterator[Damage]:
    """The files of `partitions` (None: all) that are not what the log says, in its order.

    Args:
        delta: the table at the version in question.
        table: its contract.
        partitions: days to look at.
        whole: read each file to its end instead of its size and footer; also in an object store.
    """
    root = local_root(delta)
    if root is None and not whole:
        return
    for file in _data_files(delta, table, partitions):
        fault = None if root is None else _fault(root / file.name, file)
        if fault is None and whole:
            where = (
                f"{delta.table_uri.rstrip('/')}/{file.name}" if root is None else root / file.name
            )
            fault = _fault_within(str(where), file, delta)
        if fault is not None:
            yield Damage(file.name, file.partition, fault)


def describe(delta: DeltaTable, table: Table, found: Sequence[Damage]) -> str:
    """What is wrong with the files and what to do about it, in one message."""
    named = "; ".join(f"{each.file} {each.fault}" for each in found[:_NAMED])
    more = f" (and {len(found) - _NAMED} more)" if len(found) > _NAMED else ""
    days = sorted({each.partition.isoformat() for each in found if each.partition})
    what = f"partition {', '.join(days[:_NAMED])}{' …' * (len(days) > _NAMED)} of " if days else ""
    older = _undamaged_version(delta, table)
    restore = (
        f", or go back to version {older}, the newest without damage "
        f"(deltalake.DeltaTable(…).restore({older}))"
        if older is not None
        else ""
    )
    return (
        f"{table.path}: version {delta.version()} at {delta.table_uri.removeprefix('file://')} "
        f"cannot be read: {named}{more}; nothing was written. Restore the file from a copy, "
        f"materialize {what}{table.path} again{restore}"
    )


def short(table: Table, key: str, found: int, logged: int) -> str:
    """The message for a read that gave another number of rows than the log says."""
    what = f"partition {key} of {table.path}" if table.partition else table.path
    return (
        f"{table.path}: {found:,} rows were read{f' of {key}' if table.partition else ''}, its "
        f"Delta log says {logged:,}; a data file is damaged: materialize {what} again"
    )


def local_root(delta: DeltaTable) -> Path | None:
    """The table's folder on this machine; None for a table in an object store."""
    parts = urlsplit(delta.table_uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else Path(delta.table_uri)


def _data_files(
    delta: DeltaTable, table: Table, partitions: Sequence[date] | None
) -> Iterator[_DataFile]:
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    if actions.is_empty():
        return
    day = pl.lit(None, pl.Date)
    if table.partition is not None:
        day = pl.col(f"partition.{table.partition}")
        if partitions is not None:
            actions = actions.filter(day.is_in(list(partitions)))
    rows = pl.col("num_records") if "num_records" in actions.columns else pl.lit(None, pl.Int64)
    for path, partition, size, number in actions.select(
        pl.col("path"), day.alias("day"), pl.col("size_bytes"), rows
    ).iter_rows():
        yield _DataFile(unquote(path), partition, size, number)


def _fault(path: Path, file: _DataFile) -> str | None:
    """What size and footer of a local file say against it."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return "is gone"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if stat.st_size != file.size:
        return f"has {stat.st_size:,} bytes, the Delta log says {file.size:,}"
    if _VERIFIED.holds(str(path), stat):
        return None
    from pyarrow import parquet  # a tenth of a second that definitions need not wait for

    try:
        rows = parquet.read_metadata(path).num_rows
    except (OSError, pa.ArrowException) as error:
        return f"cannot be read ({_line(error)})"
    if file.rows is not None and rows != file.rows:
        return f"has {rows:,} rows, the Delta log says {file.rows:,}"
    _VERIFIED.add(str(path), stat)
    return None


def _fault_within(where: str, file: _DataFile, delta: DeltaTable) -> str | None:
    """What reading a file to its end says against it."""
    try:
        frame = pl.scan_parquet(
            where, glob=False, storage_options=delta._storage_options or None
        ).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        return f"cannot be read ({_line(error)})"
    if file.rows is not None and frame.height != file.rows:
        return f"has {frame.height:,} rows, the Delta log says {file.rows:,}"
    return None


def _undamaged_version(delta: DeltaTable, table: Table) -> int | None:
    """The newest version before that of `delta` whose files are all there."""
    older = DeltaTable(delta.table_uri, storage_options=delta._storage_options)
    for version in range(delta.version() - 1, max(0, delta.version() - _VERSIONS_BACK), -1):
        try:
            older.load_as_version(version)
            files = older.file_uris()
        except DeltaError:
            return None
        if files and next(damage(older, table, None), None) is None:
            return version
    return None


def _state(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _line(error: BaseException) -> str:
    """The first line of an error, without the values that a query may have shown."""
    return (str(error).splitlines() or [type(error).__name__])[0].strip(" .")
