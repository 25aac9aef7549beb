"""Group `experiments`: experiments on the shop's customers, from the service's log to a verdict.

The tables have no partitions, and `experiment` is a column. A user's first exposure depends on all
days before, what followed from a list changes for seven days, and purchases arrive late: partitions
by day would be made again nearly always, and dynamic ones by experiment have no calendar, by which
everything else here is due. All four are made in one step, so that a verdict never stands beside
units that it was not made of. Lists of experiments alone are read, when there are new ones; a home
without an experiment reads no rows.
"""

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.live_experiments import stored_plans
from persona_assets.live_experiments.exposures import exposures
from persona_assets.live_experiments.reading import observed
from persona_assets.live_experiments.results import planned_arms, results
from persona_assets.live_experiments.unit_metrics import unit_metrics
from persona_assets.orchestration.event_log.assets import IMPRESSED
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.orchestration.resources.provenance import LIVE_EXPERIMENTS
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.table_asset import Reads, table_asset
from persona_assets.skipped import Partial
from persona_assets.tables import live_experiments as tables
from persona_assets.tables import mart


@table_asset(
    tables.EXPOSURES,
    tables.UNIT_METRICS,
    tables.RESULTS,
    tables.VERDICT,
    reads={"interactions": Reads(mart.USER_ITEM_INTERACTIONS)},
    settings=[LIVE_EXPERIMENTS],
    follows=[IMPRESSED],
)
def verdicts(
    context: dg.AssetExecutionContext, lake: Lake, shop: Shop, interactions: nw.LazyFrame
) -> tuple[pl.DataFrame, pl.DataFrame, Partial[pl.DataFrame], Partial[pl.DataFrame]]:
    """Live experiments: who saw which arm, what they did from then on, comparisons, a verdict.

    Intervals hold at any time while an experiment runs; the test of its planned end is one for one
    look. A declaration that was changed after somebody's first exposure is refused.
    """
    experiments = stored_plans.planned(shop.settings.home, shop.settings.live_experiments)
    found = observed(lake.store, interactions, experiments)
    exposed = exposures(found.lists, found.purchases, experiments, found.mart_begins)
    metrics = unit_metrics(exposed, found.lists, found.purchases, experiments)
    arms = planned_arms(experiments, exposed)
    outcome = results(exposed, metrics, experiments, arms, found.mart_ends)
    return exposed, metrics, outcome.results, outcome.verdicts


ASSETS = (verdicts,)
