"""Which tables this process has scanned, so that a query that fails can say which file is damaged.

Belongs here: remembering scans and looking through them. Does not belong here: what counts as
damage (`integrity.py`).

A lazy frame fails long after its scan, in a query over many tables, with an error of Polars or
Spark that names no file. Only then are the files of the scans read to their ends, newest first.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import narwhals as nw
import polars as pl
from deltalake import DeltaTable

from persona_assets.errors import DataError
from persona_assets.lake import integrity
from persona_assets.tables import Table

QUERY_ERRORS = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    nw.exceptions.NarwhalsError,
    OSError,
)
"""What Polars raises where a file cannot be read; its panic is no `Exception`."""
_REMEMBERED = 256
_SPARK = ("pyspark", "py4j")


class _Scan(NamedTuple):
    table: Table
    uri: str
    version: int
    partitions: tuple[date, ...] | None


class Scans:
    """The scans made through one store."""

    def __init__(self) -> None:
        self._made: dict[_Scan, None] = {}

    def add(self, delta: DeltaTable, table: Table, partitions: Sequence[date] | None) -> None:
        """Remember a scan."""
        days = None if partitions is None else tuple(partitions)
        scan = _Scan(table, delta.table_uri, delta.version(), days)
        self._made.pop(scan, None)
        self._made[scan] = None
        while len(self._made) > _REMEMBERED:
            self._made.pop(next(iter(self._made)), None)

    def error(
        self, error: BaseException, storage_options: Mapping[str, str] | None
    ) -> DataError | None:
        """The damaged file behind an error of a query; None where it is about something else."""
        if not isinstance(error, QUERY_ERRORS) and not _of_spark(error):
            return None
        for scan in reversed(list(self._made)):
            delta = DeltaTable(
                scan.uri, version=scan.version, storage_options=dict(storage_options or {}) or None
            )
            found = list(integrity.damage(delta, scan.table, scan.partitions, whole=True))
            if found:
                return DataError(integrity.describe(delta, scan.table, found))
        return None


def _of_spark(error: BaseException) -> bool:
    return type(error).__module__.startswith(_SPARK)
