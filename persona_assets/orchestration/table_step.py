"""What a step does with an asset's function: call it, and write what it makes to the lake.

Belongs here: what is behind the rows of every table, and so in its code version. Does not belong
here: how an asset is declared (`table_asset.py`), reading and writing (`resources/lake.py`).
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import dagster as dg

from persona_assets.orchestration.outputs import selected_tables
from persona_assets.orchestration.partitions import days_of
from persona_assets.orchestration.resources.failures import permanent_failures
from persona_assets.orchestration.resources.lake import DayBatch, LakeIOManager
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.orchestration.resources.stopwatch import STOPWATCH
from persona_assets.orchestration.runs import owners
from persona_assets.skipped import Partial, as_partial, attempt
from persona_assets.tables import Table


def writing(
    function: Callable[..., Any],
    tables: Sequence[Table],
    code_version: str,
    no_rows: str | None,
    settings: Sequence[str],
    signature: inspect.Signature,
) -> Callable[..., Iterator[dg.MaterializeResult]]:
    """`function`, its inputs as they are, with what it makes written to the lake.

    `signature` is what Dagster is to see of it: inputs and resources.
    """
    parameters = inspect.signature(function).parameters

    @functools.wraps(function)
    def run(
        context: dg.AssetExecutionContext,
        /,
        *,
        lake: LakeIOManager,
        shop: ShopResource | None = None,
        **frames: object,
    ) -> Iterator[dg.MaterializeResult]:
        owners.claim(context.instance, context.run.run_id)
        taken = {
            name: each for name, each in (("lake", lake), ("shop", shop)) if name in parameters
        }
        wanted = selected_tables(context, tables)
        batches = _batches(context, wanted, lambda: function(context, **frames, **taken))
        with permanent_failures(), lake.store.naming_damage():
            results = lake.write(
                context,
                wanted,
                batches,
                code_version=code_version,
                no_rows=no_rows,
                settings=settings,
                shop=shop,
            )
        yield from results

    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__.pop("return", None)
    return run


def _batches(
    context: dg.AssetExecutionContext, tables: Sequence[Table], make: Callable[[], Any]
) -> Iterator[DayBatch]:
    """What `make` returns, as one batch, or yields, with the seconds that it takes.

    Where the data are insufficient for all of it, the tables have no rows, and the reason.
    """
    table = tables[0]
    with STOPWATCH.measure(table.path, "compute"):
        made = attempt(make, [each.empty() for each in tables])
    if not isinstance(made.rows, Iterator):
        partitions = days_of(context.partition_keys) if table.partition else []
        yield partitions, _each_lacking(made, partitions)
        return
    while True:
        with STOPWATCH.measure(table.path, "compute"):
            batch = next(made.rows, None)
        if batch is None:
            return
        yield batch


def _each_lacking(made: Partial[Any], partitions: Sequence[date]) -> list[Partial[Any]]:
    """Each table's rows, with what all of them lack in every partition."""
    frames = made.rows if isinstance(made.rows, Sequence) else [made.rows]
    everywhere: Sequence[date | None] = partitions or [None]
    lacking = [
        replace(each, partition=day)
        for each in made.skipped
        for day in ([each.partition] if each.partition else everywhere)
    ]
    return [as_partial(each).also(lacking) for each in frames]
