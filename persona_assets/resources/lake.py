"""The lake as Dagster's IO manager: which partitions, which versions, what the UI is told.

Belongs here: translating Dagster contexts into `DeltaStore` calls and back into metadata. Does not
belong here: how tables are read and written (`lake/`), or what is in them.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.errors import DataError
from persona_assets.lake import Commit, DeltaStore, Written
from persona_assets.lake.store import WHOLE
from persona_assets.resources.failures import permanent_failures
from persona_assets.resources.stopwatch import STOPWATCH
from persona_assets.tables import TABLES, Table

COLUMNS = "persona/columns"
"""Metadata of an input: the only columns that its asset wants to read."""
CODE_VERSION = "persona/code_version"


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
        # Delta versions read by the steps under way, for the commits they will make.
        self._read: dict[str, dict[str, int]] = defaultdict(dict)

    def load_input(self, context: dg.InputContext) -> nw.LazyFrame | pl.DataFrame:
        """The input's rows in the mapped partitions, pinned to the version that is newest now."""
        table = table_of(context.asset_key)
        consumer = _step_asset(context)
        with permanent_failures(), STOPWATCH.measure(consumer, "read"):
            version = self.store.version(table)
            if version is None:
                raise DataError(
                    f"{consumer} needs {table.path}, which does not exist; materialize "
                    f"{table.path} first"
                )
            self._read[_step(context)][table.path] = version
            partitions = None
            if table.partition and context.has_asset_partitions:
                partitions = [date.fromisoformat(key) for key in context.asset_partition_keys]
            frame = self.store.scan(table, partitions, at=version)
            if columns := (context.definition_metadata or {}).get(COLUMNS):
                frame = frame.select(list(columns))
            if context.dagster_type.typing_type is nw.LazyFrame:
                return frame
            return self.store.engine.collect(frame)

    def handle_output(self, context: dg.OutputContext, obj: nw.LazyFrame | pl.DataFrame) -> None:
        """Overwrite exactly the run's partitions and tell the UI what was written."""
        table = table_of(context.asset_key)
        keys: Sequence[str] = (
            list(context.asset_partition_keys) if context.has_asset_partitions else []
        )
        commit = Commit(
            run_id=context.run_id,
            asset=table.path,
            partitions=tuple(keys),
            code_version=(context.definition_metadata or {}).get(CODE_VERSION, ""),
            inputs=self._read[_step(context)],
        )
        with permanent_failures(), STOPWATCH.measure(table.path, "write"):
            written = self.store.overwrite(
                table,
                obj,
                partitions=[date.fromisoformat(key) for key in keys] if table.partition else None,
                commit=commit,
            )
        _report(context, table, written)


def _step(context: dg.InputContext | dg.OutputContext) -> str:
    return f"{context.step_context.run_id}/{context.step_context.step.key}"


def _step_asset(context: dg.InputContext) -> str:
    """The asset for which an input is read; the first one where a step makes several."""
    assets = context.step_context.assets_def
    keys = sorted("/".join(key.path) for key in assets.keys) if assets else []
    return keys[0] if keys else context.step_context.step.key


def _report(context: dg.OutputContext, table: Table, written: Written) -> None:
    shared: dict[str, Any] = {
        "dagster/uri": written.uri,
        "persona/delta_version": written.version,
    }
    step = context.step_context
    if table.partition is None:
        shared["dagster/row_count"] = written.rows[WHOLE]
        shared["persona/content_hash"] = written.hashes[WHOLE]
    else:
        for key, rows in written.rows.items():
            step.add_asset_metadata(
                {"dagster/partition_row_count": rows, "persona/content_hash": written.hashes[key]},
                asset_key=context.asset_key,
                partition_key=key,
            )
    context.add_output_metadata(shared)
