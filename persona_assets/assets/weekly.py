"""Weekly assets over a range of cut-offs.

Belongs here: the loop over a run's cut-offs.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TypeVar

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.partitions import days_of
from persona_assets.transforms.history import Rows

# Trainings release the interpreter lock, so two cut-offs at a time keep two cores busy; more of
# them would cost memory and gain nothing beside the threads that a training itself uses.
_AT_A_TIME = min(2, os.cpu_count() or 1)


Made = TypeVar("Made")


def each_cutoff(context: dg.AssetExecutionContext, compute: Callable[[date], Rows]) -> Rows:
    """`compute` for every cut-off of the run, one below the other in their order; see `_each`."""
    return below(_each(context, compute))


def tables_of_each_cutoff(
    context: dg.AssetExecutionContext, compute: Callable[[date], Sequence[Rows]]
) -> list[Rows]:
    """Likewise where `compute` makes several tables: each of them over all cut-offs."""
    return [below(list(table)) for table in zip(*_each(context, compute), strict=True)]


def _each(context: dg.AssetExecutionContext, compute: Callable[[date], Made]) -> list[Made]:
    """`compute` for every cut-off of the run, in their order.

    `compute` runs in threads, so it must be a pure function: it may not touch `context`. On a
    cluster one cut-off follows the other, as each takes the whole of it.
    """
    import scipy.linalg  # noqa: F401 - a limit binds only the BLAS libraries that are loaded
    from threadpoolctl import threadpool_limits

    at_a_time = 1 if context.resources.lake.store.engine.distributed else _AT_A_TIME
    # A model's own limit is the process's: the cut-off that ends first would lift it for the
    # other, whose last digits then move. Under this one there is nothing to lift.
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(at_a_time) as pool:
        return list(pool.map(compute, days_of(context.partition_keys)))


def below(frames: list[Rows]) -> Rows:
    """`frames`, of one kind and with the same columns, one below the other."""
    if isinstance(frames[0], pl.DataFrame):
        return pl.concat(frames)
    return nw.concat(frames)


def at(frame: Rows, cutoff: date) -> Rows:
    """The rows of one cut-off."""
    if isinstance(frame, pl.DataFrame):
        return frame.filter(pl.col("cutoff") == cutoff)
    return frame.filter(nw.col("cutoff") == cutoff)
