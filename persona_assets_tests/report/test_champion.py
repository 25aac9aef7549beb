"""The first sentence says who serves, what that is worth, and what the experiment would do."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from persona_assets.report import findings
from persona_assets.report.champion import champion, next_step
from persona_assets.report.collect import Report
from persona_assets.tables.serving import CHAMPION


def serving(
    report: Report, model: str, since: datetime | None, action: str = "promotion"
) -> Report:
    row: dict[str, Any] = {"model": model, "parameters": "{}", "action": action, "since": since}
    rest: dict[str, Any] = {"evidence": "{}", "cutoff": None, "artefact_hash": None}
    return replace(report, champion=pl.DataFrame([row | rest], schema=CHAMPION.polars_schema))


def recalling(report: Report, **recall: float) -> Report:
    """The report with these values of Recall@10, and others at another length."""
    rows = pl.DataFrame(
        [
            (model, "recall", k, value * factor)
            for model, value in recall.items()
            for k, factor in ((5, 0.1), (10, 1.0))
        ],
        schema=["model", "metric", "k", "value"],
        orient="row",
    )
    return replace(report, comparison=rows)


MARCH = datetime(2025, 3, 3, 9, tzinfo=UTC)


def test_what_the_champion_finds_is_compared_with_popularity(full: Report) -> None:
    report = recalling(serving(full, "als", MARCH), als=0.27, popularity=0.1)
    assert champion(report) == (
        "als serves since 2025-03-03, having passed the gate: its lists of 10 find 2.7 times as "
        "many of the products that people turn to in the next week as popularity does."
    )


@pytest.mark.parametrize("recall", [{"als": 0.2}, {"popularity": 0.1}, {"als": 1, "popularity": 0}])
def test_what_was_not_measured_is_not_claimed(full: Report, recall: dict[str, float]) -> None:
    report = recalling(serving(full, "als", MARCH, "rollback"), **recall)
    assert champion(report) == "als serves since 2025-03-03, after a rollback."


def test_until_a_gate_is_passed_the_first_sentence_says_so(full: Report) -> None:
    report = serving(full, "popularity", None, "default")
    assert champion(report) == "Popularity serves: no model has passed the gate yet."
    assert findings.outcome(report).startswith("Popularity serves")


def test_the_next_step_is_what_the_experiments_verdict_says(full: Report) -> None:
    def advised(verdict: str, arm: str | None) -> str | None:
        changed = full.ab_test.with_columns(
            verdict=pl.lit(verdict), shipped_arm=pl.lit(arm, dtype=pl.String)
        )
        return next_step(replace(full, ab_test=changed))

    assert advised("… by offline evidence take bpr.", "challenger_2") == (
        "Next: `persona promote bpr`, which the experiment would ship."
    )
    assert advised("Keep als: every arm converts worse.", None) == (
        "Next: keep als: every arm converts worse."
    )
    assert next_step(replace(full, ab_test=full.ab_test.clear())) is None
