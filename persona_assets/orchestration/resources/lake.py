"""The lake as Dagster sees it: which partitions, which versions, what the UI is told.

Belongs here: translating Dagster contexts into `DeltaStore` calls and back into metadata. Does not
belong here: how tables are read and written (`lake/`), or what is in them.

Inputs are loaded as by any IO manager. Outputs are written by `write`, from within the step: an IO
manager gets each output whole and by itself, whereas a long range is written a batch at a time, and
two tables of one computation together.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.errors import DataError
from persona_assets.lake import Commit, DeltaStore, Written
from persona_assets.lake.input_digests import InputDigests, Kept
from persona_assets.lake.place import within_home
from persona_assets.lake.provenance import (
    PartitionRecord,
    Provenance,
    Records,
    of_write,
    partition_files,
)
from persona_assets.lake.store import WHOLE
from persona_assets.lake.windows import week_after
from persona_assets.monitoring.skipped import record, recorded
from persona_assets.orchestration.dagster_internals.graph import partitions_in_job
from persona_assets.orchestration.partitions import begun
from persona_assets.orchestration.resources.failures import permanent_failures
from persona_assets.orchestration.resources.provenance import SOURCE, settings_digest, windows_of
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.orchestration.resources.stopwatch import STOPWATCH
from persona_assets.skipped import Computed, Partial, Skipped, as_partial
from persona_assets.sources.delivered_versions import NOTHING
from persona_assets.tables import TABLES, Table

COLUMNS = "persona/columns"
"""Metadata of an input: the only columns that its asset wants to read."""
UNTIL = "persona/until"
"""Metadata of an input: the weekly table with whose newest cut-off the days read end."""
CODE_VERSION = "persona/code_version"
SKIPPED_METADATA = "skipped"
"""Metadata of a materialization: what the partition lacks, and why."""

Frame = nw.LazyFrame | pl.DataFrame
DayBatch = tuple[Sequence[date], Computed[Frame] | Sequence[Computed[Frame]]]
"""Partitions (none: the whole of an unpartitioned table) and the rows of each table made."""


def table_of(key: dg.AssetKey) -> Table:
    """The contract of the asset `key`; DataError for a key without one."""
    try:
        return TABLES["/".join(key.path)]
    except KeyError:
        raise DataError(
            f"asset {'/'.join(key.path)} has no contract; declare it in tables/{key.path[0]}.py"
        ) from None


class LakeIOManager(dg.IOManager):
    """Loads inputs as frames of the partitions that a step needs, writes outputs by partition.

    `plots` and `reports` are the folders for what is no table.
    """

    def __init__(self, store: DeltaStore, plots: Path, reports: Path) -> None:
        self.store = store
        self.plots = plots
        self.reports = reports
        self.provenance = Provenance(store)
        # Delta versions read by the steps under way, for the commits they will make.
        self._read: dict[str, dict[str, int]] = defaultdict(dict)
        # What was known when a step under way read its first input.
        self._known: dict[str, InputDigests] = {}
        self._kept = Kept()

    def load_input(self, context: dg.InputContext) -> Frame:
        """The input's rows in the mapped partitions, pinned to the version that is newest now."""
        table = table_of(context.asset_key)
        consumer = _consumer(context)
        with permanent_failures(), STOPWATCH.measure(consumer, "read"):
            # Before the version is fixed: where another writer comes between, the step is recorded
            # as made from older inputs than it was, and made again; never the other way round.
            step = f"{context.step_context.run_id}/{consumer}"
            if step not in self._known:
                self._known[step] = self.inputs()
                self._known[step].prepare(windows_of(context))
            version = self.store.version(table)
            if version is None and _never_made(context):
                # A frame in this process's memory, which every engine takes.
                none = table.empty()
                lazy = context.dagster_type.typing_type is nw.LazyFrame
                return nw.from_native(none.lazy()) if lazy else none
            if version is None:
                raise DataError(
                    f"{consumer} needs {table.path}, which does not exist; materialize "
                    f"{table.path} first"
                )
            self._read[step][table.path] = version
            partitions = None
            if table.partition and context.has_asset_partitions:
                partitions = [date.fromisoformat(key) for key in context.asset_partition_keys]
            if until := (context.definition_metadata or {}).get(UNTIL):
                partitions = self._days_until(table, TABLES[until])
            columns = (context.definition_metadata or {}).get(COLUMNS)
            if context.dagster_type.typing_type is not nw.LazyFrame:
                return self.store.read(table, partitions, at=version, columns=columns)
            frame = self.store.scan(table, partitions, at=version)
            return frame.select(list(columns)) if columns else frame

    def write(
        self,
        context: dg.AssetExecutionContext,
        tables: Sequence[Table],
        batches: Iterable[DayBatch],
        *,
        code_version: str,
        no_rows: str | None = None,
        settings: Sequence[str] = (),
        shop: ShopResource | None = None,
    ) -> list[dg.MaterializeResult]:
        """Overwrite exactly the partitions of each batch, a commit per batch and table.

        Args:
            context: of the step.
            tables: what the step makes.
            batches: partitions and the frame of each of `tables`, computed as they are asked for.
            code_version: digest of the code that computes them.
            no_rows: why a partition has no rows, where nothing else is said; None: they need none.
            settings: names of the settings that they depend on.
            shop: whose settings these are, and what raw tables come from; None: neither.

        Returns:
            What the UI is told about each table.
        """
        written: dict[str, list[Written]] = defaultdict(list)
        lacking: dict[str, list[Skipped]] = defaultdict(list)
        covered: list[date] = []
        inputs = self.versions_read(context, *tables)
        # Before anything is computed, like the inputs: what is changed meanwhile is due again.
        digest = settings_digest(settings, shop, self.store) if shop and settings else ""
        for partitions, frames in batches:
            covered += partitions
            both = frames if isinstance(frames, Sequence) else [frames]
            for table, made in zip(tables, both, strict=True):
                partial: Partial[Frame] = as_partial(made)
                said = partial.of(partitions[0]) if len(partitions) == 1 else partial
                lacking[table.path] += said.skipped
                commit = Commit(
                    run_id=context.run.run_id,
                    asset=table.path,
                    partitions=tuple(str(partition) for partition in partitions),
                    code_version=code_version,
                    inputs=inputs,
                )
                with STOPWATCH.measure(table.path, "write"):
                    written[table.path].append(
                        self.store.overwrite(
                            table,
                            partial.rows,
                            partitions=partitions if table.partition else None,
                            commit=commit,
                        )
                    )
        origins = self._origins(context, tables, shop)
        for table in tables:
            commits = written[table.path]
            if no_rows is not None:
                lacking[table.path] += _empty(commits, lacking[table.path], no_rows)
            record(self.store, table, covered if table.partition else (), lacking[table.path])
            records = of_write(
                commits,
                partition_files(self.store, table, at=commits[-1].version),
                code_version=code_version,
                settings=digest,
                inputs=origins,
                run_id=context.run.run_id,
            )
            self.provenance.write(table.path, records)
        return [
            _report(context, table, written[table.path], lacking[table.path]) for table in tables
        ]

    def skipped(self, table: Table) -> list[Skipped]:
        """What `table` lacks, in all its partitions, because the data are insufficient for it."""
        return recorded(self.store, table)

    def inputs(self, records: Records | None = None) -> InputDigests:
        """Digests of what partitions read, by `records`, or by those that there are now."""
        return InputDigests(
            self.provenance.records() if records is None else records, self.store, self._kept
        )

    def _days_until(self, table: Table, weekly: Table) -> list[date] | None:
        """The table's days up to the week of the weekly table's newest cut-off; None: all."""
        cutoffs = self.store.partition_rows(weekly) if self.store.exists(weekly) else {}
        newest = max(cutoffs, default=None)
        if table.partition is None or newest is None:
            return None
        end = week_after(newest)
        return [date.fromisoformat(key) for key in self.store.partition_rows(table) if key < end]

    def begin(self, context: dg.AssetExecutionContext, key: dg.AssetKey) -> None:
        """Take down what is known of the inputs of an asset that is no table, before it reads."""
        known = self.inputs()
        known.prepare(windows_of(context))
        self._known[f"{context.run.run_id}/{'/'.join(key.path)}"] = known

    def remember(self, context: dg.AssetExecutionContext, key: dg.AssetKey, digest: str) -> None:
        """Record such an asset, made whole since `begin`, with the content hash `digest`."""
        rows, _, total = digest.partition("-")
        path = "/".join(key.path)
        known = self._known[f"{context.run.run_id}/{path}"]
        record = PartitionRecord(
            rows=int(rows),
            digest=total,
            files="",
            code_version=context.assets_def.code_versions_by_key[key] or "",
            settings="",
            inputs=known.of(WHOLE, windows_of(context)),
            run_id=context.run.run_id,
        )
        self.provenance.write(path, {WHOLE: record})

    def _origins(
        self,
        context: dg.AssetExecutionContext,
        tables: Sequence[Table],
        shop: ShopResource | None,
    ) -> dict[str, dict[str, str]]:
        """What each partition of the step was made from: digests of its inputs, by their path."""
        keys = list(context.partition_keys) if tables[0].partition else [WHOLE]
        if shop and tables[0].group == "raw":  # made from the source, not from tables
            delivered = shop.versions(tables[0], self.store)
            return {key: {SOURCE: delivered.get(key, NOTHING)} for key in keys}
        reads = windows_of(context)
        if not reads:
            return {}
        known = self._known[_step(context, tables)]
        return {key: known.of(key, reads) for key in keys}

    def versions_read(self, context: dg.AssetExecutionContext, *tables: Table) -> dict[str, int]:
        """Delta versions of the inputs that the step which makes `tables` has loaded, by path."""
        return self._read[_step(context, tables)]

    def handle_output(self, context: dg.OutputContext, obj: object) -> NoReturn:
        """Refused: tables are written while they are computed."""
        raise DataError(
            f"{'/'.join(context.asset_key.path)} returned a value to the lake; declare the asset "
            "with assets/declare.py's table_asset, which writes what its function returns"
        )


Lake: TypeAlias = dg.ResourceParam[LakeIOManager]
"""A parameter of an asset, check or op that is given the lake."""


def _never_made(context: dg.InputContext) -> bool:
    """Has the calendar no partition of the input yet, because no week is over?"""
    partitions = partitions_in_job(context, context.asset_key)
    return partitions is not None and not begun(partitions)


def _step(context: dg.AssetExecutionContext, tables: Sequence[Table]) -> str:
    return f"{context.run.run_id}/{min(table.path for table in tables)}"


def _consumer(context: dg.InputContext) -> str:
    """The asset for which an input is read; the first one where a step makes several."""
    assets = context.step_context.assets_def
    keys = sorted("/".join(key.path) for key in assets.keys) if assets else []
    return keys[0] if keys else context.step_context.step.key


def _report(
    context: dg.AssetExecutionContext,
    table: Table,
    written: Sequence[Written],
    lacking: Sequence[Skipped],
) -> dg.MaterializeResult:
    key = dg.AssetKey([table.group, table.name])
    shared: dict[str, Any] = {}
    for commit in written:
        shared |= {
            "dagster/uri": within_home(commit.uri, 3),
            "persona/delta_version": commit.version,
        }
        for partition, rows in commit.rows.items():
            told = {"persona/content_hash": commit.hashes[partition]}
            if reasons := [str(each) for each in lacking if _of(each) == partition]:
                told[SKIPPED_METADATA] = "because " + "; ".join(reasons)
            if table.partition is None:
                shared |= told | {"dagster/row_count": rows}
            else:
                context.add_asset_metadata(
                    {"dagster/partition_row_count": rows, **told},
                    asset_key=key,
                    partition_key=partition,
                )
    return dg.MaterializeResult(asset_key=key, metadata=shared)


def _empty(
    written: Sequence[Written], lacking: Sequence[Skipped], reason: str
) -> Iterator[Skipped]:
    """`reason` for each partition without rows of which nothing is said yet."""
    known = {_of(each) for each in lacking}
    for commit in written:
        for key, rows in commit.rows.items():
            if not rows and key not in known:
                yield Skipped(reason, partition=None if key == WHOLE else date.fromisoformat(key))


def _of(skipped: Skipped) -> str:
    """Key of the partition that something is missing from."""
    return skipped.partition.isoformat() if skipped.partition else WHOLE
