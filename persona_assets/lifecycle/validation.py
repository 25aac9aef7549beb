"""Weeks to evaluate configurations on: what a model may know, and what people did next.

Belongs here: cutting weeks out of the mart, so that nothing at or after a cut-off is looked at.
Does not belong here: making or evaluating lists (`evaluator.py`), or what counts as relevant
(`evaluation/relevance.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from persona_assets.calendar import EVALUATED_DAYS, HISTORY_DAYS
from persona_assets.errors import DataError, UserError
from persona_assets.evaluation.relevance import relevant_items
from persona_assets.lake import DeltaStore
from persona_assets.recommenders.exclusion import Exclusion, excluded_pairs
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.protocol import Task
from persona_assets.recommenders.sequences import HISTORY_SCHEMA
from persona_assets.tables.evaluation import OFFLINE_METRICS
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.models import REGISTRY
from persona_assets.transforms.history import known_before

COLUMNS = (
    "event_date", "user_id", "product_id", "event_type", "event_ts", "arrived_at", "session_id",
    "weight",
)  # fmt: skip
"""The columns of the mart that models and evaluation need."""


@dataclass(frozen=True, eq=False)
class Week:
    """A cut-off with the seven days from it.

    Attributes:
        cutoff: first evaluated day.
        known: rows of the mart that happened and arrived before the cut-off.
        relevant: `user_id, product_id` that lists should have held, of users known before.
        exclude: the rule that lists are made with.
    """

    cutoff: date
    known: pl.DataFrame
    relevant: pl.DataFrame
    exclude: Exclusion

    @cached_property
    def interactions(self) -> Interactions:
        """What models learn from before the week."""
        return Interactions(self.cutoff, self.known)

    @cached_property
    def users(self) -> list[str]:
        """The users on whom lists are evaluated, sorted."""
        return self.relevant["user_id"].unique().sort().to_list()

    @cached_property
    def excluded(self) -> pl.DataFrame:
        """`user_id, product_id` that lists leave out."""
        return excluded_pairs(self.known, cutoff=self.cutoff, exclude=self.exclude)

    @cached_property
    def histories(self) -> pl.DataFrame:
        """What is known of people, as `Recommender.recommend` takes it."""
        return self.known.select(HISTORY_SCHEMA.names())

    def sampled(self, most: int, *, seed: int) -> "Week":
        """The same week, evaluated on at most `most` users, drawn with `seed`.

        The draw depends on what users did and not on their identifiers, but for users whose
        interactions have the same times.
        """
        if len(self.users) <= most:
            return self
        ordered = (
            self.known.join(self.relevant, on="user_id", how="semi")
            .group_by("user_id")
            .agg(pl.len(), first=pl.col("event_ts").min(), last=pl.col("event_ts").max())
            .sort("first", "last", "len", "user_id")
        )
        drawn = np.random.default_rng(seed).choice(ordered.height, most, replace=False)
        chosen = ordered["user_id"].gather(np.sort(drawn)).to_frame()
        return replace(self, relevant=self.relevant.join(chosen, on="user_id", how="semi"))


def week(interactions: pl.DataFrame, *, cutoff: date, exclude: Exclusion) -> Week:
    """The week from `cutoff`, evaluated as `evaluation/offline_metrics` evaluates it.

    Args:
        interactions: rows of the mart; only those of the history's window and of the week are
            looked at.
        cutoff: first evaluated day.
        exclude: the rule that lists are made with.

    Raises:
        DataError: nothing is known before the week, or nobody known interacted with anything
            relevant.
    """
    rows = interactions.filter(
        pl.col("event_date") >= cutoff - timedelta(days=HISTORY_DAYS),
        pl.col("event_date") < cutoff + timedelta(days=EVALUATED_DAYS),
    )
    made = Week(
        cutoff,
        known_before(rows, cutoff),
        relevant_items(rows, cutoff=cutoff, exclude=exclude),
        exclude,
    )
    if made.relevant.is_empty():
        raise DataError(
            f"{USER_ITEM_INTERACTIONS.path}: {made.known.height} row(s) are known before {cutoff} "
            "and nobody known interacted with a relevant product in the seven days from it; "
            "materialize more days, or choose a later cut-off"
        )
    return made


def validation_week(interactions: pl.DataFrame, *, trained: date, exclude: Exclusion) -> Week:
    """The last week before the cut-off `trained`; rows from that cut-off on change nothing.

    Args:
        interactions: rows of the mart.
        trained: cut-off of a training.
        exclude: the rule that lists are made with.

    Raises:
        DataError: see `week`.
    """
    begin = trained - timedelta(days=EVALUATED_DAYS)
    return week(known_before(interactions, trained), cutoff=begin, exclude=exclude)


def newest_trained(store: DeltaStore) -> date:
    """The newest cut-off for which models were trained.

    Raises:
        UserError: there is none.
    """
    trained = store.partition_rows(REGISTRY) if store.exists(REGISTRY) else {}
    if not trained:
        raise UserError(
            f"no week was trained in the lake {store.root}: {REGISTRY.path} has no rows; run "
            "`persona run`, or materialize a weekly partition of the models, first"
        )
    return date.fromisoformat(max(trained))


def evaluated_cutoffs(store: DeltaStore, most: int) -> list[date]:
    """The newest `most` evaluated cut-offs, oldest first.

    Raises:
        UserError: there is none.
    """
    evaluated = store.partition_rows(OFFLINE_METRICS) if store.exists(OFFLINE_METRICS) else {}
    if not evaluated:
        raise UserError(
            f"no week was evaluated in the lake {store.root}: {OFFLINE_METRICS.path} has no rows; "
            "run `persona run`, or materialize a weekly partition of it, first"
        )
    return [date.fromisoformat(key) for key in sorted(evaluated)[-most:]]


def interactions_for(store: DeltaStore, cutoffs: Sequence[date]) -> pl.DataFrame:
    """Rows of the mart with which the weeks from `cutoffs` can be trained and evaluated."""
    first = min(cutoffs) - timedelta(days=HISTORY_DAYS)
    days = (max(cutoffs) - first).days + EVALUATED_DAYS
    return store.read(
        USER_ITEM_INTERACTIONS,
        [first + timedelta(days=day) for day in range(days)],
        columns=COLUMNS,
    )


def weekly_task(exclude: Exclusion) -> Task:
    """How weekly lists are evaluated: any interaction within seven days."""
    return Task(
        horizon=timedelta(days=EVALUATED_DAYS),
        unseen=exclude == "seen",
        heaviest_barred=exclude == "bought",
    )
