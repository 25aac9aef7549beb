"""Weekly assets over a range of cut-offs.

Belongs here: the loop over a run's cut-offs.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import dagster as dg
import polars as pl

from persona_assets.partitions import days_of

# Trainings release the interpreter lock, so two cut-offs at a time keep two cores busy; more of
# them would cost memory and gain nothing beside the threads that a training itself uses.
_AT_A_TIME = min(2, os.cpu_count() or 1)


def each_cutoff(
    context: dg.AssetExecutionContext, compute: Callable[[date], pl.DataFrame]
) -> pl.DataFrame:
    """`compute` for every cut-off of the run, one below the other in their order.

    `compute` runs in threads, so it must be a pure function: it may not touch `context`.
    """
    import scipy.linalg  # noqa: F401 - a limit binds only the BLAS libraries that are loaded
    from threadpoolctl import threadpool_limits

    # A model's own limit is the process's: the cut-off that ends first would lift it for the
    # other, whose last digits then move. Under this one there is nothing to lift.
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(_AT_A_TIME) as pool:
        return pl.concat(pool.map(compute, days_of(context.partition_keys)))


def at(frame: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """The rows of one cut-off."""
    return frame.filter(pl.col("cutoff") == cutoff)
