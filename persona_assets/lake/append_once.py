"""Appending what comes from outside in order, each part of it exactly once.

Belongs here: the mark that is committed together with the rows, rows that are there already, and
rivals. Does not belong here: where the rows come from.

How far an *application* (an event log, say) was appended is kept in the Delta log itself, as the
version of its transactions, in the commit that appends the rows: one cannot be there without the
other. delta-rs does not enforce it by itself: whoever appends again from the start is let through.
It refuses a commit if, since the table was read, another has moved the same application's mark; so
the mark is read from the very version of the table that the commit builds on.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from persona_assets.errors import InfrastructureError
from persona_assets.lake.commit import Commit
from persona_assets.lake.object_store import writing
from persona_assets.lake.place import Place, brief
from persona_assets.lake.polars_engine import PolarsEngine
from persona_assets.lake.store import DeltaStore
from persona_assets.tables import Table

# Each attempt that is lost means that a rival got further, so that there is less left to do.
_ATTEMPTS = 20
# delta-rs' own, against commits that append nothing of the application: compaction, properties.
_REBASES = 20
_THERE = "__there"


@dataclass(frozen=True)
class Part:
    """The next rows of an application, and the mark that it has with them."""

    rows: pl.DataFrame
    mark: int


@dataclass(frozen=True)
class Appended:
    """What one commit appended.

    Attributes:
        rows: that were new.
        known: rows that were there already, or twice in the part.
        mark: of the application now.
        partitions: days with new rows, ISO.
    """

    rows: int
    known: int
    mark: int
    partitions: tuple[str, ...]


def mark_of(store: DeltaStore, table: Table, application: str) -> int | None:
    """How far the application was appended; None: not at all."""
    delta = _place(store, table).load()
    return None if delta is None else delta.transaction_version(application)


def append_once(
    store: DeltaStore,
    table: Table,
    application: str,
    key: Sequence[str],
    part_after: Callable[[int | None], Part | None],
    *,
    look_around: timedelta = timedelta(0),
) -> Appended | None:
    """Append the next part in one commit; None where there is none.

    Args:
        store: the lake.
        table: a table with partitions, to which rows are only added.
        application: whose mark it is.
        key: the columns by which a row is known in its partition.
        part_after: the part that follows a mark (None: the first one); None: there is no more. It
            is asked again where a rival was faster.
        look_around: a row is known, too, where one with its key lies in a partition so much before
            or after its own.

    Raises:
        InfrastructureError: the table cannot be written, or rivals kept winning.
        DataError: it cannot be read.
    """
    place = _place(store, table)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with place.closed(), writing(place.uri, by_spark=False):
                delta = place.for_writing()
                part = part_after(delta.transaction_version(application))
                if part is None:
                    return None
                fresh = _not_there(delta, table, key, part.rows, look_around)
                _append(delta, table, fresh, application, part.mark)
        except CommitFailedError:
            # Jitter keeps rivals from meeting again.
            time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - not for secrets
            continue
        except (DeltaError, OSError) as error:
            raise InfrastructureError(
                f"{table.path}: cannot write {place.uri}: {brief(error)}; check that it is "
                "writable and has room, then run it again: what was appended is not appended twice"
            ) from error
        days = fresh[str(table.partition)].unique().sort().to_list()
        known = part.rows.height - fresh.height
        return Appended(fresh.height, known, part.mark, tuple(day.isoformat() for day in days))
    raise InfrastructureError(
        f"{table.path}: {_ATTEMPTS} attempts to append lost against other writers; run it again "
        "when they are done"
    )


def _place(store: DeltaStore, table: Table) -> Place:
    return Place(table, store.uri(table), dict(store.storage_options))


def _not_there(
    delta: DeltaTable,
    table: Table,
    key: Sequence[str],
    rows: pl.DataFrame,
    look_around: timedelta,
) -> pl.DataFrame:
    """The first of `rows` with each key that the table does not have in or around its partition."""
    partition = str(table.partition)
    columns = [partition, *key]
    distinct = rows.unique(columns, keep="first", maintain_order=True)
    if look_around:
        distinct = _once_around(distinct, partition, key, look_around)
    days = sorted(_around(distinct[partition].unique(), look_around))
    if not days or not delta.file_uris():
        return distinct
    there = PolarsEngine().scan(delta, table, days).select(*columns).to_native()
    found = there.join(distinct.lazy().select(*key).unique(), on=list(key), how="semi").collect()
    known = (
        distinct.select(*columns)
        .join(found.rename({partition: _THERE}), on=list(key))
        .filter((pl.col(partition) - pl.col(_THERE)).abs() <= look_around)
    )
    return distinct.join(known, on=columns, how="anti", maintain_order="left")


def _once_around(
    rows: pl.DataFrame, partition: str, key: Sequence[str], look_around: timedelta
) -> pl.DataFrame:
    """The rows without those whose key an earlier row has, near enough; few are looked at."""
    twice = pl.struct(*key).is_duplicated()
    kept: dict[tuple[object, ...], list[date]] = {}
    drop = []
    for day, *values in rows.filter(twice).select(partition, *key).iter_rows():
        near = kept.setdefault(tuple(values), [])
        if any(abs(day - other) <= look_around for other in near):
            drop.append((day, *values))
        else:
            near.append(day)
    columns = [partition, *key]
    dropped = pl.DataFrame(drop, schema={name: rows.schema[name] for name in columns}, orient="row")
    return rows.join(dropped, on=columns, how="anti", maintain_order="left")


def _around(days: pl.Series, look_around: timedelta) -> set[date]:
    return {
        day + timedelta(days=offset)
        for day in days
        for offset in range(-look_around.days, look_around.days + 1)
    }


def _append(
    delta: DeltaTable, table: Table, rows: pl.DataFrame, application: str, mark: int
) -> None:
    days = tuple(str(day) for day in rows[str(table.partition)].unique().sort())
    write_deltalake(
        delta,
        rows.select(table.polars_schema.names()).to_arrow(),
        mode="append",
        commit_properties=CommitProperties(
            custom_metadata=Commit(asset=table.path, partitions=days).metadata(),
            app_transactions=[Transaction(application, mark)],
            max_commit_retries=_REBASES,
        ),
    )
