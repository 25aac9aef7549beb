"""What the report says of the model that serves: the sentence to read first, and what to do next.

Belongs here: reading a `Report` for these. Does not belong here: all other sentences
(`findings.py`), or the verdict that the advice follows (`experiments/analysis.py`).
"""

import polars as pl

from persona_assets.evaluation.evaluation_plots import SHOWN_K
from persona_assets.evaluation.offline import BASELINE
from persona_assets.notation import number
from persona_assets.report.collect import Report

_METRIC = "recall"


def champion(report: Report) -> str | None:
    """Which model serves, since when, and what that is worth; None: none is on record."""
    if report.champion.is_empty():
        return None
    row = report.champion.row(0, named=True)
    if row["since"] is None:
        return f"{row['model'].capitalize()} serves: no model has passed the gate yet."
    how = "after a rollback" if row["action"] == "rollback" else "having passed the gate"
    sentence = f"{row['model']} serves since {row['since']:%Y-%m-%d}, {how}"
    ratio = _times_popularity(report, row["model"])
    if ratio is None:
        return f"{sentence}."
    return (
        f"{sentence}: its lists of {SHOWN_K} find {number(ratio, 1)} times as many of the products "
        f"that people turn to in the next week as {BASELINE} does."
    )


def _times_popularity(report: Report, model: str) -> float | None:
    """The champion's recall over popularity's; None where it is not known."""
    found = report.comparison.filter(pl.col("metric") == _METRIC, pl.col("k") == SHOWN_K)
    by_model = dict(found.select("model", "value").iter_rows())
    if model == BASELINE or not by_model.get(BASELINE) or model not in by_model:
        return None
    return float(by_model[model] / by_model[BASELINE])


def next_step(report: Report) -> str | None:
    """One thing to do, as an experiment's verdict has it; None: there is none to advise.

    What customers did outweighs what simulated ones would do.
    """
    serves = None if report.champion.is_empty() else report.champion["model"][0]
    shipped = report.live_verdicts.filter(~pl.col("running"), pl.col("decision") == "ship")
    for row in shipped.iter_rows(named=True):
        if row["shipped_model"] != serves:
            return (
                f"Next: `persona promote {row['shipped_model']}`, which the experiment "
                f"{row['experiment']} on your customers would ship."
            )
    if not report.ab_test.is_empty():
        arm = report.ab_test["shipped_arm"][0]
        if arm is None:
            verdict = report.ab_test["verdict"][0]
            return f"Next: {verdict[0].lower()}{verdict[1:]}"
        model = report.ab_test.filter(pl.col("arm") == arm)["model"][0]
        return f"Next: `persona promote {model}`, which the experiment would ship."
    return None
