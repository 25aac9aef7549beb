"""`table_asset`: how a contract and a function become an asset.

Belongs here: everything that all table assets share, so that each one says only what it reads and
which domain function it calls. Does not belong here: any particular asset.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from persona_assets.orchestration import automation
from persona_assets.orchestration.code_version import code_version
from persona_assets.orchestration.inputs import Reads
from persona_assets.orchestration.outputs import asset_key
from persona_assets.orchestration.partitions import ON_REQUEST, Cadence, Calendar
from persona_assets.orchestration.resources.lake import (
    CODE_VERSION,
    COLUMNS,
    UNTIL,
    Lake,
)
from persona_assets.orchestration.resources.provenance import ALL_SETTINGS, SETTINGS, WINDOWS
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.shown import code_references, column_lineage, column_schema
from persona_assets.orchestration.table_step import writing
from persona_assets.tables import Table, experiments

OWNERS = {
    "raw": "team:data-platform",
    "mart": "team:data-platform",
    "exploration": "team:data-platform",
    "features": "team:data-platform",
    "feature_store": "team:data-platform",
    "models": "team:data-science",
    "recommendations": "team:data-science",
    "evaluation": "team:data-science",
    "monitoring": "team:data-science",
    "experiments": "team:data-science",
    "segmentation": "team:data-science",
}


@dataclass(frozen=True)
class TableAsset:
    """What `table_asset` was told: an asset that can be built for any home."""

    function: Callable[..., Any]
    tables: tuple[Table, ...]
    cadence: Cadence | None
    reads: Mapping[str, Reads]
    kinds: tuple[str, ...]
    no_rows: str | None
    settings: tuple[str, ...]
    follows: tuple[dg.AssetKey, ...]
    can_subset: bool
    code: tuple[object, ...]

    @functools.cached_property
    def code_version(self) -> str:
        """Of all that can change what the function makes."""
        return code_version(
            self.function,
            *self.code,
            *self.tables,
            reads=self.reads,
            shop=bool(self.settings) or "shop" in inspect.signature(self.function).parameters,
        )

    def build(self, calendar: Calendar, conditions: automation.Conditions) -> dg.AssetsDefinition:
        """The asset in a home with this calendar."""
        inputs = {
            name: dg.AssetIn(
                key=asset_key(read.table),
                dagster_type=_annotation(self.function, name),
                partition_mapping=calendar.mapping(read.mapping),
                metadata=_read_metadata(read),
            )
            for name, read in self.reads.items()
        }
        return dg.multi_asset(
            name="__".join([self.tables[0].group, *(table.name for table in self.tables)]),
            outs={table.name: self._out(table, conditions) for table in self.tables},
            ins=inputs,
            deps=list(self.follows),
            can_subset=self.can_subset,
            partitions_def=calendar.partitions(self.cadence),
            backfill_policy=dg.BackfillPolicy.single_run() if self.cadence else None,
            retry_policy=automation.RETRY,
        )(
            writing(
                self.function,
                self.tables,
                self.code_version,
                self.no_rows,
                self.settings,
                _signature(self.function, self.settings),
            )
        )

    def _out(self, table: Table, conditions: automation.Conditions) -> dg.AssetOut:
        pii = [column.name for column in table.columns if column.pii]
        return dg.AssetOut(
            key=asset_key(table),
            description=f"{_dedented(self.function.__doc__ or '')}\n\n**Grain:** {table.grain}.  \n"
            f"**Key:** `{'`, `'.join(table.key)}`.",
            io_manager_key="lake",
            is_required=not self.can_subset,
            group_name=table.group,
            owners=[OWNERS[table.group]],
            kinds={*self.kinds, "deltalake"},
            tags={
                "layer": table.group,
                "pii": "yes" if pii else "no",
                **cadence_tags(table, self.cadence),
            },
            code_version=self.code_version,
            freshness_policy=None if is_on_request(table) else automation.freshness(self.cadence),
            automation_condition=None
            if is_on_request(table)
            else conditions.condition(table.group, self.cadence),
            metadata={
                "dagster/column_schema": column_schema(table),
                "dagster/column_lineage": column_lineage(table, self.reads),
                "dagster/code_references": code_references(self.function, self.code),
                "dagster/table_name": table.path,
                "persona/key": list(table.key),
                "persona/partition_column": table.partition or "",
                "persona/pii_columns": pii,
                CODE_VERSION: self.code_version,
                SETTINGS: list(self.settings),
                WINDOWS: said_of(self.reads),
            },
        )


def table_asset(
    *tables: Table,
    partitions: Cadence | None = None,
    reads: Mapping[str, Reads] | None = None,
    kinds: Sequence[str] = ("polars",),
    code: Sequence[object] = (),
    no_rows: str | None = None,
    settings: Sequence[str] | None = None,
    follows: Sequence[dg.AssetKey] = (),
    can_subset: bool = False,
) -> Callable[[Callable[..., Any]], TableAsset]:
    """Make the decorated function the asset of `tables` (several: it returns as many frames).

    The function returns the rows of all partitions of the run, or yields `DayBatch`es of them. What
    the data are insufficient for it skips: see `persona_assets.skipped`.

    Args:
        tables: contracts of what the function returns, in its order.
        partitions: DAILY, WEEKLY, EVALUATED, or None.
        reads: the function's frame parameters. One annotated `pl.DataFrame` is given a collected
            frame, one annotated `nw.LazyFrame` a lazy frame.
        kinds: technologies shown in the UI, beside `deltalake`.
        code: domain objects behind the function that its module does not name.
        no_rows: why a partition may be without rows, where the function does not say why; None: it
            needs none.
        settings: names of the settings that the rows depend on (see
            `orchestration/resources/provenance.py`); None: all of them where the function takes the
            shop, none where it does not. A run makes again what was made under other values.
        follows: external assets that the rows come from as well; the function reads them itself.
        can_subset: may a run make some of `tables` and leave the others? The function then returns
            the frames of `selected_tables` alone. Not for tables that must agree with each other.
    """

    def decorate(function: Callable[..., Any]) -> TableAsset:
        takes_shop = "shop" in inspect.signature(function).parameters
        behind = settings if settings is not None else ALL_SETTINGS if takes_shop else ()
        return TableAsset(
            function=function,
            tables=tables,
            cadence=partitions,
            reads=dict(reads or {}),
            kinds=tuple(kinds),
            no_rows=no_rows,
            settings=tuple(behind),
            follows=tuple(follows),
            can_subset=can_subset,
            code=tuple(code),
        )

    return decorate


def said_of(reads: Mapping[str, Reads]) -> dict[str, dict[str, str]]:
    """What `reads` say beyond their partition mappings, by the path of the table read."""
    return {read.table.path: read.said for read in reads.values() if read.said}


def _read_metadata(read: Reads) -> dict[str, Any]:
    """What the lake must know to load the input."""
    columns = {COLUMNS: list(read.columns)} if read.columns else {}
    return columns | ({UNTIL: read.until.path} if read.until else {})


def _annotation(function: Callable[..., Any], name: str) -> type:
    """Type of the parameter called `name`, or of all those that `function` takes by keyword."""
    parameters = inspect.signature(function).parameters
    by_keyword = [each for each in parameters.values() if each.kind is each.VAR_KEYWORD]
    return parameters[name].annotation if name in parameters else by_keyword[0].annotation


def is_on_request(table: Table) -> bool:
    """Is the table made only when somebody asks for it?"""
    return table in experiments.ON_REQUEST


def cadence_tags(table: Table, cadence: Cadence | None) -> dict[str, str]:
    """Tags by which jobs select: days, or which weekly cut-offs a table has.

    All `trained` ones, or those already `evaluated`.
    """
    if is_on_request(table):
        return {"cadence": ON_REQUEST}
    match cadence:
        case Cadence.DAILY:
            return {"cadence": "daily"}
        case Cadence.WEEKLY:
            return {"cadence": "weekly", "cutoffs": "trained"}
        case Cadence.EVALUATED:
            return {"cadence": "weekly", "cutoffs": "evaluated"}
        case None:
            return {"cadence": "unpartitioned"}


def _signature(function: Callable[..., Any], settings: Sequence[str]) -> inspect.Signature:
    """What Dagster sees: the inputs and resources, and nothing of the output.

    The lake is a parameter whether `function` takes it or not, and so is the shop where settings of
    it are behind the tables.
    """
    parameters = inspect.signature(function).parameters
    resources: dict[str, object] = {"lake": Lake, **({"shop": Shop} if settings else {})}
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
        for name, kind in resources.items()
        if name not in parameters
    ]
    named = [each for each in parameters.values() if each.kind is not each.VAR_KEYWORD]
    by_keyword = [each for each in parameters.values() if each.kind is each.VAR_KEYWORD]
    return inspect.Signature([*named, *more, *by_keyword])


def _dedented(documentation: str) -> str:
    return "\n".join(line.strip() for line in documentation.strip().splitlines())
