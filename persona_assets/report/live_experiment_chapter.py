"""The page's chapter on experiments on the shop's customers.

Belongs here: their verdicts and the effects behind them. Does not belong here: the simulated test
(`model_chapters.py`), a file of somebody's own (`experiment_page.py`).
"""

from collections.abc import Mapping
from typing import Any

from persona_assets.experiments import experiment_plots
from persona_assets.notation import NOTHING, count, interval, number, p_value, points, share
from persona_assets.report import findings
from persona_assets.report.collect import Report
from persona_assets.report.content import Cell, Content, Paragraph, Section, Table, Value

_SHARES = ("conversion", "ctr")


def live_experiments(report: Report) -> Section:
    """A verdict and a table for each experiment that somebody was exposed to."""
    body: list[Content] = []
    for row in report.live_verdicts.iter_rows(named=True):
        of_it = report.live_results.filter(experiment=row["experiment"])
        body.append(Paragraph(findings.live_experiment(row), "finding"))
        if of_it.height:
            body.append(
                Table(
                    [
                        *("metric", "arm", "against", "other's value", "arm's value", "effect"),
                        *("adjusted p", "shows"),
                    ],
                    [_effect(each) for each in of_it.iter_rows(named=True)],
                    left=3,
                )
            )
    if not body:
        body = [Paragraph("None yet: nobody was served a list of one.")]
    return Section("live-experiments", "Experiments on customers", body)


def _effect(row: Mapping[str, Any]) -> list[Cell]:
    """Rates in percent, their differences in percentage points; amounts as they are."""
    is_share = row["metric"] in _SHARES
    values = [
        share(row[name], 1, 2) if is_share else number(row[name])
        for name in ("against_value", "value")
    ]
    effect = points(row["effect"]) if is_share else f"{row['effect']:+.3f}"
    unit = 100 if is_share else 1
    # A side without an end is written as such by `number`.
    low, high = (None if row[name] is None else unit * row[name] for name in ("low", "high"))
    return [
        Value(experiment_plots.TITLES.get(row["metric"], "Orders per user"), [row["role"]]),
        f"{row['arm']} ({count(row['users'])})",
        f"{row['against']} ({count(row['against_users'])})",
        *values,
        Value(effect, [interval(low, high)]),
        NOTHING if row["adjusted_p_value"] is None else p_value(row["adjusted_p_value"]),
        row["finding"],
    ]
