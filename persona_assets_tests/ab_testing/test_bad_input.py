"""What is wrong with a file is said by name, with the number of rows and what to do."""

import math

import polars as pl
import pytest

from persona_assets.ab_testing.analysis import analyse
from persona_assets.ab_testing.declaration import Declaration, Metric, Plan
from persona_assets.ab_testing.declaration_file import declared
from persona_assets.errors import DataError, InsufficientDataError, UserError

VISIT = Metric("visit", "proportion", "visit", role="primary")


def rows(**columns):
    plain = {"arm": ["a", "b"] * 50, "visit": [0, 1, 1, 0] * 25}
    return pl.DataFrame(plain | columns)


def run(frame, *metrics, **more):
    return analyse(frame, Declaration("test", "arm", "a", metrics or (VISIT,), **more))


def test_an_empty_arm_is_named_with_the_arms_that_there_are():
    with pytest.raises(DataError, match=r"arm 'c' has no units: column 'arm' holds 'a', 'b'"):
        run(rows(), challengers=("b", "c"))
    with pytest.raises(DataError, match=r"arm 'a' has no units: column 'arm' holds 'b'"):
        run(rows().filter(pl.col("arm") == "b"))
    with pytest.raises(DataError, match="there is no arm beside control"):
        run(rows().filter(pl.col("arm") == "a"))
    with pytest.raises(InsufficientDataError, match="two units in every arm, and there are 1 in b"):
        run(rows()[[0, 1, 2, 4]])


def test_no_conversions_at_all_show_nothing_and_say_what_could_be_seen():
    found = run(rows(visit=[0] * 100))
    row = found.comparisons[0]
    assert (row.comparison.effect, row.comparison.p_value) == (0.0, 1.0)
    assert row.comparison.low < 0 < row.comparison.high
    assert (row.relative, row.finding) == (None, "not told apart")
    assert found.verdict.decision == "go_on"
    assert "arms of 50 would show" in found.verdict.sentence


def test_a_mean_that_never_varies_shows_nothing():
    found = run(rows(spend=[0.0] * 100), VISIT, Metric("spend", "mean", "spend"))
    row = found.comparisons[-1]
    assert (row.comparison.p_value, row.minimum_detectable, row.posterior) == (1.0, None, None)


def test_a_guardrail_that_never_varies_is_no_reason_to_ship():
    frame = rows(visit=[0, 1] * 50, spend=[0.0] * 100)
    found = run(frame, VISIT, Metric("spend", "mean", "spend", role="guardrail", margin=0.1))
    assert found.verdict.decision == "go_on"


def test_denominators_of_zero_are_named():
    frame = rows(clicks=[0] * 100, seen=[5, 0] * 50)
    ctr = Metric("ctr", "ratio", "clicks", denominator="seen", role="primary")
    with pytest.raises(InsufficientDataError, match=r"ctr is primary.*\(seen\) sums to 0 in arm b"):
        run(frame, ctr)
    second = Metric("ctr", "ratio", "clicks", denominator="seen")
    found = run(frame, VISIT, second)
    assert list(found.evidence.left_out) == ["ctr"]
    some = run(rows(clicks=[1, 1] * 50, seen=[5, 5, 0, 5] * 25), VISIT, second)
    assert some.evidence.notes == (
        "ctr: 25 units have a numerator and a denominator of 0; they count in the ratio of sums",
    )


def test_units_in_two_arms_are_in_no_number_and_many_make_it_invalid():
    frame = rows(user=[f"u{n}" for n in range(99)] + ["u0"])
    found = run(frame.with_columns(pl.col("user")), unit="user")
    assert found.evidence.units_in_two_arms == 1
    assert sum(found.assignment.units.values()) == 98
    assert found.evidence.notes == ("1 unit of 99 are in more than one arm and in no number",)
    assert found.verdict.decision == "invalid"
    assert "1.0 % of its units" in found.verdict.sentence


def test_negative_amounts_count_and_are_noted():
    found = run(rows(spend=[-5.0, 10.0, 0.0, 3.0] * 25), VISIT, Metric("spend", "mean", "spend"))
    assert found.evidence.notes == (
        "spend: 25 units below 0, as refunds are; they count as they are",
    )
    assert found.comparisons[-1].comparison.control_value == -2.5


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["0", "n/a"], r"50 cells of 100 hold no number, such as 'n/a'"),
        (["0", None], r"50 cells of 100 are empty or NaN.*missing = \"zero\""),
        (["0", "inf"], r"hold no number, such as 'inf'"),
        (["0", "2"], r"50 cells are neither 0 nor 1, such as 2"),
        (["0", "0,5"], r"write numbers with a point"),
    ],
)
def test_cells_that_are_no_numbers_are_counted_and_shown(cells, said):
    with pytest.raises(DataError, match=f"metric visit, column 'visit'.*{said}"):
        run(rows(visit=cells * 50))


def test_nan_in_typed_columns_is_an_empty_cell_which_may_mean_zero():
    frame = rows(spend=[float("nan"), 4.0] * 50)
    with pytest.raises(DataError, match="empty or NaN"):
        run(frame, VISIT, Metric("spend", "mean", "spend"))
    found = run(frame, VISIT, Metric("spend", "mean", "spend", missing="zero"))
    assert found.comparisons[-1].comparison.control_value == 0.0


def test_rows_without_arm_and_other_arms_are_left_out_and_counted():
    frame = rows(arm=["a", "b"] * 48 + [None, "c", "c", None])
    assert run(frame, challengers=("b",)).evidence.notes == (
        "2 rows without an arm left out",
        "2 rows of other arms (c) left out",
    )


def test_true_and_false_are_flags():
    assert run(rows(visit=[False, True] * 50)).comparisons[0].comparison.effect == 1.0


def test_days_that_are_none_are_shown():
    with pytest.raises(DataError, match=r"column 'day': 50 cells hold no day, such as 'Monday'"):
        run(rows(day=["2026-03-01", "Monday"] * 50), day="day")
    with pytest.raises(DataError, match="write dates as 2026-03-01"):
        run(rows(day=[20260301, 20260302] * 50), day="day")


def test_aggregates_that_cannot_be_are_named():
    body = {
        "aggregates": {"arm": "arm"},
        "arms": {"control": "a"},
        "metrics": {"v": {"kind": "proportion", "role": "primary", "units": "n", "sum": "s"}},
    }
    mapping = declared(body, where="m", name="test")
    with pytest.raises(DataError, match=r"arm 'a' has 12 of 10 units; a proportion lies between"):
        analyse(pl.DataFrame({"arm": ["a", "b"], "n": [10, 10], "s": [12, 3]}), mapping)
    with pytest.raises(DataError, match="several rows are of arm 'a' on the same day"):
        analyse(pl.DataFrame({"arm": ["a", "a"], "n": [10, 10], "s": [2, 3]}), mapping)
    with pytest.raises(DataError, match="there is no arm beside control"):
        analyse(pl.DataFrame({"arm": ["a"], "n": [10], "s": [2]}), mapping)
    with pytest.raises(InsufficientDataError, match="two units in every arm"):
        analyse(pl.DataFrame({"arm": ["a", "b"], "n": [10, 1], "s": [2, 1]}), mapping)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arms": {}}, r"\[arms\]: 'control' is missing"),
        ({"unit": {}}, "unknown section 'unit'; did you mean 'units'"),
        ({"metrics": {}}, "no metrics are primary; exactly one decides"),
        ({"metrics": {"v": {"kind": "share"}}}, r"'kind' is 'share'; use one of proportion, mean"),
        ({"metrics": {"v": {"kind": "mean", "role": "guardrail"}}}, "guardrail without a margin"),
        ({"metrics": {"v": {"kind": "ratio"}}}, "'numerator' is missing"),
        ({"metrics": {"v": {"kind": "mean", "winsorize": 0.9}}}, "did you mean 'winsorise'"),
        ({"plan": {"monitoring": "hybrid"}}, "needs to know the end: give units"),
        ({"plan": {"units": 1.5}}, "units is 1.5; give a whole number"),
        ({"aggregates": {"arm": "arm"}}, r"and not both"),
        ({"arms": {"control": "a", "shares": {"b": 1}}}, "not for control, 'a'"),
    ],
)
def test_a_declaration_that_cannot_be_meant_says_where(change, said):
    whole = {
        "units": {"arm": "arm"},
        "arms": {"control": "a"},
        "metrics": {"visit": {"kind": "proportion", "role": "primary"}},
    }
    declared(whole, where="m", name="test")
    with pytest.raises(UserError, match=said):
        declared(whole | change, where="m", name="test")


def test_settings_outside_of_their_range_are_refused():
    with pytest.raises(UserError, match=r"primary_weight is 1\.5"):
        Plan(primary_weight=1.5)
    with pytest.raises(UserError, match="margin is 2"):
        Metric("m", "mean", "m", role="guardrail", margin=2)
    with pytest.raises(UserError, match="only guardrails have one"):
        Metric("m", "mean", "m", margin=0.1)


@pytest.mark.parametrize("cell", ["1e308", "-1e101", "1e-300"])
def test_numbers_that_nothing_can_be_computed_with_are_refused(cell):
    frame = rows(spend=[cell] + ["1.5"] * 99)
    with pytest.raises(DataError, match=r"metric spend.*1 cell of 100 are of a size"):
        run(frame, VISIT, Metric("spend", "mean", "spend"))


@pytest.mark.parametrize("quantiles", [0, 0.5, "0.5", {"a": 1}])
def test_quantiles_are_a_list(quantiles):
    document = {
        "units": {"arm": "arm"},
        "arms": {"control": "a"},
        "metrics": {"visit": {"kind": "mean", "role": "primary", "quantiles": quantiles}},
    }
    with pytest.raises(UserError, match=r"'quantiles' is .*; give a list, as \[0.5, 0.9\]"):
        declared(document, where="mapping m.toml", name="m")


@pytest.mark.parametrize("deviation", [0.0, -1.0, 1e308, float("nan"), float("inf")])
def test_a_prior_that_says_nothing_or_overflows_is_refused(deviation):
    with pytest.raises(UserError, match=r"prior_deviation is .*above 0 and at most 100"):
        Plan(prior_deviation=deviation)


def test_without_any_variation_nothing_measures_chance():
    """Six threes against six fours: the difference is certain, and no test can say so."""
    frame = pl.DataFrame({"arm": ["a", "b"] * 6, "x": [3.0, 4.0] * 6})
    found = run(frame, Metric("x", "mean", "x", role="primary"))
    row = found.comparisons[0]
    assert (row.comparison.effect, row.comparison.p_value) == (1.0, 1.0)
    assert (row.comparison.low, row.comparison.high) == (-math.inf, math.inf)
    assert (row.relative, found.verdict.decision) == (None, "go_on")


def test_where_everybody_converts_there_is_no_interval_of_the_lift():
    row = run(rows(visit=[1] * 100)).comparisons[0]
    assert row.relative is None
    assert row.comparison.low < 0 < row.comparison.high


def test_nan_as_a_text_is_an_empty_cell_as_it_is_as_a_number():
    spend = Metric("spend", "mean", "spend", missing="zero")
    texts, values = (
        run(rows(spend=cells), VISIT, spend).comparisons[-1].comparison
        for cells in (["NaN", "1.5"] * 50, [float("nan"), 1.5] * 50)
    )
    assert texts == values
    with pytest.raises(DataError, match="50 cells of 100 are empty or NaN"):
        run(rows(spend=["nan", "1"] * 50), VISIT, Metric("spend", "mean", "spend"))


def test_blanks_around_cells_make_no_other_arm():
    plain = run(rows()).comparisons
    assert run(rows(arm=["a", " b ", "a ", "b"] * 25)).comparisons == plain


def test_strata_that_cannot_be_used_are_noted():
    found = run(rows(uid=[str(n) for n in range(100)]), strata=("uid",))
    assert any(note.startswith("strata (uid) are not used: fewer") for note in found.evidence.notes)
