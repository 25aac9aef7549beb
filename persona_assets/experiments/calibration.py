"""How often the verdict is right, where the truth is known.

Belongs here: repeating a simulated experiment many times and counting verdicts, intervals and
alarms against the planted truth. Does not belong here: a single experiment (`simulator.py`,
`analysis.py`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from persona_assets.experiments.analysis import PRIMARY, against_control, analyse
from persona_assets.experiments.assignment import assign, equal_shares
from persona_assets.experiments.config import ExperimentConfig
from persona_assets.experiments.response import VISITS, Floats, ResponseModel
from persona_assets.experiments.simulator import (
    examined,
    exposures_of,
    participants,
    shown_lists,
)
from persona_assets.experiments.verdict import MISMATCHED, SIGNIFICANT
from persona_assets.tables import TABLES
from persona_assets.tables.experiments import CONTROL


@dataclass(frozen=True)
class Bench:
    """What every user would do in every arm.

    Attributes:
        users: identifiers, sorted.
        arms: model by arm.
        clicked: probability that an exposure is clicked on a visit, arms × users × ranks.
        ordered: probability of an order given a click, likewise.
        price: likewise; NaN where unknown.
        cutoff: cut-off of the lists.
        responses: where responses come from.
    """

    users: pl.Series
    arms: Mapping[str, str]
    clicked: Floats
    ordered: Floats
    price: Floats
    cutoff: date
    responses: str

    def every(self, step: int) -> "Bench":
        """Every `step`-th user alone: the same shop, smaller."""
        return replace(
            self,
            users=self.users.gather_every(step),
            clicked=self.clicked[:, ::step],
            ordered=self.ordered[:, ::step],
            price=self.price[:, ::step],
        )

    @property
    def truth(self) -> pl.DataFrame:
        """Rows of experiments/planted_effects (see `simulator.planted_effects`)."""
        bought = self.clicked * self.ordered
        values = {
            "ctr": self.clicked.mean(axis=(1, 2)),
            PRIMARY: 1 - ((1 - bought) ** VISITS).prod(axis=2).mean(axis=1),
            "revenue_per_user": VISITS * (bought * self.price).sum(axis=2).mean(axis=1),
        }
        rows = [
            ("calibration", self.cutoff, arm, model, metric, value, len(self.users), self.responses)
            for at, (arm, model) in enumerate(self.arms.items())
            for metric, value in ((metric, float(by_arm[at])) for metric, by_arm in values.items())
            if value == value
        ]
        return pl.DataFrame(
            rows, schema=TABLES["experiments/planted_effects"].polars_schema, orient="row"
        )


def bench(
    top_k: pl.DataFrame,
    response: ResponseModel,
    prices: pl.DataFrame,
    *,
    cutoff: date,
    arms: Mapping[str, str],
    shown: int = 10,
) -> Bench:
    """Compute the probabilities of all exposures once, for many experiments.

    Args:
        top_k: rows of recommendations/top_k; lists are at least `shown` long.
        response: probabilities of response.
        prices: `product_id` and `price`.
        cutoff: cut-off of the lists.
        arms: model by arm.
        shown: length of the list on the page.
    """
    lists = shown_lists(top_k, arms, cutoff=cutoff, shown=shown)
    users = participants(lists, arms)
    sides = []
    for arm, model in arms.items():
        everybody = pl.DataFrame({"user_id": users}).with_columns(
            arm=pl.lit(arm), model=pl.lit(model)
        )
        exposures = exposures_of(everybody, lists, prices, cutoff=cutoff)
        p_click, p_order = response.probabilities(exposures)
        price = exposures["price"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        sides.append(
            [
                each.reshape(len(users), shown)
                for each in (p_click * examined(exposures), p_order, price)
            ]
        )
    clicked, ordered, price = (np.stack(each) for each in zip(*sides, strict=True))
    return Bench(users, arms, clicked, ordered, price, cutoff, response.label)


def replicate(on: Bench, number: int, *, seed: int) -> pl.DataFrame:
    """One experiment on the bench: the distribution of `simulator.simulate`, much faster.

    Args:
        on: the bench.
        number: of the experiment; its name is the salt of the assignment.
        seed: of the draws.

    Returns:
        Rows of experiments/ab_test_simulation.
    """
    rng = np.random.default_rng([seed, number])
    name = f"calibration-{number}"
    names = list(on.arms)
    assigned = assign(on.users.to_list(), experiment=name, arms=equal_shares(names))
    at = np.array([names.index(arm) for arm in assigned])
    rows = np.arange(len(at))
    clicks = rng.binomial(VISITS, on.clicked[at, rows])
    orders = rng.binomial(clicks, on.ordered[at, rows])
    revenue = (orders * on.price[at, rows]).sum(axis=1)
    schema = TABLES["experiments/ab_test_simulation"].polars_schema
    return pl.DataFrame(
        {
            "experiment": name,
            "cutoff": on.cutoff,
            "user_id": on.users,
            "arm": assigned,
            "model": [on.arms[arm] for arm in assigned],
            "responses": on.responses,
            "impressions": VISITS * on.clicked.shape[2],
            "clicks": clicks.sum(axis=1),
            "orders": orders.sum(axis=1),
            "revenue": None if np.isnan(on.price).any() else revenue,
        }
    ).select(pl.col(column).cast(kind) for column, kind in schema.items())


def calibrate(
    on: Bench, *, experiments: int, seed: int, config: ExperimentConfig | None = None
) -> dict[str, float]:
    """Repeat the experiment and hold verdicts and intervals against the truth.

    Args:
        on: the bench.
        experiments: how many.
        seed: of the draws.
        config: margins and smallest gain.

    Returns:
        Shares of the experiments: `ships_best`, `ships_other` (an arm that is truly worse than
        another, or control where control is best), each decision, `told_apart_wrongly` (the
        challengers, in the wrong order), `false_gain` (a challenger that is truly not better than
        control called better), `sample_ratio_alarm`; and over all comparisons, per metric,
        `coverage_<metric>` of the 95 % interval.
    """
    truth = on.truth
    values = {
        row["arm"]: row["value"] for row in truth.filter(metric=PRIMARY).iter_rows(named=True)
    }
    highest = max(values.values())
    counts: Counter[str] = Counter()
    covered: list[pl.DataFrame] = []
    for number in range(experiments):
        results = analyse(replicate(on, number, seed=seed), config, truth=truth)
        first = results.row(0, named=True)
        counts[first["decision"]] += 1
        counts["sample_ratio_alarm"] += first["srm_p_value"] < MISMATCHED
        if first["shipped_arm"]:
            right = values[first["shipped_arm"]] >= highest
            counts["ships_best" if right else "ships_other"] += 1
        wrong = (pl.col("effect") * pl.col("true_effect") <= 0) & (
            pl.col("adjusted_p_value") < SIGNIFICANT
        )
        challengers = results.filter(pl.col("against") != CONTROL)
        counts["told_apart_wrongly"] += challengers.filter(wrong).height > 0
        gains = against_control(results).filter(
            pl.col("metric") == PRIMARY, pl.col("finding") == "gain", pl.col("true_effect") <= 0
        )
        counts["false_gain"] += gains.height > 0
        covered.append(results.select("metric", "low", "high", "true_effect"))
    coverage = (
        pl.concat(covered)
        .group_by("metric", maintain_order=True)
        .agg(pl.col("true_effect").is_between("low", "high").mean())
    )
    names = (
        *("ships_best", "ships_other", "ship", "keep", "go_on", "invalid"),
        *("told_apart_wrongly", "false_gain", "sample_ratio_alarm"),
    )
    return {name: counts[name] / experiments for name in names} | {
        f"coverage_{metric}": share for metric, share in coverage.iter_rows()
    }
