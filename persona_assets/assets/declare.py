"""`table_asset`: how a contract and a function become an asset.

Belongs here: everything that all table assets share, so that each one says only what it reads and
which domain function it calls. Does not belong here: any particular asset.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import dagster as dg

from persona_assets import automation
from persona_assets.assets.code_version import code_version
from persona_assets.partitions import DAILY, JUDGED, WEEKLY
from persona_assets.resources.failures import permanent_failures
from persona_assets.resources.lake import CODE_VERSION, COLUMNS
from persona_assets.resources.stopwatch import STOPWATCH
from persona_assets.tables import Table

Function = TypeVar("Function", bound=Callable[..., Any])

OWNERS = {
    "raw": "team:data-platform",
    "mart": "team:data-platform",
    "features": "team:data-platform",
    "feature_store": "team:data-platform",
    "models": "team:data-science",
    "recommendations": "team:data-science",
    "evaluation": "team:data-science",
    "monitoring": "team:data-science",
    "experiments": "team:data-science",
}


@dataclass(frozen=True)
class Reads:
    """One input of an asset: a table, the partitions needed of it, and the columns (None: all)."""

    table: Table
    mapping: dg.PartitionMapping | None = None
    columns: tuple[str, ...] | None = None


def asset_key(table: Table) -> dg.AssetKey:
    """`[group, name]`."""
    return dg.AssetKey([table.group, table.name])


def table_asset(
    *tables: Table,
    partitions: dg.PartitionsDefinition | None = None,
    reads: Mapping[str, Reads] | None = None,
    kinds: Sequence[str] = ("polars",),
    code: Sequence[object] = (),
    required: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Make the decorated function the asset of `tables` (several: it returns as many frames).

    Args:
        tables: contracts of what the function returns, in its order.
        partitions: DAILY, WEEKLY, JUDGED, or None.
        reads: the function's frame parameters. One annotated `pl.DataFrame` is given a collected
            frame, one annotated `nw.LazyFrame` a lazy frame.
        kinds: technologies shown in the UI, beside `deltalake`.
        code: domain objects behind the function that its module does not name.
        required: keys of resources the function takes from its context.
    """

    def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
        version = code_version(function, *code, *tables)
        inputs = {
            name: dg.AssetIn(
                key=asset_key(read.table),
                partition_mapping=read.mapping,
                metadata={COLUMNS: list(read.columns)} if read.columns else None,
            )
            for name, read in (reads or {}).items()
        }
        return dg.multi_asset(
            name="__".join([tables[0].group, *(table.name for table in tables)]),
            outs={
                table.name: _out(table, function.__doc__ or "", partitions, kinds, version)
                for table in tables
            },
            ins=inputs,
            partitions_def=partitions,
            backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
            required_resource_keys={"lake", *required},
            retry_policy=automation.RETRY,
        )(_timed(function, tables[0].path))

    return decorate


def _out(
    table: Table,
    documentation: str,
    partitions: dg.PartitionsDefinition | None,
    kinds: Sequence[str],
    version: str,
) -> dg.AssetOut:
    pii = [column.name for column in table.columns if column.pii]
    return dg.AssetOut(
        key=asset_key(table),
        description=f"{_dedented(documentation)}\n\n**Grain:** {table.grain}.  \n"
        f"**Key:** `{'`, `'.join(table.key)}`.",
        io_manager_key="lake",
        group_name=table.group,
        owners=[OWNERS[table.group]],
        kinds={*kinds, "deltalake"},
        tags={
            "layer": table.group,
            "cadence": cadence(partitions),
            "pii": "yes" if pii else "no",
            **cutoffs(partitions),
        },
        code_version=version,
        freshness_policy=automation.freshness(partitions),
        automation_condition=automation.condition(table.group, partitions),
        metadata={
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": table.path,
            "persona/key": list(table.key),
            "persona/partition_column": table.partition or "",
            "persona/pii_columns": pii,
            CODE_VERSION: version,
        },
    )


def cadence(partitions: dg.PartitionsDefinition | None) -> str:
    """`daily`, `weekly` or `unpartitioned`."""
    if partitions is None:
        return "unpartitioned"
    return "daily" if partitions is DAILY else "weekly"


def cutoffs(partitions: dg.PartitionsDefinition | None) -> dict[str, str]:
    """Which weekly cut-offs a table has: all `trained` ones, or those already `judged`."""
    names = [name for name, each in (("trained", WEEKLY), ("judged", JUDGED)) if partitions is each]
    return {"cutoffs": names[0]} if names else {}


def column_schema(table: Table) -> dg.TableSchema:
    """The contract's columns as the UI shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=table.key == (column.name,)
                ),
                tags={"pii": ""} if column.pii else None,
            )
            for column in table.columns
        ]
    )


def _timed(function: Function, path: str) -> Function:
    @functools.wraps(function)
    def run(*arguments: object, **keywords: object) -> object:
        with permanent_failures(), STOPWATCH.measure(path, "compute"):
            return function(*arguments, **keywords)

    return run  # type: ignore[return-value]


def _dedented(documentation: str) -> str:
    return "\n".join(line.strip() for line in documentation.strip().splitlines())
