"""Weekly assets over a range of cut-offs.

Belongs here: the loop over a run's cut-offs.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Any, TypeVar

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.orchestration.partitions import days_of
from persona_assets.orchestration.resources.lake import LakeIOManager
from persona_assets.skipped import Computed, Partial, as_partial, attempt
from persona_assets.tables import Table
from persona_assets.transforms.history import Rows

# Trainings release the interpreter lock, so two cut-offs at a time keep two cores busy; more of
# them would cost memory and gain nothing beside the threads that a training itself uses.
_AT_A_TIME = min(2, os.cpu_count() or 1)


Result = TypeVar("Result")


def each_cutoff(
    context: dg.AssetExecutionContext,
    lake: LakeIOManager,
    table: Table,
    compute: Callable[[date], Computed[Rows]],
) -> Partial[Rows]:
    """`compute` for every cut-off of the run, one below the other in their order; see `_each`.

    A cut-off that the data are insufficient for has no rows, and its reason.
    """
    nothing: Any = table.empty()

    def made(cutoff: date) -> Partial[Rows]:
        return attempt(lambda: compute(cutoff), nothing).of(cutoff)

    return below(_each(context, lake, made))


def one_by_one(
    context: dg.AssetExecutionContext,
    table: Table,
    compute: Callable[[date], Computed[pl.DataFrame]],
) -> Partial[pl.DataFrame]:
    """As `each_cutoff`, for a `compute` that tells `context` of what it makes besides rows."""
    return below(
        [
            attempt(partial(compute, cutoff), table.empty()).of(cutoff)
            for cutoff in days_of(context.partition_keys)
        ]
    )


def tables_of_each_cutoff(
    context: dg.AssetExecutionContext,
    lake: LakeIOManager,
    tables: Sequence[Table],
    compute: Callable[[date], Sequence[Computed[Rows]]],
) -> list[Partial[Rows]]:
    """Likewise where `compute` makes several tables: each of them over all cut-offs."""
    nothing: Any = [table.empty() for table in tables]

    def made(cutoff: date) -> list[Partial[Rows]]:
        attempted: Partial[Sequence[Computed[Rows]]] = attempt(lambda: compute(cutoff), nothing)
        # What was skipped as a whole is said of each table.
        return [as_partial(each).also(attempted.skipped).of(cutoff) for each in attempted.rows]

    return [below(list(table)) for table in zip(*_each(context, lake, made), strict=True)]


def _each(
    context: dg.AssetExecutionContext, lake: LakeIOManager, compute: Callable[[date], Result]
) -> list[Result]:
    """`compute` for every cut-off of the run, in their order.

    `compute` runs in threads, so it must be a pure function: it must not use `context`. On a
    cluster one cut-off follows the other, as each takes the whole of it.
    """
    import scipy.linalg  # noqa: F401 - a limit binds only the BLAS libraries that are loaded
    from threadpoolctl import threadpool_limits

    at_a_time = 1 if lake.store.engine.distributed else _AT_A_TIME
    # A model's own limit is the process's: the cut-off that ends first would lift it for the
    # other, whose last digits then move. Under this one there is nothing to lift.
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(at_a_time) as pool:
        return list(pool.map(compute, days_of(context.partition_keys)))


def below(made: Sequence[Partial[Rows]]) -> Partial[Rows]:
    """Rows of one kind and with the same columns, one below the other, and what they lack."""
    skipped = tuple(each for part in made for each in part.skipped)
    # A cluster's frames lie elsewhere than the empty ones that stand for what was skipped.
    filled = [
        part.rows for part in made if not (isinstance(part.rows, pl.DataFrame) and part.skipped)
    ] or [made[0].rows]
    if isinstance(filled[0], pl.DataFrame):
        return Partial(pl.concat([part.rows for part in made]), skipped)
    return Partial(nw.concat(filled), skipped)


def at(frame: Rows, cutoff: date) -> Rows:
    """The rows of one cut-off."""
    if isinstance(frame, pl.DataFrame):
        return frame.filter(pl.col("cutoff") == cutoff)
    return frame.filter(nw.col("cutoff") == cutoff)
