"""Segment migration: how many customers moved between segments from one cut-off to the next.

Belongs here: counting moves. Does not belong here: segments
themselves (`segmenting.py`).
"""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise

import polars as pl

from persona_assets.tables.segmentation import SEGMENT_MIGRATION

ELSEWHERE = 0
"""In place of a segment: no customer, or none any more."""


def segment_migration(
    cutoffs: Sequence[date], segments_at: Callable[[date], pl.DataFrame]
) -> pl.DataFrame:
    """Moves between cut-offs that follow each other.

    Args:
        cutoffs: those there are, in any order.
        segments_at: rows of `segmentation/customer_segments` of a cut-off.

    Returns:
        Rows of `segmentation/segment_migration`, sorted by its key; none of a single cut-off.
    """
    moves = [SEGMENT_MIGRATION.empty()]
    ordered = sorted(cutoffs)
    before = segments_at(ordered[0]) if len(ordered) > 1 else pl.DataFrame()
    for earlier, later in pairwise(ordered):
        now = segments_at(later)
        moves.append(
            _moves(before, now)
            .with_columns(
                cutoff=pl.lit(later),
                from_cutoff=pl.lit(earlier),
                share=pl.col("customers") / pl.col("customers").sum().over("from_segment"),
            )
            .select(SEGMENT_MIGRATION.polars_schema.names())
        )
        before = now
    return pl.concat(moves).sort(SEGMENT_MIGRATION.key)


def _moves(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """`from_segment, to_segment, customers` of two cut-offs."""
    return (
        before.select("user_id", from_segment="segment")
        .join(now.select("user_id", to_segment="segment"), on="user_id", how="full", coalesce=True)
        .group_by(pl.col("from_segment", "to_segment").fill_null(ELSEWHERE))
        .agg(customers=pl.len().cast(pl.Int64))
    )
