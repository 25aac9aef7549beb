"""What needs the units themselves: pre-periods, strata, winsorising, segments, quantiles, days."""

import numpy as np
import polars as pl
import pytest

from persona_assets.ab_testing.analysis import analyse
from persona_assets.ab_testing.declaration import Declaration, Metric
from persona_assets.errors import DataError
from persona_assets.report.experiment_page import experiment_page, write_experiment_page
from persona_assets.report.page import rendered

SPEND = Metric("spend", "mean", "spend", role="primary", before="earlier")


def shop(units=2000, *, seed=1, effect=0.0):
    """Units with spending that follows what they spent before."""
    generator = np.random.default_rng(seed)
    earlier = generator.gamma(2.0, 10.0, units)
    arm = generator.choice(["a", "b"], units)
    spend = earlier + generator.normal(0, 5, units) + effect * (arm == "b")
    country = generator.choice(["de", "fr"], units)
    return pl.DataFrame({"arm": arm, "spend": spend, "earlier": earlier, "country": country})


def run(frame, *metrics, **more):
    return analyse(frame, Declaration("test", "arm", "a", metrics or (SPEND,), **more))


def outcomes(analysis):
    return {each.name: each.outcome for each in analysis.pre_periods[0].checks}


def test_a_healthy_pre_period_is_used_and_the_unadjusted_effect_stands_beside_it():
    found = run(shop(effect=1.0))
    period, row = found.pre_periods[0], found.comparisons[0]
    assert set(outcomes(found).values()) == {"fine"}
    assert period.used
    assert period.correlation == pytest.approx(0.94, abs=0.02)
    assert row.unadjusted is not None
    assert row.comparison.standard_error < 0.5 * row.unadjusted.standard_error
    assert row.method == "CUPED, Welch's t-test"
    assert found.verdict.decision == "ship"


def test_a_pre_period_that_differs_between_arms_is_not_used():
    frame = shop().with_columns(
        earlier=pl.when(pl.col("arm") == "b").then(pl.col("earlier") + 5).otherwise("earlier")
    )
    found = run(frame)
    assert (outcomes(found)["balance"], found.pre_periods[0].used) == ("failed", False)
    assert found.comparisons[0].unadjusted is None


def test_gaps_are_filled_evenly_and_refused_where_arms_differ():
    every_third = (
        shop()
        .with_row_index()
        .with_columns(earlier=pl.when(pl.col("index") % 3 > 0).then("earlier"))
    )
    found = run(every_third)
    assert (outcomes(found)["gaps"], found.pre_periods[0].used) == ("fine", True)
    assert found.pre_periods[0].missing == pytest.approx(1 / 3, abs=0.01)
    of_one_arm = every_third.with_columns(earlier=pl.when(pl.col("arm") == "a").then("earlier"))
    assert outcomes(run(of_one_arm))["gaps"] == "failed"
    with pytest.raises(DataError, match="no unit has a pre-period"):
        run(shop().with_columns(earlier=pl.lit(None, pl.Float64)))


def test_a_slope_that_hangs_on_a_few_units_is_a_warning():
    frame = shop(seed=3).with_columns(spend=pl.col("spend").shuffle(1)).with_row_index()
    heavy = pl.col("index") < 10
    frame = frame.with_columns(
        pl.when(heavy).then(5000).otherwise(each).alias(each) for each in ("spend", "earlier")
    )
    found = run(frame)
    assert outcomes(found)["leverage"] == "warning"
    assert found.pre_periods[0].used


def test_strata_make_the_interval_narrower_and_small_ones_go_together():
    frame = shop().with_columns(
        spend=pl.when(pl.col("country") == "de").then(pl.col("spend") + 60).otherwise("spend")
    )
    plain = Metric("spend", "mean", "spend", role="primary")
    wide, narrow = (run(frame, plain, strata=strata) for strata in ((), ("country",)))
    errors = [each.comparisons[0].comparison.standard_error for each in (wide, narrow)]
    assert errors[1] < 0.7 * errors[0]
    assert narrow.comparisons[0].method.startswith("post-stratified")
    rare = frame.with_row_index().with_columns(
        country=pl.when(pl.col("index") < 6).then(pl.lit("li")).otherwise("country")
    )
    assert run(rare, plain, strata=("country",)).comparisons[0].method.startswith("post")


def test_winsorising_cuts_the_pooled_tail_and_refuses_to_leave_nothing():
    frame = (
        shop()
        .with_row_index()
        .with_columns(spend=pl.when(pl.col("index") == 0).then(1e6).otherwise("spend"))
    )
    metric = Metric("spend", "mean", "spend", role="primary", winsorise=0.99)
    found = run(frame, metric)
    assert "spend: 19 units above its 0.99 quantile" in found.evidence.notes[0]
    assert found.comparisons[0].comparison.value < 50
    rare = frame.with_columns(spend=(pl.col("index") < 5).cast(pl.Float64))
    with pytest.raises(DataError, match=r"its 0.99 quantile is 0.*higher quantile, such as 0.999"):
        run(rare, metric)


def test_segments_are_corrected_and_an_effect_of_one_alone_is_heterogeneous():
    frame = shop(4000).with_columns(
        spend=pl.col("spend")
        + 8.0 * ((pl.col("arm") == "b") & (pl.col("country") == "fr")).cast(pl.Float64)
    )
    found = run(frame, segments=("country",))
    by_value = {each.value: each for each in found.segments}
    assert by_value["fr"].adjusted_p_value < 0.001 < by_value["de"].adjusted_p_value
    assert found.heterogeneity[0].p_value < 0.001
    assert run(frame[:300], segments=("country",)).segments == []


def test_sizes_within_a_segment_are_checked():
    frame = shop(4000).filter(
        (pl.col("country") == "de") | (pl.col("arm") == "a") | (pl.int_range(pl.len()) % 3 > 0)
    )
    check = run(frame, segments=("country",)).assignment
    assert [(each.column, each.value) for each in check.segments] == [("country", "fr")]


def test_quantiles_are_beside_the_means():
    frame = shop(effect=3.0)
    metric = Metric("spend", "mean", "spend", role="primary", quantiles=(0.5, 0.9999))
    median, extreme = run(frame, metric).quantiles
    assert median.effect.low < 3.0 < median.effect.high
    assert extreme.effect is None


def days(novel):
    """Users of ten days each; the effect is of the first five alone where it is novel."""
    generator = np.random.default_rng(2)
    frame = pl.DataFrame({"user": np.repeat(np.arange(1000), 10), "day": np.tile(range(10), 1000)})
    taste = np.repeat(generator.normal(20, 5, 1000), 10)
    in_b = frame["user"].to_numpy() % 2 == 1
    lift = 2.0 * in_b * ((frame["day"].to_numpy() < 5) | (not novel))
    spend = taste + lift + generator.normal(0, 2, 10_000)
    return frame.with_columns(arm=pl.Series(np.where(in_b, "b", "a")), spend=pl.Series(spend))


def test_a_novelty_wears_off_and_an_effect_that_stays_does_not():
    plain = Metric("spend", "mean", "spend", role="primary")
    worn, stays = (run(days(novel), plain, unit="user", day="day") for novel in (True, False))
    late = worn.novelty[0]
    assert (late.early, late.late) == pytest.approx((2.0, 0.0), abs=0.7)
    assert late.comparison.effect == pytest.approx(-2.0, abs=0.2)
    assert late.comparison.p_value < 1e-6
    assert stays.novelty[0].comparison.p_value > 0.01
    assert len(worn.course) == 10
    assert worn.course[-1].fixed.effect == pytest.approx(worn.comparisons[0].comparison.effect)
    ends = worn.course[3]
    assert ends.sequential.low < ends.fixed.low < ends.fixed.high < ends.sequential.high


def test_page_is_one_file_without_scripts_that_says_what_the_terminal_says(tmp_path):
    frame = days(novel=True).with_columns(
        country=pl.when(pl.col("user") % 3 > 0).then(pl.lit("<b>de</b>")).otherwise(pl.lit("fr"))
    )
    plain = Metric("spend", "mean", "spend", role="primary")
    found = run(frame, plain, unit="user", day="day", segments=("country",))
    text = rendered(experiment_page(found))
    assert found.verdict.sentence.replace("'", "&#x27;") in text
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "country = &lt;b&gt;de&lt;/b&gt;" in text
    assert 'name="viewport"' in text
    write_experiment_page(found, tmp_path / "new" / "report.html")
    assert (tmp_path / "new" / "report.html").read_text(encoding="utf-8") == text
