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
from persona_assets.tables.evaluation import MODEL_COMPARISON, REPLAY_VALIDATION

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

    A model is `better` (`worse`) where the 95 % interval of its lift lies above (below) 0. Each
    row is a verdict of its own: out of 40 models that equal popularity, about one will be called
    better and one worse.

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
        .when(pl.col("lift_low") > 0)
        .then(pl.lit("better"))
        .when(pl.col("lift_high") < 0)
        .then(pl.lit("worse"))
        .otherwise(pl.lit("not distinguishable"))
    )
    return (
        offline_metrics.filter(pl.col("cutoff") == pl.col("cutoff").max())
        .with_columns(against_popularity=verdict)
        .select(MODEL_COMPARISON.polars_schema.names())
        .sort(MODEL_COMPARISON.key)
    )


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
