"""`evaluation/offline_metrics`: every model's accuracy at one cut-off, with intervals.

Belongs here: means over users and their intervals as a table. Does not belong here: the values per
user (`evaluated_week.py`) or comparing cut-offs (`comparison.py`).
"""

import numpy as np
import polars as pl

from persona_assets.errors import DataError, InsufficientDataError
from persona_assets.evaluation.evaluated_week import COLUMNS, EvaluatedWeek
from persona_assets.statistics.bootstrap import bootstrap_means, percentile_interval
from persona_assets.tables.evaluation import OFFLINE_METRICS

BASELINE = "popularity"
"""The model that everything else must beat to be worth its while."""


def offline_metrics(
    evaluated: EvaluatedWeek, *, seed: int, baseline: str = BASELINE
) -> pl.DataFrame:
    """Evaluate all lists made at a cut-off on the seven days from it.

    All models are evaluated on the same users and by the same resamples of them, so lifts are
    paired. Users who were not known before the cut-off are not among them.

    Args:
        evaluated: the week from the cut-off, `baseline` among its models. The oracle, if
            there, is evaluated like any other model.
        seed: of the bootstrap.
        baseline: model that lifts are measured against.

    Returns:
        rows of `evaluation/offline_metrics`, sorted by its key.

    Raises:
        InsufficientDataError: no users to evaluate on.
        DataError: no lists of the baseline.
    """
    cutoff, values = evaluated.cutoff, evaluated.warm.values
    if baseline not in values:
        raise DataError(
            f"evaluation/offline_metrics, cutoff {cutoff}: recommendations/top_k has no lists of "
            f"model {baseline!r}, against which the others are measured; materialize "
            f"recommendations/top_k of {baseline!r} for this cut-off"
        )
    users = len(evaluated.warm.rows)
    if not users:
        raise InsufficientDataError(
            "no user known before the cut-off interacted with a product that lists may hold in "
            "the seven days from it"
        )
    width = len(COLUMNS)
    observed = np.concatenate([matrix.mean(axis=0) for matrix in values.values()])
    means = bootstrap_means(np.hstack(list(values.values())), seed=seed)
    start = list(values).index(baseline) * width
    against = np.tile(np.arange(start, start + width), len(values))
    low, high = percentile_interval(means)
    lift_low, lift_high = percentile_interval(means - means[:, against])
    return (
        pl.DataFrame(
            [(model, metric, k) for model in values for metric, k in COLUMNS],
            schema={"model": pl.String, "metric": pl.String, "k": pl.Int64},
            orient="row",
        )
        .with_columns(
            value=pl.Series(observed),
            low=pl.Series(low),
            high=pl.Series(high),
            lift=pl.Series(observed - observed[against]),
            lift_low=pl.Series(lift_low),
            lift_high=pl.Series(lift_high),
            cutoff=pl.lit(cutoff, dtype=pl.Date()),
            users=pl.lit(users, dtype=pl.Int64()),
        )
        .select(OFFLINE_METRICS.polars_schema.names())
        .sort(OFFLINE_METRICS.key)
    )
