"""`evaluation/pairwise_comparison`: every model against every other at one cut-off.

Belongs here: the table and its verdicts. Does not belong here: the tests (`statistics/paired.py`).
"""

from itertools import combinations

import numpy as np
import polars as pl

from persona_assets.evaluation.evaluated_week import EvaluatedWeek
from persona_assets.evaluation.metrics import PRIMARY, PRIMARY_K
from persona_assets.statistics.multiple_testing import holm
from persona_assets.statistics.paired import paired_tests
from persona_assets.tables.evaluation import PAIRWISE_COMPARISON

COMPARED = ((PRIMARY, PRIMARY_K), ("recall", PRIMARY_K))
"""What models are compared by: the deciding metric, and the simplest one beside it."""

SIGNIFICANT = 0.05
"""Chance of calling any pair of equal models different, over all pairs of a cut-off and metric."""


def pairwise_comparison(evaluated: EvaluatedWeek, *, seed: int) -> pl.DataFrame:
    """Test all pairs of models on the users of the evaluated week.

    A model is `better` (`worse`) than the other where the p-value is below 0.05 after Holm's
    correction over all pairs of the metric. Intervals are not corrected: one may exclude 0 where
    the verdict is `not distinguishable`.

    Args:
        evaluated: the week from the cut-off. The oracle is not compared.
        seed: of the resamples and the flips.

    Returns:
        rows of `evaluation/pairwise_comparison`, sorted by its key; none for fewer than two models
        or without users to evaluate on.
    """
    users = len(evaluated.warm.rows)
    names = list(evaluated.warm.values)
    pairs = [
        (names.index(one), names.index(other)) for one, other in combinations(evaluated.rivals, 2)
    ]
    if not pairs or not users:
        return PAIRWISE_COMPARISON.empty()
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    differences = [
        values[:, first] - values[:, second]
        for values in (evaluated.warm.column(metric, k) for metric, k in COMPARED)
    ]
    tests = paired_tests(np.hstack(differences), seed)
    rows = []
    for place, (metric, k) in enumerate(COMPARED):
        of_metric = tests[place * len(pairs) : (place + 1) * len(pairs)]
        adjusted = holm([test.p_value for test in of_metric])
        rows += [
            {
                "cutoff": evaluated.cutoff,
                "model": names[one],
                "other": names[other],
                "metric": metric,
                "k": k,
                **test._asdict(),
                "minimum_detectable": test.minimum_detectable if users > 1 else None,
                "adjusted_p_value": p_value,
                "users": users,
                "verdict": _verdict(test.difference, p_value),
            }
            for (one, other), test, p_value in zip(pairs, of_metric, adjusted, strict=True)
        ]
    return pl.DataFrame(rows, schema=PAIRWISE_COMPARISON.polars_schema, orient="row").sort(
        PAIRWISE_COMPARISON.key
    )


def _verdict(difference: float, adjusted_p_value: float) -> str:
    if adjusted_p_value >= SIGNIFICANT:
        return "not distinguishable"
    return "better" if difference > 0 else "worse"
