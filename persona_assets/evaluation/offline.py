"""`evaluation/offline_metrics`: every model's accuracy at one cut-off, with intervals.

Belongs here: means over users and their intervals as a table. Does not belong here: the values per
user (`evaluated_week.py`) or comparing cut-offs (`comparison.py`).
"""

import numpy as np
import polars as pl

from persona_assets.errors import DataError, InsufficientDataError
from persona_assets.evaluation.evaluated_week import COLUMNS, EvaluatedWeek
from persona_assets.statistics.intervals import (
    difference_interval,
    difference_p_values,
    mean_interval,
)
from persona_assets.tables.evaluation import OFFLINE_METRICS

BASELINE = "popularity"
"""The model that everything else must beat to be worth its while."""


def offline_metrics(evaluated: EvaluatedWeek, *, baseline: str = BASELINE) -> pl.DataFrame:
    """Evaluate all lists made at a cut-off on the seven days from it.

    All models are evaluated on the same users, so lifts are paired. Users who were not known before
    the cut-off are not among them.

    Args:
        evaluated: the week from the cut-off, `baseline` among its models. The oracle, if
            there, is evaluated like any other model.
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
    together = np.hstack(list(values.values()))
    observed = together.mean(axis=0)
    start = list(values).index(baseline) * width
    against = np.tile(np.arange(start, start + width), len(values))
    differences = together - together[:, against]
    low, high = mean_interval(together)
    lift_low, lift_high = difference_interval(differences)
    own = np.repeat([model == baseline for model in values], width)
    # The baseline's difference to itself is 0 for certain.
    lift_low, lift_high = np.where(own, 0.0, lift_low), np.where(own, 0.0, lift_high)
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
            lift_p_value=pl.Series(np.where(own, 1.0, difference_p_values(differences))),
            cutoff=pl.lit(cutoff, dtype=pl.Date()),
            users=pl.lit(users, dtype=pl.Int64()),
        )
        .select(OFFLINE_METRICS.polars_schema.names())
        .sort(OFFLINE_METRICS.key)
    )
