"""Group `exploration`: what do the shop's events look like?"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.exploration import activity, cohorts, distributions, exploration_plots
from persona_assets.orchestration.daily import each_batch
from persona_assets.orchestration.partitions import BEFORE_CUTOFF, DAILY, SAME, WEEKLY
from persona_assets.orchestration.plot_asset import plot
from persona_assets.orchestration.resources.lake import DayBatch, Lake
from persona_assets.orchestration.table_asset import Reads, table_asset
from persona_assets.orchestration.weekly import each_cutoff
from persona_assets.skipped import Partial
from persona_assets.tables import Table, exploration, mart
from persona_assets.transforms.days import during

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PURCHASES = ("user_id", "event_id", "event_type", "event_date", "event_ts", "arrived_at", "amount")
_MEMBERS = (*_PURCHASES, "product_id", "order_id", "unit_price")


@table_asset(
    exploration.DAILY_ACTIVITY,
    partitions=DAILY,
    reads={
        "interactions": Reads(mart.USER_ITEM_INTERACTIONS, SAME),
        "sessions": Reads(mart.SESSIONS, SAME),
    },
)
def daily_activity(
    context: dg.AssetExecutionContext,
    lake: Lake,
    interactions: nw.LazyFrame,
    sessions: nw.LazyFrame,
) -> Iterator[DayBatch]:
    """The shop's day: events of each kind, people, products, orders, revenue and the funnel."""
    return each_batch(
        context,
        lake,
        mart.USER_ITEM_INTERACTIONS,
        lambda days: activity.daily_activity(during(interactions, days), during(sessions, days)),
    )


@table_asset(
    exploration.HOURLY_ACTIVITY,
    partitions=DAILY,
    reads={"interactions": Reads(mart.USER_ITEM_INTERACTIONS, SAME)},
)
def hourly_activity(
    context: dg.AssetExecutionContext, lake: Lake, interactions: nw.LazyFrame
) -> Iterator[DayBatch]:
    """At which hours of the day people come and buy."""
    return each_batch(
        context,
        lake,
        mart.USER_ITEM_INTERACTIONS,
        lambda days: activity.hourly_activity(during(interactions, days)),
    )


@table_asset(
    exploration.DISTRIBUTIONS,
    no_rows="there are no events before the cut-off",
    partitions=WEEKLY,
    reads={"interactions": Reads(mart.USER_ITEM_INTERACTIONS, BEFORE_CUTOFF, _MEMBERS)},
)
def distributions_of_the_shop(
    context: dg.AssetExecutionContext, lake: Lake, interactions: nw.LazyFrame
) -> Partial[pl.DataFrame]:
    """Basket sizes, prices, events of users and products (the popularity curve), repeat purchases.

    Over the year before the cut-off, as far as it was known then.
    """
    return _drawn(
        context,
        lake,
        exploration.DISTRIBUTIONS,
        lambda cutoff: distributions.distributions(interactions, cutoff=cutoff),
        exploration_plots.distributions_figure,
    )


@table_asset(
    exploration.COHORTS,
    no_rows="there are no purchases before the cut-off",
    partitions=WEEKLY,
    reads={"interactions": Reads(mart.USER_ITEM_INTERACTIONS, BEFORE_CUTOFF, _PURCHASES)},
)
def cohorts_of_customers(
    context: dg.AssetExecutionContext, lake: Lake, interactions: nw.LazyFrame
) -> Partial[pl.DataFrame]:
    """Of those who first bought in a month of the year before the cut-off, who bought again when.

    A customer who had bought before that year counts with the first purchase within it.
    """
    return _drawn(
        context,
        lake,
        exploration.COHORTS,
        lambda cutoff: cohorts.cohorts(interactions, cutoff=cutoff),
        exploration_plots.cohorts_figure,
    )


def _drawn(
    context: dg.AssetExecutionContext,
    lake: Lake,
    table: Table,
    summarise: Callable[[date], nw.LazyFrame],
    figure: Callable[[pl.DataFrame], "Figure"],
) -> Partial[pl.DataFrame]:
    """What `summarise` makes of each cut-off, with a figure of the newest."""
    collect = lake.store.collect
    made = each_cutoff(context, lake, table, lambda cutoff: collect(summarise(cutoff)))
    if made.rows.height:
        newest = made.rows.filter(pl.col("cutoff") == pl.col("cutoff").max())
        plot(context, lake, table, figure(newest))
    return made


ASSETS = (daily_activity, hourly_activity, distributions_of_the_shop, cohorts_of_customers)
