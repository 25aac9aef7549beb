"""The page's chapters on models: comparison, beyond accuracy, replay, A/B test.

Belongs here: what each of these chapters shows, from a `Report` to a `Section`. Does not belong
here: chapters on data (`data_chapters.py`) or sentences (`findings.py`).
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from persona_assets.evaluation.evaluation_plots import (
    SHOWN_K,
    TITLES,
    beyond_accuracy_figure,
    comparison_figure,
    replay_figure,
)
from persona_assets.evaluation.offline import BASELINE
from persona_assets.evaluation.oracle import ORACLE
from persona_assets.experiments import experiment_plots
from persona_assets.notation import (
    NOTHING,
    count,
    counted,
    interval,
    number,
    p_value,
    points,
    share,
)
from persona_assets.report import findings
from persona_assets.report.collect import Report
from persona_assets.report.content import (
    Cell,
    Content,
    Lines,
    Paragraph,
    Section,
    Small,
    Table,
    Value,
    picture,
)

NO_EXAMPLES = "Nobody is served a list of their own yet."
_VERDICT_KINDS = {"better": "good", "worse": "bad"}


def models(report: Report) -> Section:
    """The models side by side at the newest evaluated cut-off."""
    body: list[Content] = [Paragraph(findings.against_popularity(report), "finding")]
    if not report.comparison.is_empty():
        users = report.comparison["users"][0]
        body += [
            Paragraph(
                "Each model's lists were made from what had happened and arrived before "
                f"{report.comparison['cutoff'][0]} and are evaluated on the seven days from it, "
                f"for {counted(users, 'user')}. All metrics lie between 0 and 1, higher is better; "
                "brackets are 95 % intervals. The lift is that of nDCG over popularity, on the "
                "same users."
            ),
            *_oracle_note(report),
            _comparison_table(report),
            picture(
                comparison_figure(report.comparison),
                "Models side by side, with the numbers of the table above",
            ),
        ]
    if (untrained := findings.untrained(report)) is not None:
        body.append(Paragraph(untrained))
    return Section("models", "Models side by side", body)


def example_lists(report: Report) -> Section:
    """What the champion shows to three customers, beside what they did."""
    if not report.examples:
        return Section("examples", "Three customers", [Paragraph(NO_EXAMPLES)])
    return Section(
        "examples",
        "Three customers",
        [
            Paragraph(
                "What the model that serves recommends to a customer of few events in the four "
                "weeks before its cut-off, to one in the middle and to one of many, beside what "
                "they did last: does it make sense to somebody who knows the shop?"
            ),
            Table(
                ["customer", "did last", "is recommended"],
                [
                    [
                        counted(example.events, "event"),
                        Lines([f"{deed} {product}" for deed, product in example.lately]),
                        Lines(example.products),
                    ]
                    for example in report.examples
                ],
                left=3,
            ),
        ],
    )


def _oracle_note(report: Report) -> list[Content]:
    if ORACLE not in report.comparison["model"]:
        return []
    return [
        Paragraph(
            f"{ORACLE} is not a model: it ranks by the synthetic shop's true tastes, and "
            "shows how much could be reached at all."
        )
    ]


def _comparison_table(report: Report) -> Table:
    by_key = {
        (row["model"], row["metric"]): row
        for row in report.comparison.filter(pl.col("k") == SHOWN_K).iter_rows(named=True)
    }
    return Table(
        ["model", *(f"{TITLES[metric]}@{SHOWN_K}" for metric in findings.METRICS), "lift"],
        [
            [
                model,
                *(_measured(by_key[model, metric]) for metric in findings.METRICS),
                _lift(by_key[model, findings.PRIMARY]),
            ]
            for model in findings.models(report)
        ],
    )


def _measured(row: Mapping[str, Any]) -> Cell:
    return Value(number(row["value"]), [interval(row["low"], row["high"])])


def _lift(row: Mapping[str, Any]) -> Cell:
    verdict = row["against_popularity"]
    if verdict == "baseline":
        return NOTHING
    ends = interval(row["lift_low"], row["lift_high"])
    return Value(number(row["lift"]), [ends, Small(verdict, _VERDICT_KINDS.get(verdict, ""))])


def beyond_accuracy(report: Report) -> Section:
    """Coverage, diversity, novelty and concentration of the lists."""
    if report.analysis.is_empty():
        body: list[Content] = [Paragraph(findings.analysis(report), "finding")]
    else:
        body = [
            Paragraph(
                "Models of equal accuracy can make very different shops: how much of the catalogue "
                "is ever shown, how varied one list is (by category and by embedding), how little "
                "known its products are (novelty in bits; average popularity in users), how much "
                "of it is both relevant and not known to everyone anyway (serendipity), and how "
                "unevenly products are shown (Gini; 0: all alike, 1: one alone)."
            ),
            picture(
                beyond_accuracy_figure(report.analysis), "Each model's lists, as in the table below"
            ),
            _analysis_table(report.analysis.filter(pl.col("k") == SHOWN_K)),
        ]
    return Section("beyond-accuracy", "Beyond accuracy", body)


def _analysis_table(rows: pl.DataFrame) -> Table:
    values = {(row["model"], row["metric"]): row["value"] for row in rows.iter_rows(named=True)}
    metrics = [metric for metric in TITLES if metric in rows["metric"]]
    return Table(
        [f"at {SHOWN_K}", *(TITLES[metric] for metric in metrics)],
        [
            [model, *(number(values[model, metric]) for metric in metrics)]
            for model in rows["model"].unique().sort()
        ],
    )


def replay(report: Report) -> Section:
    """The evaluated weeks beside each other."""
    body: list[Content] = [Paragraph(findings.replay(report), "finding")]
    if not report.replay.is_empty():
        summary = findings.primary(report.replay).unique("model").sort(-pl.col("mean"), "model")
        metric = f"{TITLES[findings.PRIMARY]}@{SHOWN_K}"
        body += [
            Paragraph(
                "Every past week is evaluated as if it had been the present: models trained on "
                "what was known then, evaluated on the week that followed. A model no better than "
                f"{BASELINE} would be ahead in about half of the weeks."
            ),
            picture(replay_figure(report.replay), f"{metric} of each model by week"),
            Table(
                ["model", f"mean {metric}", "standard deviation", "weeks", "weeks ahead"],
                [
                    [
                        row["model"],
                        number(row["mean"]),
                        number(row["std"]),
                        str(row["cutoffs"]),
                        NOTHING if row["model"] == BASELINE else str(row["wins"]),
                    ]
                    for row in summary.iter_rows(named=True)
                ],
            ),
        ]
    return Section("replay", "Replay over the weeks", body)


def experiment(report: Report) -> Section:
    """The verdict of the A/B test and the effects behind it."""
    body: list[Content] = [Paragraph(findings.experiment(report), "finding")]
    if not report.ab_test.is_empty():
        users = [
            f"{row['arm']} ({row['model']}) {count(row['users'])}"
            for row in report.arms.iter_rows(named=True)
        ]
        body += [
            Paragraph(
                f"Users: {', '.join(users) or 'not recorded'}. Were they split as planned? p = "
                f"{p_value(report.ab_test['srm_p_value'][0])} (sample-ratio mismatch). Shown were "
                f"the lists of {report.ab_test['cutoff'][0]}. Conversion is the share of users "
                "with an order from the list. Brackets are 95 % intervals; conversion counts as "
                "different by the p-value after Holm's correction over all its comparisons, a "
                "guardrail as kept where its interval lies above minus its margin. The last column "
                "is what such an experiment finds in 4 of 5 cases; of a guardrail, the margin that "
                "it can show."
            ),
            picture(
                experiment_plots.ab_test_figure(report.ab_test),
                "Effect of each arm over control, in percent of control",
            ),
            Table(
                [
                    *("arm", "against", "metric", "other's value", "arm's value", "effect"),
                    *("true effect", "adjusted p", "shows", "could see"),
                ],
                [_effect(row) for row in report.ab_test.iter_rows(named=True)],
                left=3,
            ),
        ]
    return Section("ab-test", "A/B test", body)


def _effect(row: Mapping[str, Any]) -> list[Cell]:
    """Rates in percent, their differences in percentage points; revenue as it is."""

    def difference(value: float | None) -> str:
        if value is None:
            return NOTHING
        return f"{value:+.2f}" if unit == 1 else points(value)

    if row["metric"] == "revenue_per_user":
        values, unit = [number(row[name], 2) for name in ("control_value", "value")], 1
    else:
        values, unit = [share(row[name], 1, 2) for name in ("control_value", "value")], 100
    unbounded = row["low"] is None
    ends = [] if unbounded else [interval(unit * row["low"], unit * row["high"], 2)]
    return [
        f"{row['arm']} ({row['model']})",
        row["against"],
        experiment_plots.TITLES[row["metric"]],
        *values,
        Value(difference(row["effect"]), ends),
        difference(row["true_effect"]),
        NOTHING if row["adjusted_p_value"] is None else p_value(row["adjusted_p_value"]),
        row["finding"],
        difference(row["minimum_detectable"]),
    ]
