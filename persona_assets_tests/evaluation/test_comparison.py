from datetime import date
from statistics import NormalDist

import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.evaluation.comparison import model_comparison, replay_validation
from persona_assets.tables.evaluation import MODEL_COMPARISON, OFFLINE_METRICS, REPLAY_VALIDATION

WEEKS = [date(2024, 3, 4), date(2024, 3, 11), date(2024, 3, 18)]


def evaluated(*rows):
    """(cut-off, model, value, lift, half width of the lift's interval) -> nDCG@10 rows."""
    return pl.DataFrame(
        [
            (
                *(week, model, "ndcg", 10, value, value, value, lift, lift - half, lift + half),
                *(2 * NormalDist().cdf(-1.96 * abs(lift) / half) if half else 1.0, 9),
            )
            for week, model, value, lift, half in rows
        ],
        schema=OFFLINE_METRICS.polars_schema,
        orient="row",
    )


def test_replay_summarises_each_model_over_its_cutoffs():
    table = replay_validation(
        evaluated(
            *((week, "popularity", 0.2, 0.0, 0.0) for week in WEEKS),
            (WEEKS[2], "als", 0.6, 0.4, 0.1),
            (WEEKS[0], "als", 0.1, -0.1, 0.1),
            (WEEKS[1], "als", 0.5, 0.3, 0.9),  # ahead, if not distinguishably: a win
            (WEEKS[2], "bpr", 0.3, 0.1, 0.1),
        )
    )
    assert table.schema == REPLAY_VALIDATION.polars_schema
    assert table.height == 7
    summary = table.unique("model").select("model", "mean", "std", "cutoffs", "wins")
    als = summary.row(by_predicate=pl.col("model") == "als", named=True)
    assert als == pytest.approx(
        {"model": "als", "mean": 0.4, "std": 0.07**0.5, "cutoffs": 3, "wins": 2}
    )
    assert summary.row(by_predicate=pl.col("model") == "bpr")[1:] == (0.3, None, 1, 1)
    assert summary.row(by_predicate=pl.col("model") == "popularity")[4] == 0


def test_replay_keeps_metrics_and_lengths_apart():
    one = evaluated((WEEKS[0], "als", 0.2, 0.1, 0.0))
    other = one.with_columns(k=pl.lit(5, dtype=pl.Int64), value=pl.lit(0.4))
    third = one.with_columns(metric=pl.lit("recall"), value=pl.lit(0.6))
    table = replay_validation(pl.concat([one, other, third]))
    assert table["mean"].to_list() == table["value"].to_list() == [0.4, 0.2, 0.6]


def test_verdicts_follow_the_lift_after_holms_correction():
    week = WEEKS[0]
    table = model_comparison(
        evaluated(
            (week, "popularity", 0.2, 0.0, 0.0),
            (week, "planted_optimum", 0.9, 0.7, 0.1),
            (week, "up", 0.4, 0.2, 0.1),
            (week, "down", 0.1, -0.2, 0.1),
            (week, "same", 0.2, 0.1, 0.095),  # p = 0.04, and not after the correction
            (week, "wide", 0.2, -0.1, 0.5),
        )
    )
    assert table.schema == MODEL_COMPARISON.polars_schema
    assert dict(table.select("model", "against_popularity").iter_rows()) == {
        "popularity": "baseline",
        "planted_optimum": "ceiling",
        "up": "better",
        "down": "worse",
        "same": "not distinguishable",
        "wide": "not distinguishable",
    }


def test_comparison_reads_the_newest_cutoff_only():
    table = model_comparison(
        evaluated(
            (WEEKS[1], "als", 0.4, 0.2, 0.1),
            (WEEKS[2], "als", 0.3, -0.2, 0.1),
            (WEEKS[0], "retired", 0.4, 0.2, 0.1),
        )
    )
    assert table.select("cutoff", "model", "against_popularity").rows() == [
        (WEEKS[2], "als", "worse")
    ]


@pytest.mark.parametrize("compare", [replay_validation, model_comparison])
def test_nothing_evaluated_is_insufficient(compare):
    with pytest.raises(DataError, match="no week has been evaluated"):
        compare(OFFLINE_METRICS.empty())
