"""From a frame and a declaration to one verdict."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from persona_assets.ab_testing.analysis import analyse, analyse_file
from persona_assets.ab_testing.declaration import Declaration, Metric, Plan
from persona_assets.ab_testing.declaration_file import declared

VISIT = Metric("visit", "proportion", "visit", role="primary")
SPEND = Metric("spend", "mean", "spend", role="guardrail", margin=0.2)


def shop(units=4000, *, seed=1, **rates):
    """Units with an arm, a visit and spending, by chance; rates of visits by arm."""
    generator = np.random.default_rng(seed)
    arms = generator.choice([*rates], units)
    visit = generator.random(units) < np.array([rates[arm] for arm in arms])
    return pl.DataFrame(
        {"arm": arms, "visit": visit.astype(int), "spend": generator.gamma(2.0, 10.0, units)}
    )


def declaration(*metrics, **more):
    return Declaration("test", "arm", "a", metrics or (VISIT,), **more)


def compared(analysis, metric="visit", arm="b"):
    return next(
        each
        for each in analysis.comparisons
        if (each.metric, each.arm, each.against) == (metric, arm, "a")
    )


def test_a_clear_gain_is_shipped_with_numbers_that_scipy_finds():
    rows = shop(a=0.10, b=0.15)
    found = analyse(rows, declaration(VISIT, SPEND))
    assert (found.verdict.decision, found.verdict.arm) == ("ship", "b")
    arm, control = (rows.filter(pl.col("arm") == name)["spend"].to_numpy() for name in ("b", "a"))
    ours, theirs = (
        compared(found, "spend").comparison,
        stats.ttest_ind(arm, control, equal_var=False),
    )
    ends = theirs.confidence_interval(0.95)
    assert (ours.p_value, ours.low, ours.high) == pytest.approx(
        (theirs.pvalue, ends.low, ends.high)
    )


def test_verdict_s_words_name_metrics_arms_and_what_could_be_seen():
    equal = analyse(shop(a=0.1, b=0.1), declaration()).verdict
    assert equal.decision == "go_on"
    assert "no arm is distinguishably better in visit than control" in equal.sentence
    assert "pp (" in equal.sentence
    amounts = analyse(
        shop(a=0.1, b=0.1), declaration(Metric("spend", "mean", "spend", role="primary"))
    )
    assert "pp" not in amounts.verdict.sentence


def test_less_is_better_is_a_gain_and_shown_as_it_is():
    rows = shop(a=0.15, b=0.10)
    metric = Metric("returned", "proportion", "visit", role="primary", direction="decrease")
    found = analyse(rows, declaration(metric))
    assert found.verdict.decision == "ship"
    assert ": returned -" in found.verdict.sentence
    shown = compared(found, "returned").comparison
    assert shown.effect < 0
    assert f"[{100 * shown.low:.2f}, {100 * shown.high:.2f}] over control" in found.verdict.sentence
    worse = analyse(shop(a=0.10, b=0.15), declaration(metric))
    assert worse.verdict.decision == "keep"


def test_a_guardrail_of_which_less_is_better_may_not_rise():
    rows = shop(a=0.10, b=0.15).with_columns(
        seconds=pl.when(pl.col("arm") == "b").then(pl.col("spend") * 1.5).otherwise("spend")
    )
    metric = Metric(
        "seconds", "mean", "seconds", role="guardrail", direction="decrease", margin=0.1
    )
    found = analyse(rows, declaration(VISIT, metric))
    assert found.verdict.decision == "keep"
    assert "harms seconds" in found.verdict.sentence


def test_equal_winners_are_taken_as_they_were_declared():
    rows = shop(30_000, a=0.1, b=0.14, c=0.14)
    for order in (("b", "c"), ("c", "b")):
        found = analyse(rows, declaration(challengers=order)).verdict
        assert found.arm == order[0]
        assert "cannot be told apart" in found.sentence
        assert f"as it was declared first, take {order[0]}" in found.sentence


def test_sizes_that_shares_do_not_explain_are_invalid_unless_they_were_planned():
    rows = shop(a=0.1, b=0.2).filter((pl.col("arm") == "a") | (pl.int_range(pl.len()) % 5 > 0))
    found = analyse(rows, declaration())
    assert found.verdict.decision == "invalid"
    planned = analyse(rows, declaration(shares={"a": 5, "b": 4}))
    assert planned.verdict.decision == "ship"


def test_before_its_planned_end_a_fixed_test_has_no_verdict():
    rows = shop(a=0.10, b=0.2)
    early = analyse(rows, declaration(plan=Plan(units=100_000)))
    assert early.verdict.decision == "go_on"
    assert "4,000 of 100,000 planned units" in early.verdict.sentence
    for monitoring in ("sequential", "hybrid"):
        found = analyse(rows, declaration(plan=Plan(monitoring, units=100_000)))
        assert found.verdict.decision == "ship"


def test_a_hybrid_spends_a_fifth_while_it_runs_and_the_rest_at_its_end():
    rows = shop(a=0.10, b=0.115)
    fixed = compared(analyse(rows, declaration())).comparison
    running = analyse(rows, declaration(plan=Plan("hybrid", units=8000)))
    ended = analyse(rows, declaration(plan=Plan("hybrid", units=4000)))
    assert (running.timing.confidence, ended.timing.confidence) == pytest.approx((0.99, 0.96))
    assert compared(ended).comparison.p_value == pytest.approx(fixed.p_value / 0.8)
    widths = [compared(each).comparison for each in (running, ended)]
    assert widths[0].high - widths[0].low > widths[1].high - widths[1].low > fixed.high - fixed.low


def test_secondary_metrics_take_nothing_from_the_primary_one():
    rows = shop(a=0.10, b=0.125)
    noise = [Metric(f"noise {n}", "mean", "spend") for n in range(20)]
    alone = compared(analyse(rows, declaration())).adjusted_p_value
    many = analyse(rows, declaration(VISIT, *noise))
    assert compared(many).adjusted_p_value == alone
    weighted = analyse(rows, declaration(VISIT, *noise, plan=Plan(primary_weight=0.8)))
    assert compared(weighted).adjusted_p_value == pytest.approx(alone / 0.8)
    assert compared(weighted, "noise 3").correction == "preferential Bonferroni"


def test_rows_of_a_unit_count_as_one():
    """Sessions of assigned users: ten copies of every row are no more evidence."""
    rows = shop(a=0.10, b=0.12).with_row_index("user")
    copies = pl.concat([rows] * 10)
    metric = Metric("rate", "ratio", "visit", role="primary")
    once = analyse(rows, declaration(metric, unit="user"))
    ten = analyse(copies, declaration(metric, unit="user"))
    as_rows = analyse(copies, declaration(metric))
    error = compared(once, "rate").comparison.standard_error
    assert compared(ten, "rate").comparison.standard_error == pytest.approx(error)
    assert compared(as_rows, "rate").comparison.standard_error < error / 3
    flags = analyse(copies, declaration(unit="user"))
    assert compared(flags).comparison == compared(analyse(rows, declaration())).comparison


def aggregated(rows, *, by=()):
    return rows.group_by("arm", *by).agg(
        units=pl.len(),
        visits=pl.col("visit").sum(),
        total=pl.col("spend").sum(),
        squares=(pl.col("spend") ** 2).sum(),
        mean=pl.col("spend").mean(),
        variance=pl.col("spend").var(),
        rate=pl.col("visit").mean(),
    )


SUMS = {
    "aggregates": {"arm": "arm"},
    "arms": {"control": "a"},
    "metrics": {
        "visit": {"kind": "proportion", "role": "primary", "units": "units", "sum": "visits"},
        "spend": {
            "kind": "mean", "role": "guardrail", "margin": 0.2, "units": "units",
            "sum": "total", "sum_squares": "squares",
        },
    },
}  # fmt: skip


def like(found, wanted):
    for ours, theirs in zip(found.comparisons, wanted.comparisons, strict=True):
        assert vars(ours.comparison) == pytest.approx(vars(theirs.comparison), rel=1e-9)
    assert found.verdict == wanted.verdict


def test_aggregates_say_what_units_say():
    rows = shop(a=0.10, b=0.12)
    wanted = analyse(rows, declaration(VISIT, SPEND))
    like(analyse(aggregated(rows), declared(SUMS, where="m", name="test")), wanted)
    moments = SUMS | {
        "metrics": {
            "visit": {"kind": "proportion", "role": "primary", "units": "units", "mean": "rate"},
            "spend": {
                "kind": "mean", "role": "guardrail", "margin": 0.2, "units": "units",
                "mean": "mean", "variance": "variance",
            },
        }
    }  # fmt: skip
    like(analyse(aggregated(rows), declared(moments, where="m", name="test")), wanted)


def test_days_of_aggregates_add_up_and_cumulative_ones_are_taken_as_they_are():
    rows = shop(a=0.10, b=0.12).with_columns(day=pl.int_range(pl.len()) % 7 + 1)
    wanted = analyse(rows, declaration(VISIT, SPEND, day="day"))
    daily = SUMS | {"aggregates": {"arm": "arm", "day": "day"}}
    like(analyse(aggregated(rows, by=["day"]), declared(daily, where="m", name="test")), wanted)
    until = pl.concat(
        [
            aggregated(rows.filter(pl.col("day") <= day)).with_columns(day=pl.lit(day))
            for day in range(1, 8)
        ]
    )
    cumulative = SUMS | {"aggregates": {"arm": "arm", "day": "day", "cumulative": True}}
    found = analyse(until, declared(cumulative, where="m", name="test"))
    like(found, wanted)
    assert [look.units for look in found.evidence.looks] == [
        look.units for look in wanted.evidence.looks
    ]


def test_control_and_treatment_in_one_row():
    """The columns of ASOS' digital experiments, with a checkpoint that lacks numbers."""
    rows = aggregated(shop(a=0.10, b=0.12, c=0.12))
    stats_of = {row["arm"]: row for row in rows.to_dicts()}
    wide = pl.DataFrame(
        [
            {
                "experiment_id": "036afc", "variant_id": variant, "metric_id": metric,
                "time_since_start": 0.5,
                **{f"count_{s}": float(stats_of[a]["units"]) for s, a in (("c", "a"), ("t", arm))},
                **{f"mean_{s}": stats_of[a][mean] for s, a in (("c", "a"), ("t", arm))},
                **{f"variance_{s}": stats_of[a]["variance"] for s, a in (("c", "a"), ("t", arm))},
            }
            for variant, arm in ((1, "b"), (2, "c"))
            for metric, mean in ((1, "rate"), (4, "mean"))
        ]
    )  # fmt: skip
    gap = wide[:1].with_columns(
        time_since_start=pl.lit(1.0), mean_t=None, count_t=None, variance_t=None
    )
    other = wide.with_columns(experiment_id=pl.lit("bac0d3"))
    found = analyse(pl.concat([wide, gap, other], how="vertical_relaxed"), declared(
        {
            "aggregates": {
                "arm": "variant_id", "day": "time_since_start", "cumulative": True,
                "where": {"experiment_id": "036afc"},
            },
            "metrics": {
                "binary": {
                    "kind": "proportion", "role": "primary", "where": {"metric_id": 1},
                    "control": {"units": "count_c", "mean": "mean_c"},
                    "treatment": {"units": "count_t", "mean": "mean_t"},
                },
                "amount": {
                    "kind": "mean", "where": {"metric_id": 4},
                    "control": {"units": "count_c", "mean": "mean_c", "variance": "variance_c"},
                    "treatment": {"units": "count_t", "mean": "mean_t", "variance": "variance_t"},
                },
            },
        }, where="m", name="asos"))  # fmt: skip
    assert found.evidence.arms == ("control", "1", "2")
    sizes = found.assignment.units
    assert sizes == {name: stats_of[arm]["units"] for name, arm in zip(sizes, "abc", strict=True)}
    row = next(each for each in found.comparisons if each.metric == "amount" and each.arm == "1")
    assert row.comparison.value == pytest.approx(stats_of["b"]["mean"])
    assert found.evidence.notes == ("binary: 1 row without numbers left out",)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_files_of_every_kind_say_the_same(tmp_path, ending):
    rows = shop(500, a=0.10, b=0.12)
    path = tmp_path / f"test.{ending}"
    if ending == "parquet":
        rows.write_parquet(path)
    else:
        rows.write_csv(path, compression="gzip" if ending.endswith("gz") else "uncompressed")
    found = analyse_file(path, declaration(VISIT, SPEND))
    like(found, analyse(rows, declaration(VISIT, SPEND)))


@pytest.mark.parametrize("plan", [Plan(), Plan("sequential"), Plan("hybrid", units=10**6)])
def test_the_size_that_a_gain_needs_follows_from_what_these_arms_see(plan):
    """n · (seen / wanted)², by whatever interval: a sequential one needs more."""
    rows = shop(a=0.1, b=0.1)
    found = analyse(rows, declaration(plan=plan))
    row = compared(found)
    wanted = 0.05 * row.comparison.control_value
    needed = row.units * (row.minimum_detectable / wanted) ** 2
    said = found.verdict.sentence.rpartition("needs arms of ")[2].partition(".")[0]
    assert int(said.replace(",", "")) == pytest.approx(needed, rel=1e-3)


def test_what_fixed_and_sequential_experiments_see_is_what_they_find_in_four_of_five():
    """Effects of the size that is said to be seen are found by the interval in 80 % of draws."""
    generator = np.random.default_rng(7)
    for monitoring in ("fixed", "sequential"):
        first = compared(analyse(shop(a=0.1, b=0.1), declaration(plan=Plan(monitoring))))
        seen, error = first.minimum_detectable, first.comparison.standard_error
        half = (first.comparison.high - first.comparison.low) / 2
        draws = generator.normal(seen, error, 4000)
        assert (np.abs(draws) > half).mean() == pytest.approx(0.8, abs=0.025)


@settings(max_examples=20)
@given(st.permutations(range(60)), st.integers(0, 2**60 - 1))
def test_order_of_rows_changes_nothing_and_swapped_arms_change_the_sign(order, bits):
    rows = pl.DataFrame(
        {
            "arm": ["a", "b"] * 30,
            "visit": [bits >> place & 1 for place in range(60)],
            "user": [f"u{place % 40:02d}" if place < 40 else f"v{place}" for place in range(60)],
        }
    )
    found = compared(analyse(rows, declaration(unit="user")))
    shuffled = compared(analyse(rows[list(order)], declaration(unit="user")))
    assert shuffled.comparison == found.comparison
    swapped = analyse(
        rows.with_columns(arm=pl.col("arm").replace({"a": "b", "b": "a"})), declaration(unit="user")
    )
    turned = compared(swapped).comparison
    assert (turned.effect, turned.low, turned.high) == pytest.approx(
        (-found.comparison.effect, -found.comparison.high, -found.comparison.low)
    )
    assert turned.p_value == pytest.approx(found.comparison.p_value)
