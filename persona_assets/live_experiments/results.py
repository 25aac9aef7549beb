"""From unit metrics to comparisons and one verdict for each experiment.

Belongs here: an experiment's declaration as the analysis of `ab_testing/` takes it, and its result
as rows. Does not belong here: the analysis, or the rule of the verdict (`experiments/verdict.py`).

While an experiment runs, intervals and tests hold at any time and spend a fifth of the 5 %; at the
planned end, one test for one look has the rest (`ab_testing/timing.py`, hybrid). The end is the
declared day, as far as data reach: no clock is asked, and nothing after that day counts, so that a
later run looks at the same numbers again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from persona_assets.errors import InsufficientDataError
from persona_assets.live_experiments.declaration import CONTROL, LiveExperiment
from persona_assets.notation import listed
from persona_assets.skipped import Partial, Skipped
from persona_assets.tables.live_experiments import RESULTS, VERDICT

if TYPE_CHECKING:
    from persona_assets.ab_testing.analysis import Analysis
    from persona_assets.ab_testing.declaration import Declaration, Metric

_COUNTS = ("impressions", "clicks", "orders", "revenue")


@dataclass(frozen=True)
class Outcome:
    """Rows of `experiments/results` and `experiments/verdict`."""

    results: Partial[pl.DataFrame]
    verdicts: Partial[pl.DataFrame]


def results(
    exposed: pl.DataFrame,
    metrics: pl.DataFrame,
    experiments: Sequence[LiveExperiment],
    arms: Mapping[str, Sequence[str]],
    through: date | None,
) -> Outcome:
    """Compare the arms of each experiment, and decide.

    Args:
        exposed: rows of `experiments/exposures`.
        metrics: rows of `experiments/unit_metrics`.
        experiments: as declared.
        arms: by experiment the planned arms, control first.
        through: the mart's newest day; None: it is empty.

    Returns:
        One verdict per experiment that somebody was exposed to; without comparisons where an arm
        has too few users, which is said.
    """
    compared: list[dict[str, Any]] = []
    decided: list[dict[str, Any]] = []
    skipped: list[Skipped] = []
    for each in experiments:
        users = exposed.filter(pl.col("experiment") == each.name)
        if users.is_empty() or through is None:
            skipped.append(Skipped("nobody was served a list of it yet", part=each.name))
            continue
        running = through < each.end
        row = _state(each, users, through, running=running)
        of_it = metrics.filter(pl.col("experiment") == each.name)
        try:
            rows = _rows(users, of_it, arms[each.name])
            declaration = declared(each, arms[each.name], users, running=running)
            analysis = _analysed(rows, declaration)
        except InsufficientDataError as error:
            skipped.append(Skipped(str(error), part=each.name))
            said = {"decision": "go_on", "verdict": f"Go on: {error}."}
            decided.append(row | said)
            continue
        compared += _comparisons(each, analysis)
        decided.append(row | _verdict(each, analysis, users, running=running))
    return Outcome(
        Partial(_frame(compared, RESULTS.polars_schema), tuple(skipped)),
        Partial(_frame(decided, VERDICT.polars_schema), tuple(skipped)),
    )


def planned_arms(
    experiments: Sequence[LiveExperiment], exposed: pl.DataFrame
) -> dict[str, list[str]]:
    """By experiment its arms, control first; those that were seen where none are planned."""
    found = {}
    for each in experiments:
        seen = exposed.filter(pl.col("experiment") == each.name)["arm"].unique().sort().to_list()
        found[each.name] = each.ordered(each.arms or seen)
    return found


def declared(
    experiment: LiveExperiment,
    arms: Sequence[str],
    users: pl.DataFrame,
    *,
    running: bool,
) -> "Declaration":
    """The experiment as `ab_testing/` takes it.

    Args:
        experiment: its declaration.
        arms: the planned ones, control first.
        users: its rows of `experiments/exposures`.
        running: is the planned end still to come?
    """
    from persona_assets.ab_testing.declaration import Declaration, Plan

    pre_period = bool(users["orders_before"].is_not_null().any())
    plan = Plan(
        monitoring="hybrid",
        units=experiment.users,
        smallest_gain=experiment.smallest_gain,
        ended=not running,
    )
    return Declaration(
        name=experiment.name,
        arm="arm",
        control=CONTROL,
        metrics=tuple(_metrics(experiment, pre_period=pre_period)),
        unit="user_id",
        day="day",
        challengers=tuple(arm for arm in arms if arm != CONTROL),
        shares=experiment.shares_of(arms),
        plan=plan,
    )


def _metrics(experiment: LiveExperiment, *, pre_period: bool) -> "list[Metric]":
    """All metrics with their roles; those of orders with what users bought before (CUPED)."""
    from persona_assets.ab_testing.declaration import Metric, Role

    def role(name: str) -> Role:
        if name == experiment.primary:
            return "primary"
        return "guardrail" if name in experiment.guardrails else "secondary"

    def before(column: str) -> str | None:
        return column if pre_period else None

    found = (
        Metric("conversion", "proportion", "bought", before=before("bought_before")),
        Metric("ctr", "ratio", "clicks", "impressions"),
        Metric("orders_per_user", "mean", "orders", before=before("orders_before")),
        Metric("revenue_per_user", "mean", "revenue", before=before("revenue_before")),
    )
    margins = experiment.guardrails
    return [replace(each, role=role(each.name), margin=margins.get(each.name)) for each in found]


def _rows(users: pl.DataFrame, metrics: pl.DataFrame, arms: Sequence[str]) -> pl.DataFrame:
    """A row per user and day for the analysis, what was before repeated in each.

    Users who saw several arms have a row in two, so that the analysis counts them and leaves them
    out by its own rule.

    Raises:
        InsufficientDataError: an arm has fewer than two users of it alone.
    """
    sizes = {arm: users.filter(pl.col("arms") == 1, pl.col("arm") == arm).height for arm in arms}
    if small := [f"{size} in {arm}" for arm, size in sizes.items() if size < 2]:
        raise InsufficientDataError(
            f"a comparison needs two users in every arm, and there are {listed(small)}"
        )
    before = users.select(
        "user_id",
        "orders_before",
        "revenue_before",
        bought_before=(pl.col("orders_before") > 0).cast(pl.Int64),
    )
    of_one = metrics.select("user_id", "arm", "day", *_COUNTS)
    mixed = users.filter(pl.col("arms") > 1).select(
        "user_id",
        pl.lit(list(arms[:2])).alias("arm"),
        "day",
        *(pl.lit(0, metrics.schema[name]).alias(name) for name in _COUNTS),
    )
    return (
        pl.concat([of_one, mixed.explode("arm").select(of_one.columns)])
        .with_columns(bought=(pl.col("orders") > 0).cast(pl.Int64))
        .join(before, on="user_id", how="left", maintain_order="left")
    )


def _analysed(rows: pl.DataFrame, declaration: "Declaration") -> "Analysis":
    from persona_assets.ab_testing.analysis import analyse

    return analyse(rows, declaration)


def _comparisons(experiment: LiveExperiment, analysis: "Analysis") -> list[dict[str, Any]]:
    return [
        {
            "experiment": experiment.name,
            "metric": each.metric,
            "role": each.role,
            "arm": each.arm,
            "against": each.against,
            "users": each.units,
            "against_users": each.against_units,
            "value": each.comparison.value,
            "against_value": each.comparison.control_value,
            "effect": each.comparison.effect,
            **each.comparison.ends,
            "p_value": each.comparison.p_value,
            "adjusted_p_value": each.adjusted_p_value,
            "margin": each.margin,
            "finding": each.finding,
            "method": each.method,
        }
        for each in analysis.comparisons
    ]


def _state(
    experiment: LiveExperiment, users: pl.DataFrame, through: date, *, running: bool
) -> dict[str, Any]:
    """How far the experiment is."""
    reached = (min(through, experiment.end) - experiment.start).days
    return {
        "experiment": experiment.name,
        "shipped_arm": None,
        "shipped_model": None,
        "running": running,
        "days": max(0, reached + (1 if running else 0)),
        "planned_days": experiment.days,
        "users": users.filter(pl.col("arms") == 1).height,
        "planned_users": experiment.users,
        "excluded_users": users.filter(pl.col("arms") > 1).height,
        "srm_p_value": None,
        "through": through,
    }


def _verdict(
    experiment: LiveExperiment, analysis: "Analysis", users: pl.DataFrame, *, running: bool
) -> dict[str, Any]:
    found, assignment = analysis.verdict, analysis.assignment
    arm, model = found.arm, None
    if arm is not None:
        # What served may be another model: popularity, for people of whom nothing is known.
        served = users.filter(pl.col("arm") == arm)["model"].mode().sort()[0]
        model = experiment.arms.get(arm, served)
    return {
        "decision": found.decision,
        "shipped_arm": arm,
        "shipped_model": model,
        "verdict": found.sentence,
        "srm_p_value": assignment.sequential_p_value if running else assignment.p_value,
    }


def _frame(rows: list[dict[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)
