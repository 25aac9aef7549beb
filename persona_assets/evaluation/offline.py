"""`evaluation/offline_metrics`: every model's accuracy at one cut-off, with intervals.

Belongs here: putting truth, hits, metrics and intervals together into the table. Does not belong
here: any of those parts (one module each beside this one), or comparing cut-offs
(`comparison.py`).
"""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError
from persona_assets.evaluation.hits import Hits, hit_matrix
from persona_assets.evaluation.metrics import KS, METRICS
from persona_assets.evaluation.relevance import relevant_items
from persona_assets.evaluation.uncertainty import bootstrap_means, percentile_interval
from persona_assets.recommenders.exclusion import Exclusion
from persona_assets.tables.evaluation import OFFLINE_METRICS

BASELINE = "popularity"
"""The model that everything else must beat to be worth its while."""


def offline_metrics(
    top_k: pl.DataFrame,
    interactions: pl.DataFrame,
    *,
    cutoff: date,
    exclude: Exclusion,
    seed: int,
    baseline: str = BASELINE,
) -> pl.DataFrame:
    """Judge all lists made at `cutoff` on the seven days from it.

    All models are judged on the same users and by the same resamples of them, so lifts are paired.

    Args:
        top_k: rows of `recommendations/top_k`, `baseline` among the models; rows of other cut-offs
            are not looked at. The planted optimum, if there, is judged like any other model.
        interactions: rows of `mart/user_item_interactions`, before the cut-off and of the week.
        cutoff: first judged day.
        exclude: the rule that the lists were made with; see `relevance.relevant_items`.
        seed: of the bootstrap.
        baseline: model that lifts are measured against.

    Returns:
        rows of `evaluation/offline_metrics`, sorted by its key.

    Raises:
        DataError: no lists of the baseline, or nobody to judge by.
    """
    lists = {
        str(model): rows
        for (model,), rows in top_k.filter(pl.col("cutoff") == cutoff)
        .partition_by("model", as_dict=True)
        .items()
    }
    if baseline not in lists:
        raise DataError(
            f"evaluation/offline_metrics, cutoff {cutoff}: recommendations/top_k has no lists of "
            f"model {baseline!r}, against which the others are measured; materialize "
            f"recommendations/top_k of {baseline!r} for this cut-off"
        )
    relevant = relevant_items(interactions, cutoff=cutoff, exclude=exclude)
    if relevant.is_empty():
        raise DataError(
            f"evaluation/offline_metrics, cutoff {cutoff}: no user known before it touched a "
            f"relevant product in the seven days from it (exclude: {exclude!r}); choose an earlier "
            "cut-off, or materialize mart/user_item_interactions for those days"
        )
    values = {
        model: _per_user(hit_matrix(rows, relevant, depth=max(KS)))
        for model, rows in sorted(lists.items())
    }
    return (
        _table(values, baseline=baseline, seed=seed)
        .with_columns(
            cutoff=pl.lit(cutoff, dtype=pl.Date()),
            users=pl.lit(relevant["user_id"].n_unique(), dtype=pl.Int64()),
        )
        .select(OFFLINE_METRICS.polars_schema.names())
        .sort(OFFLINE_METRICS.key)
    )


def _per_user(hits: Hits) -> NDArray[np.float64]:
    """Users × (metric, k) in the order of `METRICS` and `KS`."""
    return np.column_stack([metric(hits, k) for metric in METRICS.values() for k in KS])


def _table(values: dict[str, NDArray[np.float64]], *, baseline: str, seed: int) -> pl.DataFrame:
    """Means, lifts and intervals: one row per model, metric and k."""
    width = len(METRICS) * len(KS)
    observed = np.concatenate([matrix.mean(axis=0) for matrix in values.values()])
    means = bootstrap_means(np.hstack(list(values.values())), seed=seed)
    start = list(values).index(baseline) * width
    against = np.tile(np.arange(start, start + width), len(values))
    low, high = percentile_interval(means)
    lift_low, lift_high = percentile_interval(means - means[:, against])
    names = [(model, metric, k) for model in values for metric in METRICS for k in KS]
    return pl.DataFrame(
        names, schema={"model": pl.String, "metric": pl.String, "k": pl.Int64}, orient="row"
    ).with_columns(
        value=pl.Series(observed),
        low=pl.Series(low),
        high=pl.Series(high),
        lift=pl.Series(observed - observed[against]),
        lift_low=pl.Series(lift_low),
        lift_high=pl.Series(lift_high),
    )
