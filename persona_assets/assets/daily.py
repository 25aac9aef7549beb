"""Daily assets over long ranges.

Belongs here: the loop over a run's days, in pieces.
"""

from collections.abc import Callable, Sequence
from datetime import date

import dagster as dg
import narwhals as nw

from persona_assets.partitions import days_of

# A snapshot sees each row of the daily tables in thirty days, so a range multiplies them: a month
# at a time keeps a year's backfill in the memory of a month's.
DAYS_AT_A_TIME = 30


def each_piece(
    context: dg.AssetExecutionContext, compute: Callable[[Sequence[date]], nw.LazyFrame]
) -> nw.LazyFrame:
    """`compute` for the run's days, `DAYS_AT_A_TIME` of them at once, one below the other."""
    days = days_of(context.partition_keys)
    engine = context.resources.lake.store.engine
    pieces = [days[start : start + DAYS_AT_A_TIME] for start in range(0, len(days), DAYS_AT_A_TIME)]
    if len(pieces) == 1:
        return compute(days)
    return nw.concat([engine.together([compute(piece)])[0] for piece in pieces])
