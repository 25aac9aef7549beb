"""`evaluation/replay_validation` and `evaluation/model_comparison`: models against each other.

Belongs here: reading `evaluation/offline_metrics` across cut-offs and drawing the verdict. Does not
belong here: computing metrics (`offline.py`) or drawing them (`evaluation_plots.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from persona_assets.errors import InsufficientDataError
from persona_assets.evaluation.offline import BASELINE
from persona_assets.evaluation.oracle import ORACLE
from persona_assets.skipped import Skipped
from persona_assets.statistics.multiple_testing import holm
from persona_assets.tables.evaluation import MODEL_COMPARISON, REPLAY_VALIDATION

SIGNIFICANT = 0.05
"""Chance that a week in which every model equals popularity shows a verdict on any, per metric."""

NOTHING_EVALUATED = "no week has been evaluated: evaluation/offline_metrics has no rows"


def replay_validation(offline_metrics: pl.DataFrame) -> pl.DataFrame:
    """All evaluated cut-offs, beside each model's summary over the cut-offs it was evaluated at.

    `wins` counts cut-offs with a higher value than popularity's, however small the lead: chance
    shows in the count itself (a model no better wins about half of the weeks). `std` is the sample
    standard deviation, over cut-offs.

    Args:
        offline_metrics: rows of `evaluation/offline_metrics`, any number of cut-offs.

    Returns:
        rows of `evaluation/replay_validation`, sorted by its key.

    Raises:
        InsufficientDataError: nothing was evaluated yet.
    """
    _refuse_empty(offline_metrics)
    series = ["model", "metric", "k"]
    # Sorted first: the order in which floats are added must not depend on the order of the rows.
    summary = (
        offline_metrics.sort("cutoff")
        .group_by(series)
        .agg(
            mean=pl.col("value").mean(),
            std=pl.col("value").std(ddof=1),
            cutoffs=pl.len().cast(pl.Int64),
            wins=(pl.col("lift") > 0).sum().cast(pl.Int64),
        )
    )
    return (
        offline_metrics.join(summary, on=series)
        .select(REPLAY_VALIDATION.polars_schema.names())
        .sort(REPLAY_VALIDATION.key)
    )


def model_comparison(offline_metrics: pl.DataFrame) -> pl.DataFrame:
    """The newest evaluated cut-off, with the verdict on each model.

    A model is `better` (`worse`) where its lift is above (below) 0 with p < 0.05 after Holm's
    correction over the models of the week, for each metric and length: a week in which all models
    equal popularity shows a false verdict on any of them in at most 5 % of cases. Intervals are not
    corrected: one may exclude 0 where the verdict is `not distinguishable`.

    Args:
        offline_metrics: rows of `evaluation/offline_metrics`, any number of cut-offs.

    Returns:
        rows of `evaluation/model_comparison`, sorted by its key.

    Raises:
        InsufficientDataError: nothing was evaluated yet.
    """
    _refuse_empty(offline_metrics)
    verdict = (
        pl.when(pl.col("model") == BASELINE)
        .then(pl.lit("baseline"))
        .when(pl.col("model") == ORACLE)
        .then(pl.lit("ceiling"))
        .when(pl.col("adjusted") >= SIGNIFICANT)
        .then(pl.lit("not distinguishable"))
        .when(pl.col("lift") > 0)
        .then(pl.lit("better"))
        .otherwise(pl.lit("worse"))
    )
    newest = offline_metrics.filter(pl.col("cutoff") == pl.col("cutoff").max())
    return (
        with_adjusted_p_values(newest)
        .with_columns(against_popularity=verdict)
        .select(MODEL_COMPARISON.polars_schema.names())
        .sort(MODEL_COMPARISON.key)
    )


def with_adjusted_p_values(week: pl.DataFrame) -> pl.DataFrame:
    """`adjusted` beside the rows: p-values after Holm's correction over the models of a metric.

    Args:
        week: rows of `evaluation/offline_metrics` of one cut-off; baseline and oracle are no test.
    """
    tested = ~pl.col("model").is_in([BASELINE, ORACLE])
    parts = [
        of_metric.with_columns(
            adjusted=pl.Series(holm(of_metric["lift_p_value"].to_list()), dtype=pl.Float64)
        )
        for of_metric in week.filter(tested).sort("model").partition_by("metric", "k")
    ]
    rest = week.filter(~tested).with_columns(adjusted=pl.lit(1.0))
    return pl.concat([rest, *parts])


def left_out(unevaluated: Sequence[Skipped], comparison: pl.DataFrame) -> tuple[Skipped, ...]:
    """The models that could not be compared, and why.

    Args:
        unevaluated: what `evaluation/offline_metrics` lacks: its parts are models.
        comparison: rows of `evaluation/model_comparison`.
    """
    cutoff = newest_evaluated(comparison)
    return tuple(
        replace(each, partition=None)
        for each in unevaluated
        if each.part and each.partition == cutoff
    )


def newest_evaluated(comparison: pl.DataFrame) -> date:
    """The cut-off that the models were compared at.

    Args:
        comparison: rows of `evaluation/model_comparison`.

    Raises:
        InsufficientDataError: no week was evaluated yet.
    """
    if comparison.is_empty():
        raise InsufficientDataError(NOTHING_EVALUATED)
    newest: date = comparison["cutoff"][0]
    return newest


def _refuse_empty(offline_metrics: pl.DataFrame) -> None:
    if offline_metrics.is_empty():
        raise InsufficientDataError(NOTHING_EVALUATED)
