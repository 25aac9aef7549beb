"""The gate: whether a candidate's lists were better than the champion's, week after week.

Belongs here: the comparison of two sides over evaluated weeks and the verdict on it. Does not
belong
here: where lists come from or what follows from the verdict (`promotion.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import reduce
from typing import Any

import numpy as np
import polars as pl

from persona_assets.errors import UserError
from persona_assets.evaluation.beyond_accuracy import catalog_coverage
from persona_assets.evaluation.metrics import PRIMARY
from persona_assets.lifecycle.evaluator import K, values_of
from persona_assets.lifecycle.validation import Week
from persona_assets.statistics.paired import paired_test
from persona_assets.tables.models import FALLBACK_USER

METRIC = PRIMARY
SIGNIFICANT = 0.05
"""Of two models that are equally good, one in forty candidates is let through: the test is
two-sided, and only one side passes."""
COVERAGE_TOLERANCE = 0.05
"""Share of the champion's catalogue coverage that a candidate may lose. That of most models moves
by about as much from one week to the next on the synthetic shop; less would refuse for noise."""


@dataclass(frozen=True)
class GateComparison:
    """Candidate and champion compared over the same weeks.

    Attributes:
        against: name of the model that had to be beaten.
        metric: by which.
        weeks: evaluated cut-offs.
        users: people evaluated in at least one of them.
        candidate: mean of the metric, over users, each the mean of their weeks.
        champion: the same of the champion.
        difference: candidate less champion on the same people.
        low: lower end of its 95 % paired interval over people.
        high: upper end.
        p_value: of the two-sided sign-flip test over people that there is no difference.
        coverage: share of the products on sale that the candidate lists at 10, mean of the weeks.
        champion_coverage: the same of the champion.
        tolerance: share of the champion's coverage that may be lost.
    """

    against: str
    metric: str
    weeks: tuple[str, ...]
    users: int
    candidate: float
    champion: float
    difference: float
    low: float
    high: float
    p_value: float
    coverage: float
    champion_coverage: float
    tolerance: float

    def objections(self) -> list[str]:
        """Why the candidate may not pass, with the numbers; empty: it may."""
        found = []
        if not (self.difference > 0 and self.p_value < SIGNIFICANT):
            found.append(
                f"{self.metric} {self.candidate:.4f} against {self.champion:.4f} of "
                f"{self.against}: the difference {self.difference:+.4f} "
                f"[{self.low:+.4f}, {self.high:+.4f}] over {self.users} user(s) is not above 0 "
                f"beyond chance (p = {self.p_value:.3g}; below {SIGNIFICANT} is asked for)"
            )
        least = (1 - self.tolerance) * self.champion_coverage
        if self.coverage < least:
            found.append(
                f"it lists {self.coverage:.1%} of the products on sale, {self.against} "
                f"{self.champion_coverage:.1%}; at least {least:.1%} is asked for "
                f"(a loss of {self.tolerance:.0%})"
            )
        return found

    def summary(self) -> str:
        """The comparison in a line."""
        return (
            f"{self.metric} {self.candidate:.4f} against {self.champion:.4f} of {self.against}, "
            f"difference {self.difference:+.4f} [{self.low:+.4f}, {self.high:+.4f}] over "
            f"{self.users} users and {len(self.weeks)} week(s); lists {self.coverage:.1%} of the "
            f"products on sale against {self.champion_coverage:.1%}"
        )

    def as_dict(self) -> dict[str, Any]:
        """The numbers as `models/promotions` keeps them."""
        return asdict(self)


Lists = Mapping[date, pl.DataFrame]
"""Evaluated cut-off → rows of `recommendations/top_k` of one model, for everyone known by then."""


def measure(
    weeks: Sequence[Week], candidate: Lists, champion: Lists, *, against: str, seed: int
) -> GateComparison:
    """Evaluate both models on the same people over the same weeks.

    A person counts once, with the mean over the weeks in which they did something to evaluate lists
    on: weeks of one person are not independent, people are.

    Args:
        weeks: evaluated weeks.
        candidate: its lists, of every week.
        champion: lists of the other.
        against: name of the champion.
        seed: of the sign flips.

    Raises:
        UserError: there is no week.
        DataError: lists are not well-formed.
    """
    if not weeks:
        raise UserError("there is no evaluated week to compare by; run `persona run` first")
    sides = (candidate, champion)
    values = [
        pl.concat(
            [
                pl.DataFrame(
                    {"user_id": week.users, "value": values_of(side[week.cutoff], week)[:, 0]}
                )
                for week in weeks
            ]
        )
        .group_by("user_id", maintain_order=True)
        .agg(pl.col("value").mean())
        .sort("user_id")["value"]
        .to_numpy()
        for side in sides
    ]
    test = paired_test(values[0], values[1], seed)
    coverages = [
        float(np.mean([coverage(side[week.cutoff], week) for week in weeks])) for side in sides
    ]
    return GateComparison(
        against=against,
        metric=f"{METRIC}@{K}",
        weeks=tuple(week.cutoff.isoformat() for week in weeks),
        users=len(reduce(set.union, (set(week.users) for week in weeks))),
        candidate=float(values[0].mean()),
        champion=float(values[1].mean()),
        difference=test.difference,
        low=test.low,
        high=test.high,
        p_value=test.p_value,
        coverage=coverages[0],
        champion_coverage=coverages[1],
        tolerance=COVERAGE_TOLERANCE,
    )


def coverage(lists: pl.DataFrame, week: Week) -> float:
    """`catalog_coverage` of `evaluation/recommendation_analysis` at K, of one model's lists."""
    on_sale = week.known.select("product_id").unique()
    shown = (
        lists.filter(pl.col("user_id") != FALLBACK_USER, pl.col("rank") <= K)
        .group_by("product_id")
        .len("exposure")
    )
    exposure = on_sale.join(shown, on="product_id", how="left")["exposure"].fill_null(0)
    return catalog_coverage(exposure.cast(pl.Int64).to_numpy())
