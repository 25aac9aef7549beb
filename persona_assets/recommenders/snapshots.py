"""Training examples for a ranker without leakage: what was known at an instant, and what came next.

Belongs here: cutting rows into a known part and its labels. Does not belong here: candidates
(`candidates.py`), features (`ranking_features.py`) or the model that learns from them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

PAIR = ("user_id", "product_id")


@dataclass(frozen=True)
class Goal:
    """What makes a product the right answer; the same as in `protocol.Task`.

    Attributes:
        horizon: how long after the instant an interaction counts; None: the user's next interaction
            counts.
        target_weight: weight from which an event counts; 0: every interaction.
        unseen: whether a product that the user interacted with before is no answer.
        barred_weight: weight from which an earlier event makes its product no answer; 0: none.
    """

    horizon: timedelta | None
    target_weight: float
    unseen: bool
    barred_weight: float = 0.0


@dataclass(frozen=True)
class Snapshot:
    """An instant of the past: statistics and histories come from `known` alone.

    Attributes:
        known: rows that had happened and, if the instant is everybody's, had arrived.
        labels: pairs `user_id, product_id` that came next, of users with a known row.
    """

    known: pl.DataFrame
    labels: pl.DataFrame


def snapshots(rows: pl.DataFrame, goal: Goal, most: int) -> Iterator[Snapshot]:
    """Snapshots that have a label, the latest first, one at a time.

    Without a horizon, snapshot k cuts each user before the k-th last instant at which the user
    reached a product for the first time; what was reached at that instant is the label. Users with
    fewer such instants are not in the snapshot if every interaction counts: nothing is left of
    them.

    If only stronger events count, it asks as `evaluation.splits.funnel` does: of the products that
    reached the target at that instant, the one first interacted with last is the label (and those
    interacted with at the same time as it), all of its rows are taken away, and everything of the
    user after the instant; the rest of a basket is known. All rows of users without such an instant
    are known.

    With a horizon h, snapshot k lies at the newest row − k · h for everybody; labels are what is
    reached within h after it.

    Args:
        rows: of `mart/user_item_interactions`, all of which may be known at the end.
        goal: how the lists will be evaluated.
        most: instants that are looked at.
    """
    positive = rows.filter(pl.col("weight") > 0)
    reached = (
        positive.filter(pl.col("weight") >= goal.target_weight)
        .group_by(PAIR)
        .agg(reached=pl.col("event_ts").min())
        .join(positive.group_by(PAIR).agg(first=pl.col("event_ts").min()), on=PAIR)
    )
    if goal.horizon is not None:
        cut = _by_time
    else:
        cut = _by_target if goal.target_weight > 0 else _by_interaction
    for back in range(1, most + 1):
        snapshot = cut(positive, reached, goal, back)
        if not snapshot.labels.is_empty():
            yield snapshot


def _reached_at(reached: pl.DataFrame, back: int) -> pl.DataFrame:
    """Pairs reached at each user's instant that is the `back`-th last."""
    instant = pl.col("reached").rank("dense", descending=True).over("user_id")
    return reached.filter(instant == back)


def _by_interaction(
    positive: pl.DataFrame, reached: pl.DataFrame, goal: Goal, back: int
) -> Snapshot:
    answers = _reached_at(reached, back)
    cuts = answers.select("user_id", cut="reached").unique()
    known = positive.join(cuts, on="user_id").filter(pl.col("event_ts") < pl.col("cut")).drop("cut")
    return Snapshot(known, _labels(answers, known, goal))


def _by_target(positive: pl.DataFrame, reached: pl.DataFrame, goal: Goal, back: int) -> Snapshot:
    answers = _reached_at(reached, back).filter(
        pl.col("first") == pl.col("first").max().over("user_id")
    )
    cuts = answers.select("user_id", cut="reached").unique()
    known = (
        positive.join(cuts, on="user_id", how="left")
        .filter(pl.col("cut").is_null() | (pl.col("event_ts") <= pl.col("cut")))
        .drop("cut")
        .join(answers, on=PAIR, how="anti")
    )
    return Snapshot(known, _labels(answers, known, goal))


def _by_time(positive: pl.DataFrame, reached: pl.DataFrame, goal: Goal, back: int) -> Snapshot:
    horizon = goal.horizon or timedelta()
    newest = pl.lit(positive["event_ts"].max(), dtype=pl.Datetime("us", "UTC"))
    cut = newest - horizon * back
    known = positive.filter(pl.col("event_ts") <= cut, pl.col("arrived_at") <= cut)
    answers = positive.filter(
        pl.col("event_ts") > cut,
        pl.col("event_ts") <= cut + horizon,
        pl.col("weight") >= goal.target_weight,
    ).unique(PAIR)
    return Snapshot(known, _labels(answers, known, goal))


def _labels(answers: pl.DataFrame, known: pl.DataFrame, goal: Goal) -> pl.DataFrame:
    """Answers of users who have a history, without what is left out of lists."""
    labels = answers.select(PAIR).join(known.select("user_id").unique(), on="user_id", how="semi")
    if goal.unseen or goal.barred_weight > 0:
        least = 0.0 if goal.unseen else goal.barred_weight
        barred = known.filter(pl.col("weight") >= least).select(PAIR).unique()
        labels = labels.join(barred, on=PAIR, how="anti")
    return labels.sort(PAIR)
