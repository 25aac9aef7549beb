"""Group `evaluation`: how good the lists are, week by week and model beside model."""

from datetime import date

import dagster as dg
import polars as pl

from persona_assets.assets.declare import Reads, table_asset
from persona_assets.assets.plot import plot
from persona_assets.assets.weekly import at, each_cutoff
from persona_assets.evaluation import beyond_accuracy, comparison, offline, plots
from persona_assets.evaluation.ceiling import with_ceiling
from persona_assets.partitions import JUDGED, SAME, THROUGH_JUDGED_WEEK
from persona_assets.resources.source import ShopResource
from persona_assets.tables import evaluation, mart, raw
from persona_assets.tables.models import TOP_K

_JUDGING = (
    "event_date", "user_id", "product_id", "event_type", "event_ts", "arrived_at", "weight",
)  # fmt: skip
_LISTS = Reads(TOP_K, SAME)
_INTERACTIONS = Reads(mart.USER_ITEM_INTERACTIONS, THROUGH_JUDGED_WEEK, _JUDGING)


@table_asset(
    evaluation.OFFLINE_METRICS,
    partitions=JUDGED,
    reads={
        "lists": _LISTS,
        "interactions": _INTERACTIONS,
        "users": Reads(raw.USERS),
        "products": Reads(raw.PRODUCTS),
    },
    required=["shop"],
)
def offline_metrics(
    context: dg.AssetExecutionContext,
    lists: pl.DataFrame,
    interactions: pl.DataFrame,
    users: pl.DataFrame,
    products: pl.DataFrame,
) -> pl.DataFrame:
    """Precision, recall, MAP, nDCG, hit rate and MRR at 5, 10 and 20, with bootstrap intervals.

    Lists made at the cut-off are judged on the seven days from it. In a synthetic shop the lists
    by the planted tastes are judged too: `planted_optimum` is the ceiling.
    """
    shop: ShopResource = context.resources.shop
    settings = shop.settings
    truth = shop.planted_truth(users, products)

    def judge(cutoff: date) -> pl.DataFrame:
        judged = at(lists, cutoff)
        if truth is not None:
            judged = with_ceiling(
                judged,
                truth,
                interactions,
                k=settings.top_k,
                cutoff=cutoff,
                exclude=settings.exclude,
            )
        return offline.offline_metrics(
            judged, interactions, cutoff=cutoff, exclude=settings.exclude, seed=settings.seed
        )

    return each_cutoff(context, judge)


@table_asset(
    evaluation.RECOMMENDATION_ANALYSIS,
    partitions=JUDGED,
    reads={"lists": _LISTS, "interactions": _INTERACTIONS, "products": Reads(raw.PRODUCTS)},
)
def recommendation_analysis(
    context: dg.AssetExecutionContext,
    lists: pl.DataFrame,
    interactions: pl.DataFrame,
    products: pl.DataFrame,
) -> pl.DataFrame:
    """What accuracy does not see: catalog coverage, diversity within lists, novelty, inequality."""
    return each_cutoff(
        context,
        lambda cutoff: beyond_accuracy.recommendation_analysis(
            lists, interactions, products, cutoff=cutoff
        ),
    )


@table_asset(
    evaluation.REPLAY_VALIDATION,
    reads={"metrics": Reads(evaluation.OFFLINE_METRICS)},
    kinds=["matplotlib"],
)
def replay_validation(context: dg.AssetExecutionContext, metrics: pl.DataFrame) -> pl.DataFrame:
    """The judged cut-offs beside each other: would the models have held up week after week?"""
    table = comparison.replay_validation(metrics)
    plot(context, evaluation.REPLAY_VALIDATION, plots.replay_figure(table))
    return table


@table_asset(
    evaluation.MODEL_COMPARISON,
    reads={
        "metrics": Reads(evaluation.OFFLINE_METRICS),
        "analysis": Reads(evaluation.RECOMMENDATION_ANALYSIS),
    },
    kinds=["matplotlib"],
)
def model_comparison(
    context: dg.AssetExecutionContext, metrics: pl.DataFrame, analysis: pl.DataFrame
) -> pl.DataFrame:
    """The models beside each other at the newest judged cut-off, each against popularity."""
    table = comparison.model_comparison(metrics)
    plot(context, evaluation.MODEL_COMPARISON, plots.comparison_figure(table))
    newest = analysis.filter(pl.col("cutoff") == table["cutoff"].max())
    plot(
        context,
        evaluation.MODEL_COMPARISON,
        plots.beyond_accuracy_figure(newest),
        name="beyond_accuracy",
    )
    return table


ASSETS = (offline_metrics, recommendation_analysis, replay_validation, model_comparison)
