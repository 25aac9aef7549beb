"""One model on one split: learn, score every product for every evaluated user, count the hits.

Belongs here: bringing a model and a split together. Does not belong here: choosing parameters
(`recipe.py`) or metrics themselves (`evaluation/metrics.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.evaluation.benchmark.stages import Stages
from persona_assets.evaluation.hits import Hits, hits_of_scores
from persona_assets.evaluation.metrics import METRICS
from persona_assets.evaluation.splits import PAIR, Split
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.protocol import Recommender
from persona_assets.statistics.intervals import mean_interval


@dataclass(frozen=True)
class Interval:
    """A mean over users, and its 95 % interval."""

    value: float
    low: float
    high: float


def learn(model: Recommender, split: Split) -> pl.DataFrame:
    """The artefact of `model` from the split's rows to learn from."""
    return model.fit(Interactions.whole(split.train))


def hits(
    model: Recommender, artefact: pl.DataFrame, split: Split, *, depth: int, most: int | None = None
) -> Hits:
    """Where the truth stands in the full ranking of every product the model knows.

    Truth that the model does not know (products nobody interacted with before) counts as missed.

    Args:
        model: that learned the artefact.
        artefact: what it learned.
        split: the question.
        depth: ranks that metrics look at.
        most: evaluate only so many users, those whose names sort first; None: all.
    """
    users = split.truth["user_id"].unique().sort()
    if most is not None:
        users = users.head(most)
    truth = split.truth.join(users.to_frame(), on="user_id", how="semi")
    history = split.history.join(users.to_frame(), on="user_id", how="semi")
    scorer = model.scorer(artefact, users.to_list(), histories=history)
    rows, columns = _numbers(truth, users, scorer.products)
    totals = truth.join(users.to_frame().with_row_index("row"), on="user_id")["row"]
    return hits_of_scores(
        scorer.scores_of,
        (rows, columns),
        _numbers(split.excluded, users, scorer.products),
        totals=np.bincount(totals.to_numpy(), minlength=len(users)),
        products=len(scorer.products),
        depth=depth,
    )


def _numbers(
    pairs: pl.DataFrame, users: pl.Series, products: pl.Series
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each pair whose user and product are known, by row and column."""
    numbered = (
        pairs.select(PAIR)
        .join(users.to_frame().with_row_index("row"), on="user_id")
        .join(products.alias("product_id").to_frame().with_row_index("column"), on="product_id")
        .sort("row", "column")
    )
    return (
        numbered["row"].cast(pl.Int64).to_numpy(),
        numbered["column"].cast(pl.Int64).to_numpy(),
    )


def measured(
    found: Hits, ks: Sequence[int], *, only: NDArray[np.bool_] | None = None
) -> dict[str, Interval]:
    """Every metric at every k, by names such as `recall@10`.

    Args:
        found: the hits.
        ks: lengths of the lists.
        only: users to measure by; None: all.
    """
    names = [f"{metric}@{k}" for metric in METRICS for k in ks]
    values = np.column_stack([metric(found, k) for metric in METRICS.values() for k in ks])
    if only is not None:
        values = values[only]
    low, high = mean_interval(values)
    means = values.mean(axis=0)
    return {
        name: Interval(float(means[at]), float(low[at]), float(high[at]))
        for at, name in enumerate(names)
    }


@dataclass(frozen=True)
class Quality:
    """How good a model is on a split: over all users, and for each kind of truth apart."""

    hits: Hits
    overall: Mapping[str, Interval]
    by_kind: Mapping[str, Mapping[str, Interval]]


def evaluate(model: Recommender, split: Split, ks: Sequence[int], *, stages: Stages) -> Quality:
    """Learn, rank and measure."""
    with stages.stage("fit"):
        artefact = learn(model, split)
    with stages.stage("score"):
        found = hits(model, artefact, split, depth=max(ks))
    with stages.stage("metrics"):
        kinds = {
            kind: measured(found, ks, only=users)
            for kind, users in _users_by_kind(split.truth).items()
        }
        return Quality(found, measured(found, ks), kinds)


def _users_by_kind(truth: pl.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Which users, in their order, are asked about each kind alone."""
    if "kind" not in truth.columns:
        return {}
    of_user = truth.group_by("user_id").agg(pl.col("kind").unique()).sort("user_id")["kind"]
    alone = pl.select(pl.when(of_user.list.len() == 1).then(of_user.list.first())).to_series()
    kinds = alone.unique().drop_nulls().sort()
    return {str(kind): (alone == kind).fill_null(False).to_numpy() for kind in kinds}
