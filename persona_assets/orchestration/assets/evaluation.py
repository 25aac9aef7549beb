"""Group `evaluation`: how good the lists are, week by week and model beside model."""

from collections.abc import Callable, Sequence
from datetime import date

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.evaluation import (
    beyond_accuracy,
    cold_start,
    comparison,
    evaluation_plots,
    offline,
    pairwise,
    segments,
)
from persona_assets.evaluation.evaluated_week import evaluate_week
from persona_assets.evaluation.oracle import with_oracle
from persona_assets.evaluation.staleness import RANKS_READ, metrics_by_training_age
from persona_assets.orchestration.outputs import selected_tables
from persona_assets.orchestration.partitions import EVALUATED, SAME, THROUGH_EVALUATED_WEEK
from persona_assets.orchestration.plot_asset import plot
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.table_asset import Reads, table_asset
from persona_assets.orchestration.weekly import at, tables_of_each_cutoff
from persona_assets.skipped import Computed, Partial, attempt
from persona_assets.tables import evaluation, features, mart, raw
from persona_assets.tables.models import TOP_K
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS
from persona_assets.transforms.attribute_history import as_known_at, newest

_EVALUATING = (
    "event_date", "user_id", "product_id", "event_type", "event_ts", "arrived_at", "weight",
)  # fmt: skip
_INTERACTIONS = Reads(mart.USER_ITEM_INTERACTIONS, THROUGH_EVALUATED_WEEK, _EVALUATING)


_EVALUATED_WEEK = (
    evaluation.OFFLINE_METRICS,
    evaluation.RECOMMENDATION_ANALYSIS,
    evaluation.SEGMENT_METRICS,
    evaluation.PAIRWISE_COMPARISON,
    evaluation.COLD_START,
)


@table_asset(
    *_EVALUATED_WEEK,
    no_rows="nobody known before the cut-off can be evaluated in the week from it",
    partitions=EVALUATED,
    reads={
        "lists": Reads(TOP_K, SAME),
        "interactions": _INTERACTIONS,
        "embeddings": Reads(features.ITEM_EMBEDDINGS, SAME),
        "customer_segments": Reads(CUSTOMER_SEGMENTS, SAME, ("cutoff", "user_id", "name")),
        "users": Reads(raw.USER_HISTORY),
        "products": Reads(raw.PRODUCT_HISTORY),
    },
    settings=["exclude", "hash_key", "seed", "top_k"],
    can_subset=True,
)
def evaluated_week(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    lists: nw.LazyFrame,
    interactions: pl.DataFrame,
    embeddings: pl.DataFrame,
    customer_segments: pl.DataFrame,
    users: pl.DataFrame,
    products: pl.DataFrame,
) -> Sequence[Partial[pl.DataFrame]]:
    """Lists evaluated on the seven days from their cut-off: as a whole, by segment, pair by pair.

    The hits are found once, for as many of the tables as are selected; from them come the accuracy
    metrics at 5, 10 and 20 with intervals, what accuracy does not see (coverage,
    diversity, novelty, serendipity, popularity, inequality), the metrics per segment of users, and
    the paired tests between all models. Beside them stands what no model could know: the week's new
    users and products. In a synthetic shop an oracle that ranks by the true tastes is evaluated
    too, under the name `planted_optimum`.
    """
    engine, settings = lake.store.engine, shop.settings
    truth = shop.planted_truth(newest(users, "user_id"), newest(products, "product_id"))
    countries = segments.countries(users, shop.hash_key)

    unlisted = lake.skipped(TOP_K)
    wanted = selected_tables(context, _EVALUATED_WEEK)

    def tables(cutoff: date) -> list[Partial[pl.DataFrame]]:
        shown = engine.collect(at(lists, cutoff))
        if truth is not None:
            shown = with_oracle(
                shown,
                truth,
                interactions,
                k=settings.top_k,
                cutoff=cutoff,
                exclude=settings.exclude,
            )
        evaluated = evaluate_week(shown, interactions, cutoff=cutoff, exclude=settings.exclude)
        catalogue = as_known_at(products, cutoff)
        untrained = tuple(each for each in unlisted if each.partition == cutoff)
        makers: dict[str, Callable[[], Computed[pl.DataFrame]]] = {
            evaluation.OFFLINE_METRICS.path: lambda: offline.offline_metrics(evaluated),
            evaluation.RECOMMENDATION_ANALYSIS.path: lambda: (
                beyond_accuracy.recommendation_analysis(evaluated, catalogue, embeddings=embeddings)
            ),
            evaluation.SEGMENT_METRICS.path: lambda: segments.segment_metrics(
                evaluated,
                interactions,
                catalogue,
                as_known_at(countries, cutoff),
                customer_segments,
            ),
            evaluation.PAIRWISE_COMPARISON.path: lambda: pairwise.pairwise_comparison(
                evaluated, seed=settings.seed
            ),
            evaluation.COLD_START.path: lambda: cold_start.cold_start(interactions, cutoff=cutoff),
        }
        made = {table.path: attempt(makers[table.path], table.empty()) for table in wanted}
        if evaluation.OFFLINE_METRICS.path in made:
            metrics = made[evaluation.OFFLINE_METRICS.path]
            made[evaluation.OFFLINE_METRICS.path] = metrics.also(untrained)
        return [made[table.path] for table in wanted]

    return tables_of_each_cutoff(context, lake, wanted, tables)


@table_asset(
    evaluation.REPLAY_VALIDATION,
    reads={"metrics": Reads(evaluation.OFFLINE_METRICS)},
    kinds=["matplotlib"],
)
def replay_validation(
    context: dg.AssetExecutionContext, lake: Lake, metrics: pl.DataFrame
) -> pl.DataFrame:
    """Every model's metrics at all evaluated cut-offs: how stable they are from week to week."""
    table = comparison.replay_validation(metrics)
    plot(context, lake, evaluation.REPLAY_VALIDATION, evaluation_plots.replay_figure(table))
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
    context: dg.AssetExecutionContext,
    lake: Lake,
    metrics: pl.DataFrame,
    analysis: pl.DataFrame,
) -> Partial[pl.DataFrame]:
    """The models at the newest evaluated cut-off, each compared with popularity."""
    table = comparison.model_comparison(metrics)
    plot(context, lake, evaluation.MODEL_COMPARISON, evaluation_plots.comparison_figure(table))
    newest = analysis.filter(pl.col("cutoff") == table["cutoff"].max())
    if newest.height:
        plot(
            context,
            lake,
            evaluation.MODEL_COMPARISON,
            evaluation_plots.beyond_accuracy_figure(newest),
            name="beyond_accuracy",
        )
    untrained = lake.skipped(evaluation.OFFLINE_METRICS)
    return Partial(table, comparison.left_out(untrained, table))


@table_asset(
    evaluation.STALENESS,
    no_rows="in no evaluated week did a known user interact with a product that lists may hold",
    reads={
        "evaluated": Reads(evaluation.OFFLINE_METRICS, columns=("cutoff",)),
        "lists": Reads(TOP_K),
        "interactions": Reads(
            mart.USER_ITEM_INTERACTIONS, columns=_EVALUATING, until=evaluation.OFFLINE_METRICS
        ),
    },
    kinds=["matplotlib"],
    settings=["exclude"],
)
def staleness(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    evaluated: pl.DataFrame,
    lists: nw.LazyFrame,
    interactions: pl.DataFrame,
) -> pl.DataFrame:
    """How lists age: the newest weeks, each evaluated with trainings one to four weeks old."""
    settings = shop.settings
    engine = lake.store.engine
    table = metrics_by_training_age(
        evaluated["cutoff"].unique().to_list(),
        lambda cutoff: engine.collect(at(lists, cutoff).filter(nw.col("rank") <= RANKS_READ)),
        interactions,
        exclude=settings.exclude,
    )
    if table.height:
        plot(context, lake, evaluation.STALENESS, evaluation_plots.staleness_figure(table))
    return table


ASSETS = (evaluated_week, replay_validation, model_comparison, staleness)
