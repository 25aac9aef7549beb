"""What exposed users did, day by day, from their first list on.

Belongs here: the columns that metrics are computed from. Does not belong here: metrics
(`results.py`), who was exposed (`exposures.py`).
"""

from collections.abc import Sequence

import polars as pl

from persona_assets.live_experiments.declaration import LiveExperiment
from persona_assets.tables.live_experiments import UNIT_METRICS


def unit_metrics(
    exposed: pl.DataFrame,
    lists: pl.DataFrame,
    purchases: pl.DataFrame,
    experiments: Sequence[LiveExperiment],
) -> pl.DataFrame:
    """What users of one arm did from their exposure until their experiment's end.

    Impressions and clicks are those of the experiment's lists, under the day of the list. Orders
    are all purchases in the shop, by whatever way, from the moment of the first list on: what a
    user would have bought anyway is in both arms, and an arm that only moves it gains nothing.

    Args:
        exposed: rows of `experiments/exposures`.
        lists: rows of `serving/impressions` (columns `exposures.READ_COLUMNS`).
        purchases: purchases of the mart: `user_id`, `event_date`, `event_ts`, `amount`.
        experiments: as declared.

    Returns:
        Rows of `experiments/unit_metrics`, sorted by their key. Each user has one at least: of the
        day of the exposure.
    """
    schema = UNIT_METRICS.polars_schema
    found = [UNIT_METRICS.empty()]
    for each in experiments:
        users = exposed.filter(pl.col("experiment") == each.name, pl.col("arms") == 1).select(
            "user_id", "arm", "exposed_at"
        )
        in_time = pl.col("event_date") < each.end
        shown = (
            lists.filter(pl.col("experiment") == each.name, in_time)
            .drop("arm")
            .join(users, on="user_id")
            .filter(pl.col("served_at") >= pl.col("exposed_at"))
            .group_by("user_id", "arm", day="event_date")
            .agg(impressions=pl.col("viewed").sum(), clicks=pl.col("clicked").sum())
        )
        bought = (
            purchases.filter(in_time)
            .join(users, on="user_id")
            .filter(pl.col("event_ts") >= pl.col("exposed_at"))
            .group_by("user_id", "arm", day="event_date")
            .agg(orders=pl.len(), revenue=pl.col("amount").fill_null(0.0).sort().sum())
        )
        rows = shown.join(bought, on=["user_id", "arm", "day"], how="full", coalesce=True)
        found.append(
            rows.with_columns(experiment=pl.lit(each.name)).select(
                pl.col(name).fill_null(0).cast(schema[name])
                if name in ("impressions", "clicks", "orders", "revenue")
                else pl.col(name).cast(schema[name])
                for name in schema.names()
            )
        )
    return pl.concat(found).sort("experiment", "user_id", "day")
