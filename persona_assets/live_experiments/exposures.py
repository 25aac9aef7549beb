"""Who was exposed to an experiment: the first list of an arm that each user was served.

Belongs here: exposures, and what users bought before. Does not belong here: what they did after
(`unit_metrics.py`), who is assigned (`assignment.py`).
"""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from persona_assets.live_experiments.declaration import LiveExperiment
from persona_assets.tables.live_experiments import EXPOSURES

PRE_PERIOD_DAYS = 28
"""Four whole weeks before an experiment's start, the same for everybody: nothing that an arm shows
can change them, and weekdays count alike."""
READ_COLUMNS = (
    "event_date", "recommendation_id", "user_id", "served_at", "model", "experiment", "arm",
    "viewed", "clicked",
)  # fmt: skip
"""Columns of `serving/impressions` that experiments are made of."""


def exposures(
    lists: pl.DataFrame, purchases: pl.DataFrame, experiments: Sequence[LiveExperiment],
    mart_begins: date | None,
) -> pl.DataFrame:  # fmt: skip
    """The users of each experiment.

    Users whom lists of two arms were served to count with all their arms; the analysis leaves them
    out, since neither arm made what they did. Lists before the start or from the end on count not.

    Args:
        lists: rows of `serving/impressions` (columns `READ_COLUMNS`).
        purchases: purchases of the mart: `user_id`, `event_date`, `amount`.
        experiments: as declared.
        mart_begins: the mart's first day; None: it is empty.

    Returns:
        Rows of `experiments/exposures`, sorted by their key.
    """
    schema = EXPOSURES.polars_schema
    found = [EXPOSURES.empty()]
    for each in experiments:
        of_it = lists.filter(
            pl.col("experiment") == each.name,
            pl.col("user_id").is_not_null(),
            pl.col("arm").is_not_null(),
            pl.col("event_date").is_between(each.start, each.end, closed="left"),
        )
        first = (
            of_it.sort("served_at", "recommendation_id")
            .group_by("user_id", maintain_order=True)
            .agg(
                pl.col("arm", "model").first(),
                day=pl.col("event_date").first(),
                exposed_at=pl.col("served_at").first(),
                arms=pl.col("arm").n_unique().cast(pl.Int64),
            )
        )
        before = _before(purchases, each.start)
        known = mart_begins is not None and mart_begins <= each.start - timedelta(
            days=PRE_PERIOD_DAYS
        )
        names = ("orders_before", "revenue_before")
        rows = first.join(before, on="user_id", how="left", maintain_order="left").with_columns(
            pl.lit(each.name).alias("experiment"),
            *(
                pl.col(name).fill_null(0.0) if known else pl.lit(None, pl.Float64).alias(name)
                for name in names
            ),
        )
        found.append(rows.select(pl.col(name).cast(schema[name]) for name in schema.names()))
    return pl.concat(found).sort("experiment", "user_id")


def _before(purchases: pl.DataFrame, start: date) -> pl.DataFrame:
    """What each user bought in the pre-period: `user_id`, `orders_before`, `revenue_before`."""
    first = start - timedelta(days=PRE_PERIOD_DAYS)
    return (
        purchases.filter(pl.col("event_date").is_between(first, start, closed="left"))
        .group_by("user_id")
        .agg(
            orders_before=pl.len().cast(pl.Float64),
            # Sorted, so that the sum does not depend on the order of rows.
            revenue_before=pl.col("amount").fill_null(0.0).sort().sum(),
        )
    )
