"""`evaluation/replay_validation` and `evaluation/model_comparison`: models against each other.

Belongs here: reading `evaluation/offline_metrics` across cut-offs and drawing the verdict. Does not
belong here: computing metrics (`offline.py`) or drawing them (`plots.py`).
"""

import polars as pl

from persona_assets.errors import DataError
from persona_assets.evaluation.ceiling import PLANTED_OPTIMUM
from persona_assets.evaluation.offline import BASELINE
from persona_assets.tables.evaluation import MODEL_COMPARISON, REPLAY_VALIDATION


def replay_validation(offline_metrics: pl.DataFrame) -> pl.DataFrame:
    """All judged cut-offs, beside each model's summary over the cut-offs it was judged at.

    `wins` counts cut-offs with a higher value than popularity's, however small the lead: chance
    shows in the count itself (a model no better wins about half of the weeks). `std` is the sample
    standard deviation, over cut-offs.

    Args:
        offline_metrics: rows of `evaluation/offline_metrics`, any number of cut-offs.

    Returns:
        rows of `evaluation/replay_validation`, sorted by its key.

    Raises:
        DataError: nothing was judged yet.
    """
    _refuse_empty(offline_metrics, "evaluation/replay_validation")
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
    """The newest judged cut-off, with the verdict on each model.

    A model is `better` (`worse`) where the 95 % interval of its lift lies above (below) 0. Each
    row is a verdict of its own: out of 40 models that equal popularity, about one will be called
    better and one worse.

    Args:
        offline_metrics: rows of `evaluation/offline_metrics`, any number of cut-offs.

    Returns:
        rows of `evaluation/model_comparison`, sorted by its key.

    Raises:
        DataError: nothing was judged yet.
    """
    _refuse_empty(offline_metrics, "evaluation/model_comparison")
    verdict = (
        pl.when(pl.col("model") == BASELINE)
        .then(pl.lit("baseline"))
        .when(pl.col("model") == PLANTED_OPTIMUM)
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


def _refuse_empty(offline_metrics: pl.DataFrame, table: str) -> None:
    if offline_metrics.is_empty():
        raise DataError(
            f"{table}: evaluation/offline_metrics has no rows; materialize at least one weekly "
            "partition of it first"
        )
