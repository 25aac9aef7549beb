"""Choosing a model's parameters on validation, the same way for every model and data set.

Belongs here: the walk over a model's `space`. Does not belong here: the spaces (each model has its
own) or longer searches over a home's data (`lifecycle/`).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from persona_assets.evaluation.benchmark.evaluation import hits, learn
from persona_assets.evaluation.metrics import ndcg
from persona_assets.evaluation.splits import Split
from persona_assets.recommenders.protocol import Recommender

SEARCH_USERS = 4_000
"""Users that one configuration is tried on: the standard error of nDCG is then about .003, and a
try costs a fraction of evaluating everyone."""

SEARCH_K = 10
"""Cut-off of the nDCG by which configurations are compared."""

LEAST_GAIN = 0.25
"""Standard errors of the paired difference by which a value must lead to replace the default. Among
many values some lead by chance; this keeps the walk at the defaults where nothing speaks against
them."""

Progress = Callable[[str], None]


def chosen(
    model: Recommender,
    validation: Split,
    *,
    parts: Mapping[str, Any],
    progress: Progress = lambda _: None,
) -> Recommender:
    """`model` with the configuration that its one recipe chooses on `validation`.

    From the default, field by field in the order of `space`, every value is tried and the best
    kept (coordinate search): a number of tries linear in the space. Values of fields that only
    matter in scoring are tried on one training.

    Args:
        model: with its default configuration.
        validation: the only rows that are looked at.
        parts: configurations already chosen for the models that this one is made of.
        progress: told what is being tried.
    """
    best = model.configured(**{name: parts[name] for name in model.searched_parts if name in parts})
    if not best.space:
        return best
    artefact = learn(best, validation)
    value = _quality(best, artefact, validation)
    for field, values in best.space.items():
        for candidate in values:
            if candidate == getattr(best.config, field):
                continue
            progress(f"{model.name}: {field} = {candidate}")
            trial = best.configured(**{field: candidate})
            learned = artefact if field in best.scoring_only else learn(trial, validation)
            quality = _quality(trial, learned, validation)
            gain = quality - value
            error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else 0.0
            if gain.mean() > LEAST_GAIN * error:
                best, artefact, value = trial, learned, quality
    return best


def _quality(model: Recommender, artefact: pl.DataFrame, validation: Split) -> np.ndarray:
    """The nDCG of each of the users that configurations are tried on."""
    return ndcg(hits(model, artefact, validation, depth=SEARCH_K, most=SEARCH_USERS), SEARCH_K)
