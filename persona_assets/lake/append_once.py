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
) -> Appended | None:
    """Append the next part in one commit; None where there is none.

    Args:
        store: the lake.
        table: a table with partitions, to which rows are only added.
        application: whose mark it is.
        key: the columns by which a row of a partition is known.
        part_after: the part that follows a mark (None: the first one); None: there is no more. It
            is asked again where a rival was faster.

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
                fresh = _not_there(delta, table, key, part.rows)
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
    delta: DeltaTable, table: Table, key: Sequence[str], rows: pl.DataFrame
) -> pl.DataFrame:
    """The first of `rows` with each key in its partition that the table does not have."""
    partition = str(table.partition)
    columns = list(dict.fromkeys([partition, *key]))
    distinct = rows.unique(columns, keep="first", maintain_order=True)
    days = distinct[partition].unique().to_list()
    if not days or not delta.file_uris():
        return distinct
    there = PolarsEngine().scan(delta, table, days).select(*columns).to_native().collect()
    return distinct.join(there, on=columns, how="anti", maintain_order="left")


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
