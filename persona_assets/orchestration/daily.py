"""Daily assets over long ranges.

Belongs here: the loop over the batches of a run's days. Does not belong here: how a range is
divided (`lake/day_batches.py`) or how a batch is written (`orchestration/resources/lake.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

import dagster as dg
import polars as pl

from persona_assets.lake.day_batches import ROWS_AT_A_TIME, day_batches
from persona_assets.orchestration.partitions import days_of
from persona_assets.orchestration.resources.lake import DayBatch, Frame, LakeIOManager
from persona_assets.tables import Table


def each_batch(
    context: dg.AssetExecutionContext,
    lake: LakeIOManager,
    like: Table,
    compute: Callable[[Sequence[date]], Frame | Sequence[Frame]],
    *,
    seen: int = 1,
) -> Iterator[DayBatch]:
    """`compute` for the run's days, some of them at a time; all at once on a cluster.

    Args:
        context: of the run.
        lake: that the run reads.
        like: the daily input whose rows decide how many days are a batch.
        compute: gives the frame or frames of some days.
        seen: how often a row of `like` occurs in what is computed, e.g. in trailing windows.
    """
    store, days = lake.store, days_of(context.partition_keys)
    rows = {} if store.engine.distributed else store.partition_rows(like)
    for batch in day_batches(days, rows, limit=ROWS_AT_A_TIME // seen):
        yield batch, compute(batch)


def each_delivery(
    context: dg.AssetExecutionContext, deliver: Callable[[Sequence[date]], pl.DataFrame]
) -> Iterator[DayBatch]:
    """`deliver` for the run's days: the first by itself, then as many as its rows suggest."""
    days, many = days_of(context.partition_keys), 1
    while days:
        batch, days = days[:many], days[many:]
        frame = deliver(batch)
        yield batch, frame
        sizes = frame.group_by("event_date").len().get_column("len").to_list()
        many = max(1, ROWS_AT_A_TIME // max(sizes, default=1))
