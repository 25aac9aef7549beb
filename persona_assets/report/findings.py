"""What the numbers say, in sentences: the same ones in the terminal and on the page.

Belongs here: reading a `Report`. Does not belong here: reading the lake (`collect.py`), layout, or
a verdict of its own: verdicts on models, drift and experiments are computed with them.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from persona_assets.calendar import EVALUATED_DAYS, first_cutoff
from persona_assets.evaluation.evaluation_plots import SHOWN_K, TITLES
from persona_assets.evaluation.metrics import PRIMARY
from persona_assets.evaluation.offline import BASELINE
from persona_assets.evaluation.oracle import ORACLE
from persona_assets.notation import count, counted, interval, listed, number, points, share
from persona_assets.report.champion import champion, next_step
from persona_assets.report.checks import with_outcome
from persona_assets.report.collect import Report
from persona_assets.report.skipped import NOT_TRAINED, gaps, why
from persona_assets.run_record import Outcome
from persona_assets.segmentation.choice import STABLE, is_stable
from persona_assets.segmentation.clustering_plots import METHOD_NAMES
from persona_assets.tables import Table
from persona_assets.tables.evaluation import (
    COLD_START,
    MODEL_COMPARISON,
    OFFLINE_METRICS,
    PAIRWISE_COMPARISON,
    RECOMMENDATION_ANALYSIS,
    REPLAY_VALIDATION,
    STALENESS,
)
from persona_assets.tables.experiments import AB_TEST_RESULTS, AB_TEST_SIMULATION
from persona_assets.tables.monitoring import DATA_DRIFT
from persona_assets.tables.segmentation import CUSTOMER_FEATURES, SEGMENTATION_MODEL

"""The metric that decides between models: it alone sees both what is found and how high it is."""
METRICS = (PRIMARY, "recall", "map", "hit_rate", "mrr")
"""Columns of the tables of models."""
_PRIMARY = f"{TITLES[PRIMARY]}@{SHOWN_K}"


def origin(report: Report) -> str:
    """Which shop and which days of it, and what computed them."""
    source = report.source
    if source.end is None:
        days = f"from {source.start} on"
    else:
        days = f"{source.start} to {source.end - timedelta(days=1)}"
    return f"source {source.name}, {days}; engine {report.engine}"


def outcome(report: Report) -> str:
    """What to read first: what is broken, or else which model serves, and what to do next."""
    if failed := with_outcome(report, "failed"):
        return (
            f"{counted(len(failed), 'check')} failed: do not rely on the numbers below before "
            f"{'it is' if len(failed) == 1 else 'they are'} corrected."
        )
    if report.conservation.missing_rows:
        return conservation(report)
    said = (champion(report) or against_popularity(report), next_step(report))
    return " ".join(each for each in said if each)


def conservation(report: Report) -> str:
    """Whether every delivered row is accounted for."""
    rows = report.conservation
    if not rows.raw_rows:
        return "No events have come in yet."
    sentence = (
        f"{counted(rows.raw_rows, 'raw row')} = {count(rows.mart_rows)} in the mart + "
        f"{count(rows.quarantine_rows)} in quarantine "
        f"({share(rows.quarantine_rows, rows.raw_rows)})"
    )
    if rows.pending_rows:
        sentence += f" + {count(rows.pending_rows)} on days not cleaned yet"
    if rows.missing_rows > 0:
        sentence += f" + {count(rows.missing_rows)} LOST"
    elif rows.missing_rows:
        sentence += f" − {count(-rows.missing_rows)} that no raw row explains"
    if rows.missing_rows:
        return f"{sentence}; materialize the mart's days again."
    return f"{sentence}."


def models(report: Report) -> list[str]:
    """Compared models, the best by nDCG first, the oracle last."""
    rows = primary(report.comparison).sort(pl.col("model") == ORACLE, -pl.col("value"), "model")
    return rows["model"].to_list()


def against_popularity(report: Report) -> str:
    """Which models beat popularity, or that none does."""
    by_model = {row["model"]: row for row in primary(report.comparison).iter_rows(named=True)}
    if not by_model:
        return _early(report) or _nothing(
            report, "No model has been evaluated yet.", OFFLINE_METRICS, MODEL_COMPARISON
        )
    by_verdict: dict[str, list[str]] = {}
    for model in models(report):
        by_verdict.setdefault(by_model[model]["against_popularity"], []).append(model)
    better = by_verdict.get("better", [])
    week = f"in the week from {report.comparison['cutoff'][0]}"
    if better:
        clauses = [f"{listed(better)} beat{'' if better[1:] else 's'} {BASELINE} on {_PRIMARY}"]
        clauses[0] += f" {week} ({_lift(by_model[better[0]])})"
    else:
        clauses = [f"No model beats {BASELINE} on {_PRIMARY} {week}"]
    if same := by_verdict.get("not distinguishable"):
        clauses.append(f"{listed(same)} cannot be told apart from it")
    if worse := by_verdict.get("worse"):
        clauses.append(f"{listed(worse)} {'are' if worse[1:] else 'is'} worse")
    return "; ".join(clauses) + "."


def _lift(row: dict[str, Any]) -> str:
    return f"{row['model']} by {number(row['lift'])} {interval(row['lift_low'], row['lift_high'])}"


def replay(report: Report) -> str:
    """In how many weeks each model was ahead of popularity."""
    rows = primary(report.replay).filter(~pl.col("model").is_in([BASELINE, ORACLE]))
    if rows.is_empty():
        return _nothing(
            report,
            "No past week has been replayed against popularity yet.",
            OFFLINE_METRICS,
            REPLAY_VALIDATION,
        )
    summary = rows.unique("model").sort(-pl.col("mean"), "model")
    ahead = [f"{row['model']} in {row['wins']}" for row in summary.iter_rows(named=True)]
    weeks = counted(summary["cutoffs"].max(), "evaluated week")  # type: ignore[arg-type]
    return f"Over {weeks}, ahead of {BASELINE} on {_PRIMARY}: {listed(ahead)}."


def pairs(report: Report) -> str:
    """Which models cannot be told apart from the best, by the tests between all pairs."""
    rows = primary(report.pairs).to_dicts()
    rivals = [model for model in models(report) if model != ORACLE]
    if not rows or not rivals:
        return _nothing(
            report,
            "No models have been tested against each other yet.",
            OFFLINE_METRICS,
            PAIRWISE_COMPARISON,
        )
    best = rivals[0]
    against = [row for row in rows if best in (row["model"], row["other"])]
    same = [
        row["other"] if row["model"] == best else row["model"]
        for row in against
        if row["verdict"] == "not distinguishable"
    ]
    sentence = f"{best} is first on {_PRIMARY}"
    if same:
        sentence += f", not distinguishable from {listed(sorted(same))}"
    else:
        sentence += ", and told apart from every other model"
    detectable = [row["minimum_detectable"] for row in against if row["minimum_detectable"]]
    sentence += f" (Holm's correction over {counted(len(rows), 'pair')}"
    if detectable:
        sentence += f"; a difference of {number(max(detectable))} would be seen in 4 of 5 weeks"
    return f"{sentence})."


def cold_start(report: Report) -> str:
    """How much of the newest evaluated week was by cold-start users or of new products."""
    if report.cold.is_empty():
        return _nothing(
            report, "No week's new users and products have been counted yet.", COLD_START
        )
    row = report.cold.sort("cutoff").row(-1, named=True)
    return (
        f"In the week from {row['cutoff']}, "
        f"{share(row['touches_by_cold_users'], row['touches'])} of the interactions were by users "
        f"not known before ({count(row['cold_users'])} of {counted(row['users'], 'user')}), "
        f"{share(row['touches_of_cold_products'], row['touches'])} of products new to everyone "
        f"({count(row['cold_products'])} of {counted(row['products'], 'product')})."
    )


def ages(report: Report) -> str:
    """What the oldest evaluated trainings lose, by model."""
    rows = primary(report.ages)
    oldest = rows.filter(pl.col("age_weeks") > 1, pl.col("age_weeks") == pl.col("age_weeks").max())
    if oldest.is_empty():
        return _nothing(
            report, "No week has been evaluated with trainings of different ages yet.", STALENESS
        )
    # Weeks share their users: the mean of the intervals' ends is an interval of the mean however
    # dependent the weeks are, since no deviation of a mean exceeds the mean of the deviations.
    ends = pl.col("change", "change_low", "change_high").mean()
    change = oldest.sort("cutoff").group_by("model").agg(ends)
    by_model = [
        f"{row['model']} {row['change']:+.3f} {interval(row['change_low'], row['change_high'])}"
        for row in change.sort("change", "model").iter_rows(named=True)
    ]
    return (
        f"Trained {counted(oldest['age_weeks'][0] - 1, 'week')} earlier, {_PRIMARY} changes by "
        f"(95 % intervals): {listed(by_model)}."
    )


def drift(report: Report) -> str:
    """What drifted in the newest evaluated week, and how rare that was."""
    if report.drift.is_empty():
        return _nothing(
            report, "No week has been compared with the weeks before it yet.", DATA_DRIFT
        )
    newest = report.drift.filter(pl.col("cutoff") == pl.col("cutoff").max())
    drifted = newest.filter("drifted")["column"].to_list()
    weeks = report.drift.group_by("cutoff").agg(pl.col("drifted").any())
    return (
        f"{len(drifted)} of {counted(newest.height, 'column')} drifted in the week from "
        f"{newest['cutoff'][0]}{': ' + listed(drifted) if drifted else ''}; "
        f"{weeks['drifted'].sum()} of {counted(weeks.height, 'week')} had drift."
    )


def experiment(report: Report) -> str:
    """The experiment's verdict as it was drawn, with where its responses come from."""
    if report.ab_test.is_empty():
        return _nothing(
            report, "No experiment has been analysed yet.", AB_TEST_SIMULATION, AB_TEST_RESULTS
        )
    responses = {
        "planted": "by the synthetic shop's true tastes",
        "fitted": "by a model fitted on past behaviour",
    }
    sentence = (
        f"{report.ab_test['verdict'][0]} Users were simulated "
        f"{responses[report.ab_test['responses'][0]]}; the effect is on orders from the list, as "
        "everything else that they buy is left out."
    )
    missing = {
        row["part"].replace("_", " ").capitalize(): row["reason"]
        for row in report.skipped.filter(table=AB_TEST_SIMULATION.path).iter_rows(named=True)
        if row["part"]
    }
    said = [f" {part} was skipped, because {reason}." for part, reason in missing.items()]
    return sentence + _true_effects(report) + "".join(said)


def live_experiment(row: Mapping[str, Any]) -> str:
    """The verdict of an experiment on the shop's customers, and how far it is.

    Args:
        row: one of experiments/verdict.
    """
    days = f"{row['days']:,} of {counted(row['planned_days'], 'day')}"
    excluded = row["excluded_users"]
    left_out = f"; {counted(excluded, 'user')} of two arms left out" if excluded else ""
    return (
        f"{row['experiment']} ({'running' if row['running'] else 'over'}, {days}, "
        f"{count(row['users'])} of {count(row['planned_users'])} planned users{left_out}): "
        f"{row['verdict']}"
    )


def _true_effects(report: Report) -> str:
    """The planted effects on conversion, where they are known."""
    known = report.ab_test.filter(
        pl.col("metric") == "conversion",
        pl.col("against") == "control",
        pl.col("true_effect").is_not_null(),
    )
    if known.is_empty():
        return ""
    effects = [
        f"{row['model']} {points(row['true_effect'])} (estimated {points(row['effect'])})"
        for row in known.iter_rows(named=True)
    ]
    return f" The true effects on conversion: {listed(effects)}."


def customers(report: Report) -> str:
    """Into how many segments customers fall, how clearly, and who brings the revenue."""
    found = report.customers
    if found.profiles.is_empty():
        return _nothing(
            report,
            "No customers have been segmented yet.",
            CUSTOMER_FEATURES,
            SEGMENTATION_MODEL,
        )
    total = int(found.profiles["customers"].sum())
    sentence = (
        f"{counted(total, 'customer')} with a purchase in the 52 weeks before {found.cutoff} form "
        f"{counted(found.profiles.height, 'segment')}"
    )
    if chosen := found.chosen:
        sentence += (
            f" ({METHOD_NAMES[chosen['method']]}; silhouette {number(chosen['silhouette'])}, "
            f"stability {number(chosen['stability'])} "
            f"{interval(chosen['stability_low'], chosen['stability_high'])})"
        )
        if not is_stable(chosen):
            sentence += (
                f". They are not stable: other customers of this shop would have been divided "
                f"otherwise (below {STABLE}), so this is the fewest segments there are, no advice "
                "is given, and who changes segment may not have changed"
            )
    if not (found.profiles["revenue"] > 0).any():
        return f"{sentence}; what they spend is not known, because no purchase has a price."
    top = found.profiles.sort("revenue", "segment", descending=[True, False]).row(0, named=True)
    return (
        f"{sentence}; {top['name']}, {share(top['customer_share'], 1)} of them, bring "
        f"{share(top['revenue_share'], 1)} of the revenue."
    )


def churn(report: Report) -> str:
    """How many customers changed segment between the two newest cut-offs."""
    found = report.customers.churn
    if found is None:
        return "There is no earlier cut-off with segments to compare with."
    return (
        f"Of the {counted(found.customers, 'customer')} of {found.since}, {count(found.moved)} "
        f"({share(found.moved, found.customers)}) have changed segment since and "
        f"{count(found.left)} ({share(found.left, found.customers)}) have no purchase in the 52 "
        f"weeks any more; {count(found.joined)} are new."
    )


def analysis(report: Report) -> str:
    """Why no lists have been analysed."""
    return _nothing(report, "No lists have been analysed yet.", RECOMMENDATION_ANALYSIS)


def untrained(report: Report) -> str | None:
    """The models that could not be trained, and why; None: all were."""
    found = [gap for gap in gaps(report) if gap.outcome == NOT_TRAINED]
    if not found:
        return None
    by_reason: dict[str, list[str]] = {}
    for gap in found:
        names = by_reason.setdefault(gap.reason, [])
        names += [gap.subject] if gap.subject not in names else []
    clauses = [f"{listed(names)}, because {reason}" for reason, names in by_reason.items()]
    return f"Not trained: {'; '.join(clauses)}."


def _nothing(report: Report, default: str, *tables: Table) -> str:
    """`default`, or with the reason where one of `tables` was skipped."""
    reason = why(report, *tables)
    return f"{default.removesuffix(' yet.')}: skipped, because {reason}." if reason else default


def _early(report: Report) -> str | None:
    """That no week is over yet, of a closed calendar too short for one."""
    start, end = report.source.start, report.source.end
    cutoff = first_cutoff(start)
    over = cutoff + timedelta(days=EVALUATED_DAYS)
    if end is None or end >= over:
        return None
    return (
        f"No week is over yet that models could be evaluated on: the first begins on {cutoff}, "
        f"after at least seven days of data, and the data end on {end - timedelta(days=1)}. "
        "Models were trained on what there is."
    )


def cleaning(report: Report) -> str:
    """How many of the customers in the delivered rows are left after the cleaning."""
    steps = report.customers.steps
    if steps.is_empty():
        return "The steps of the cleaning have not been counted yet."
    first, last = steps.row(0, named=True), steps.row(-1, named=True)
    return (
        f"Of {counted(first['customers_left'], 'customer')} in "
        f"{counted(first['rows_left'], 'delivered row')}, {count(last['customers_left'])} are left "
        f"in {counted(last['rows_left'], 'row')} after the cleaning."
    )


def checks(report: Report) -> str:
    """How many checks passed, failed and warned in the last run."""
    if report.run is None:
        return "No complete run is on record, hence no results of checks."
    outcomes: tuple[Outcome, ...] = ("passed", "failed", "warned")
    numbers = [f"{count(len(with_outcome(report, each)))} {each}" for each in outcomes]
    return f"Checks of the last run: {', '.join(numbers)}."


def primary(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of the deciding metric at the shown length."""
    return rows.filter(pl.col("metric") == PRIMARY, pl.col("k") == SHOWN_K)
