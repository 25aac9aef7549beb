"""Weekly assets over a range of cut-offs.

Belongs here: the loop over a run's cut-offs, one at a time so that memory does not grow with them.
"""

from collections.abc import Callable
from datetime import date

import dagster as dg
import polars as pl

from persona_assets.partitions import days_of


def each_cutoff(
    context: dg.AssetExecutionContext, compute: Callable[[date], pl.DataFrame]
) -> pl.DataFrame:
    """`compute` for every cut-off of the run, one below the other."""
    return pl.concat([compute(cutoff) for cutoff in days_of(context.partition_keys)])


def at(frame: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """The rows of one cut-off."""
    return frame.filter(pl.col("cutoff") == cutoff)
