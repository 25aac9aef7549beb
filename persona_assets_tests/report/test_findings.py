from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from persona_assets.report import findings
from persona_assets.report.collect import Conservation
from persona_assets.run_record import CheckOutcome
from persona_assets.settings import SourceSettings


def evaluated(report, **verdicts):
    """The report with these verdicts on its models; the others are left out."""
    rows = report.comparison.filter(pl.col("model").is_in([*verdicts, "popularity"]))
    verdict = pl.col("model").replace_strict({**verdicts, "popularity": "baseline"})
    return replace(report, comparison=rows.with_columns(against_popularity=verdict))


def failed(report, number):
    checks = tuple(
        CheckOutcome("raw/events", "contract", f"2025-01-0{day}", "failed")
        for day in range(1, number + 1)
    )
    return replace(report, run=replace(report.run, checks=checks))


def test_the_winner_is_named_with_its_lift_and_the_others_with_theirs(full):
    assert findings.against_popularity(full) == (
        "als beats popularity on nDCG@10 in the week from 2025-01-20 "
        "(als by 0.100 [0.050, 0.150]); bpr cannot be told apart from it; item_knn is worse."
    )


def test_two_winners_are_named_the_better_first(full):
    report = evaluated(full, bpr="better", als="better")
    assert findings.against_popularity(report).startswith("als and bpr beat popularity on")


@pytest.mark.parametrize("verdict", ["worse", "not distinguishable"])
def test_no_winner_is_said_outright(full, verdict):
    sentence = findings.against_popularity(evaluated(full, als=verdict, bpr=verdict))
    assert sentence.startswith("No model beats popularity on nDCG@10 in the week from 2025-01-20;")
    assert "als and bpr" in sentence


def test_a_win_on_another_metric_or_length_is_no_win(full):
    report = evaluated(full, als="better", bpr="better")
    primary = (pl.col("metric") == "ndcg") & (pl.col("k") == 10)
    rows = report.comparison.with_columns(
        against_popularity=pl.when(primary & (pl.col("model") != "popularity"))
        .then(pl.lit("worse"))
        .otherwise("against_popularity")
    )
    assert findings.against_popularity(replace(report, comparison=rows)) == (
        "No model beats popularity on nDCG@10 in the week from 2025-01-20; als and bpr are worse."
    )


def test_the_oracle_is_neither_a_winner_nor_first(full):
    assert "planted_optimum" not in findings.against_popularity(full)
    assert findings.models(full) == ["als", "bpr", "popularity", "item_knn", "planted_optimum"]


def test_failed_checks_come_before_any_success(full):
    assert findings.outcome(full).startswith(findings.against_popularity(full))
    assert findings.outcome(failed(full, 1)).startswith("1 check failed: do not rely")
    assert findings.outcome(failed(full, 2)).startswith("2 checks failed: do not rely")


def test_lost_rows_come_before_any_success(full):
    lost = replace(full, conservation=Conservation(10, 7, 1, 0, {"no_consent": 1}))
    assert findings.outcome(lost) == (
        "10 raw rows = 7 in the mart + 1 in quarantine (10.0 %) + 2 LOST; "
        "materialize the mart's days again."
    )


def test_rows_from_nowhere_are_said(full):
    invented = replace(full, conservation=Conservation(10, 11, 2, 0, {"no_consent": 2}))
    assert "− 3 that no raw row explains" in findings.conservation(invented)


def test_days_not_cleaned_yet_are_no_loss(full):
    assert findings.conservation(full) == (
        "30 raw rows = 17 in the mart + 3 in quarantine (10.0 %) + 10 on days not cleaned yet."
    )


def test_replay_counts_the_weeks_of_each_rival(full):
    assert findings.replay(full) == (
        "Over 2 evaluated weeks, ahead of popularity on nDCG@10: als in 2, bpr in 2 and item_knn "
        "in 0."
    )


def test_drift_names_columns_of_the_newest_week_only(full):
    assert findings.drift(full) == (
        "1 of 2 columns drifted in the week from 2025-01-20: unit_price; 1 of 2 weeks had drift."
    )
    first = replace(full, drift=full.drift.filter(pl.col("cutoff") == date(2025, 1, 13)))
    assert findings.drift(first) == (
        "0 of 2 columns drifted in the week from 2025-01-13; 0 of 1 week had drift."
    )


def test_the_verdict_says_where_the_users_came_from(full):
    said = findings.experiment(full)
    assert "by the synthetic shop's true tastes; the effect is on orders from the list" in said
    assert said.endswith(
        "The true effects on conversion: als +1.20 pp (estimated +1.00 pp) and "
        "bpr +1.20 pp (estimated +1.00 pp)."
    )
    fitted = replace(full, ab_test=full.ab_test.with_columns(responses=pl.lit("fitted")))
    assert "by a model fitted on past behaviour; the effect is" in findings.experiment(fitted)


def test_the_source_ends_on_its_last_day(full):
    shop = SourceSettings("files", date(2024, 1, 1), date(2024, 3, 1))
    assert findings.origin(replace(full, source=shop)) == (
        "source files, 2024-01-01 to 2024-02-29; engine polars"
    )
    endless = SourceSettings("files", date(2024, 1, 1), None)
    assert "from 2024-01-01 on" in findings.origin(replace(full, source=endless))


def test_an_empty_home_says_of_each_part_that_it_is_missing(bare):
    assert findings.outcome(bare).startswith("No model has been evaluated yet")
    for say in (
        *(findings.conservation, findings.replay, findings.drift),
        *(findings.experiment, findings.checks, findings.customers),
    ):
        assert say(bare).startswith("No "), say


def test_pairs_name_who_cannot_be_told_from_the_best(full, bare):
    assert findings.pairs(full) == (
        "als is first on nDCG@10, not distinguishable from bpr (Holm's correction over 3 pairs; a "
        "difference of 0.080 would be seen in 4 of 5 weeks)."
    )
    apart = full.pairs.with_columns(verdict=pl.lit("better"))
    assert "als is first on nDCG@10, and told apart from every other model (" in findings.pairs(
        replace(full, pairs=apart)
    )
    assert findings.pairs(bare) == "No models have been tested against each other yet."


def test_ages_are_those_of_the_oldest_training(full, bare):
    assert findings.ages(full) == (
        "Trained 1 week earlier, nDCG@10 changes by (95 % intervals): als -0.010 [-0.050, 0.010] "
        "and popularity -0.010 [-0.050, 0.010]."
    )
    young = full.ages.filter(pl.col("age_weeks") == 1)
    for report in (bare, replace(full, ages=young)):
        assert findings.ages(report).startswith("No week has been evaluated with trainings of")


def test_cold_starts_are_those_of_the_newest_week(full, bare):
    assert findings.cold_start(full) == (
        "In the week from 2025-01-20, 12.5 % of the interactions were by users not known before "
        "(12 of 80 users), 1.5 % of products new to everyone (2 of 60 products)."
    )
    assert findings.cold_start(bare).startswith("No week's new users")


def test_segments_are_told_by_who_brings_the_revenue(full):
    assert findings.customers(full) == (
        "6 customers with a purchase in the 52 weeks before 2025-01-20 form 2 segments (k-means; "
        "silhouette 0.200, stability 0.900 [0.700, 0.950]); Champions, 33.3 % of them, bring "
        "80.0 % of the revenue."
    )
    untold = replace(full.customers, tried=full.customers.tried.clear())
    assert "form 2 segments; Champions" in findings.customers(replace(full, customers=untold))


def test_churn_counts_who_was_there_before(full, bare):
    assert findings.churn(full) == (
        "Of the 4 customers of 2025-01-13, 1 (25.0 %) have changed segment since and 1 (25.0 %) "
        "have no purchase in the 52 weeks any more; 3 are new."
    )
    assert findings.churn(bare).startswith("There is no earlier cut-off")


def test_cleaning_is_told_by_its_first_and_last_step(full, bare):
    assert findings.cleaning(full) == (
        "Of 8 customers in 100 delivered rows, 7 are left in 90 rows after the cleaning."
    )
    assert findings.cleaning(bare).startswith("The steps of the cleaning have not been counted")


def test_segments_that_are_not_stable_say_so(full):
    shaky = replace(
        full.customers,
        tried=full.customers.tried.with_columns(stability=pl.lit(0.62), stability_low=pl.lit(0.5)),
    )
    said = findings.customers(replace(full, customers=shaky))
    assert "They are not stable: other customers of this shop would have been divided" in said
    assert "not stable" not in findings.customers(full)
