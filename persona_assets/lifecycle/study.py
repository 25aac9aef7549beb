"""A study: the trials of one model on one validation week, as rows of `models/tuning_trials`.

Belongs here: running trials, naming studies, keeping and finding them. Does not belong here: what
to try next (`search.py`), evaluating (`evaluator.py`) or putting a result to use
(`configurations.py`).
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.calendar import EVALUATED_DAYS
from persona_assets.errors import DataError, PersonaError, UserError
from persona_assets.lake import DeltaStore
from persona_assets.lake.content_hash import content_hash
from persona_assets.lifecycle.append import append, held
from persona_assets.lifecycle.evaluator import MEASURED, Evaluator, interval
from persona_assets.lifecycle.search import Changes, search
from persona_assets.lifecycle.validation import Week
from persona_assets.recommenders.protocol import NO_SIDE_INFORMATION, Recommender, SideInformation
from persona_assets.tables.lifecycle import TUNING_TRIALS

MOST_USERS = 5_000
"""Evaluated users of a trial: half the width of nDCG's interval is then near .006 (on the demo
shop, where 223 users give .03), and differences on the same users are told apart more finely
still."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Study:
    """What a study depends on besides data.

    Attributes:
        model: with its default configuration.
        trials: configurations to try at most.
        sampler: see `search`.
        seed: of everything random.
    """

    model: Recommender
    trials: int
    sampler: str
    seed: int

    def name(self, week: Week, side_information: SideInformation) -> str:
        """`<model>-<cut-off>-<digest>`: the same when the same study is run on the same data."""
        depends_on = [
            self.model.config.to_json(),
            {name: list(values) for name, values in self.model.space.items()},
            [self.trials, self.sampler, self.seed, week.exclude],
            [content_hash(frame) for frame in (week.known, week.relevant)],
            [
                None if each is None else content_hash(each)
                for each in (side_information.users, side_information.products)
            ],
        ]
        text = json.dumps(depends_on, sort_keys=True, default=str)
        digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
        return f"{self.model.name}-{_trained(week)}-{digest}"

    def run(
        self,
        week: Week,
        *,
        side_information: SideInformation = NO_SIDE_INFORMATION,
        told: Callable[[Row], None] = lambda row: None,
    ) -> pl.DataFrame:
        """Try configurations on `week`.

        A configuration that cannot be trained is a failed trial, unless it is the default: what
        keeps that one from being trained would keep all others.

        Args:
            week: validation week, of which at most `MOST_USERS` users are evaluated.
            side_information: user and item features that models may use.
            told: called with each row as it comes.

        Returns:
            Rows of `models/tuning_trials`; all but `seconds` are the same for the same arguments.

        Raises:
            UserError: see `search`.
            DataError: the default configuration cannot be trained.
        """
        evaluator = Evaluator(week.sampled(MOST_USERS, seed=self.seed), side_information)
        shared = dict.fromkeys(TUNING_TRIALS.polars_schema.names()) | {
            "study": self.name(week, side_information),
            "cutoff": _trained(week),
            "model": self.model.name,
            "sampler": self.sampler,
            "seed": self.seed,
            "users": len(evaluator.week.users),
        }
        rows: list[Row] = []
        default: list[NDArray[np.float64]] = []

        def worth(changes: Changes) -> float | None:
            began = time.perf_counter()
            row: Row = shared | {"trial": len(rows)}
            try:
                model = self.model.configured(**changes)
                values = evaluator.values(model)
            except PersonaError as error:
                if not default:
                    raise
                row |= {"parameters": json.dumps(changes, sort_keys=True), "error": str(error)}
            else:
                default[:] = default or [values]
                row |= {"parameters": model.config.to_json()}
                row |= _measured(values, default[0])
            differing = _differing(self.model, changes)
            row |= {"changes": json.dumps(differing, sort_keys=True)}
            row |= {"seconds": time.perf_counter() - began}
            rows.append(row)
            told(row)
            return None if row["ndcg"] is None else float(row["ndcg"])

        search(self.model, worth, trials=self.trials, sampler=self.sampler, seed=self.seed)
        return frame(rows)


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Rows of `models/tuning_trials` as a frame."""
    return pl.DataFrame(list(rows), schema=TUNING_TRIALS.polars_schema)


def keep(store: DeltaStore, trials: pl.DataFrame) -> None:
    """Write the trials; the same trials of the same study are replaced."""
    append(store, TUNING_TRIALS, trials)


def trial_of(store: DeltaStore, model: str, study: str, trial: int | None = None) -> Row:
    """The row of a trial; of the best of the study where none is named.

    The best has the highest nDCG@10; among equals the one that was tried first, and so the default
    before all others.

    Raises:
        UserError: the model has no such study, or the study no such trial that succeeded.
    """
    of_model = held(store, TUNING_TRIALS).filter(pl.col("model") == model)
    rows = of_model.filter(pl.col("study") == study)
    if rows.is_empty():
        known = ", ".join(of_model["study"].unique().sort()) or f"none; run `persona tune {model}`"
        raise UserError(f"{model} has no study {study!r}; its studies: {known}")
    succeeded = rows.filter(pl.col("error").is_null())
    if trial is None:
        return best(succeeded)
    asked = succeeded.filter(pl.col("trial") == trial)
    if asked.is_empty():
        raise UserError(
            f"study {study} has no trial {trial} that succeeded; its trials: "
            f"{', '.join(map(str, succeeded['trial'].sort()))}"
        )
    return asked.row(0, named=True)


def best(trials: pl.DataFrame) -> Row:
    """The best of the rows of a study, see `trial_of`.

    Raises:
        DataError: none succeeded.
    """
    succeeded = trials.filter(pl.col("ndcg").is_not_null())
    if succeeded.is_empty():
        raise DataError(f"{TUNING_TRIALS.path}: no trial of the study succeeded; run it again")
    return succeeded.sort(["ndcg", "trial"], descending=[True, False]).row(0, named=True)


def _trained(week: Week) -> date:
    """The cut-off that the validation week ends at."""
    return week.cutoff + timedelta(days=EVALUATED_DAYS)


def _measured(values: NDArray[np.float64], default: NDArray[np.float64]) -> Row:
    columns = dict(zip(MEASURED, values.T, strict=True)) | {"lift": values[:, 0] - default[:, 0]}
    row: Row = {}
    for name, of_users in columns.items():
        row[name], row[f"{name}_low"], row[f"{name}_high"] = interval(
            of_users, paired=name == "lift"
        )
    if values is default:  # trial 0 does not differ from itself, for certain
        row["lift_low"] = row["lift_high"] = 0.0
    return row


def _differing(model: Recommender, changes: Changes) -> Changes:
    return {name: value for name, value in changes.items() if value != getattr(model.config, name)}
