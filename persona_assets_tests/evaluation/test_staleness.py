from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import InsufficientDataError
from persona_assets.evaluation import staleness as module
from persona_assets.evaluation.evaluated_week import evaluate_week
from persona_assets.evaluation.lists import Lists
from persona_assets.evaluation.offline import offline_metrics
from persona_assets.evaluation.staleness import AGES, metrics_by_training_age, without
from persona_assets.tables.evaluation import STALENESS

WEEK = timedelta(days=7)


def stale(tops, shop, **options):
    tables = {rows["cutoff"][0]: rows for rows in tops}
    return metrics_by_training_age(
        list(tables), tables.__getitem__, shop, **{"exclude": "seen"} | options
    )


def value(table, column="value", metric="recall", **where):
    return table.filter(metric=metric, **where)[column].item()


def test_golden_case(mart, lists, cutoff):
    shop = mart(
        ("ann", "old", -9),
        ("bob", "old", -9),
        ("ann", "a", -3),  # seen between the two trainings
        ("new", "old", -3),  # not known to the older training
        ("ann", "b", 1),
        ("ann", "a", 1),
        ("bob", "c", 1),
        ("new", "b", 1),
    )
    before = lists("als", cutoff - WEEK, ann="a x b", bob="x", everyone="c")
    own = lists("als", cutoff, ann="b", bob="c", new="b", everyone="c")
    table = stale([own, before], shop)
    assert table.schema == STALENESS.polars_schema
    week = table.filter(cutoff=cutoff)
    assert week["age_weeks"].unique().to_list() == [1, 2]
    assert set(week["users"]) == {2}  # ann and bob
    assert value(week, age_weeks=1) == 1.0
    assert value(week, age_weeks=2) == 1 / 2  # ann finds b, bob nothing
    # a is out, since ann has seen it by now: b has moved up from rank 3 to 2.
    assert value(week, metric="ndcg", age_weeks=2) == pytest.approx(1 / np.log2(3) / 2)
    assert value(week, "change", age_weeks=2) == -1 / 2
    assert value(week, "change", age_weeks=1) == value(week, "change_low", age_weeks=1) == 0
    # In the week before there is no older training, and new is not there yet.
    assert table.filter(cutoff=cutoff - WEEK).select("age_weeks", "users").unique().rows() == [
        (1, 1)
    ]


def test_the_weeks_own_training_is_evaluated_as_in_the_offline_metrics(mart, lists, cutoff):
    shop = mart(
        ("ann", "old", -9), ("bob", "old", -9), ("ann", "b", 1), ("bob", "c", 2), ("bob", "d", 2)
    )
    own = lists("als", cutoff, ann="x b", everyone="d x y")
    table = stale([own], shop)
    expected = offline_metrics(
        evaluate_week(own, shop, cutoff=cutoff, exclude="seen"), baseline="als"
    )
    for metric in ("ndcg", "recall", "hit_rate"):
        [row] = expected.filter(metric=metric, k=10).to_dicts()
        for column in ("value", "low", "high"):
            assert value(table, column, metric) == pytest.approx(row[column])


def test_old_lists_are_used_for_later_weeks_only_as_far_as_promised(mart, lists, cutoff):
    weeks = [cutoff + WEEK * n for n in range(AGES + 2)]
    shop = mart(("ann", "old", -9), *(("ann", f"p{n}", 7 * n + 1) for n in range(AGES + 2)))
    tops = [lists("als", week, ann=f"p{n}", everyone="z") for n, week in enumerate(weeks)]
    asked = []

    def lists_at(week):
        asked.append(week)
        return tops[weeks.index(week)]

    table = metrics_by_training_age(weeks, lists_at, shop, exclude="seen")
    assert asked == weeks  # each once
    ages = {week: set(rows["age_weeks"]) for (week,), rows in table.group_by("cutoff")}
    assert ages == {week: set(range(1, min(n, AGES - 1) + 2)) for n, week in enumerate(weeks)}
    assert set(table.filter(metric="recall", age_weeks=1)["value"]) == {1.0}
    assert set(table.filter(metric="recall").filter(pl.col("age_weeks") > 1)["value"]) == {0.0}


def test_only_the_newest_weeks_are_evaluated(mart, lists, cutoff, monkeypatch):
    monkeypatch.setattr(module, "WEEKS", 1)
    shop = mart(("ann", "old", -30), ("ann", "b", 1))
    tops = [lists("als", cutoff - WEEK * n, ann="b", everyone="z") for n in range(6)]
    table = stale(tops, shop)
    assert table["cutoff"].unique().to_list() == [cutoff]
    assert set(table["age_weeks"]) == {1, 2, 3, 4}


def test_order_of_rows_and_weeks_does_not_matter(mart, lists, cutoff):
    shop = mart(("ann", "old", -9), ("bob", "old", -9), ("ann", "b", 1), ("bob", "c", 2))
    tops = [
        pl.concat([lists("als", week, ann="b x", bob="y c"), lists("bpr", week, everyone="c")])
        for week in (cutoff - WEEK, cutoff)
    ]
    shuffled = [rows.sample(fraction=1, shuffle=True, seed=1) for rows in reversed(tops)]
    again = stale(shuffled, shop.sample(fraction=1, shuffle=True, seed=2))
    assert again.equals(stale(tops, shop))


def test_a_model_without_old_lists_is_left_out(mart, lists, cutoff):
    shop = mart(("ann", "old", -9), ("ann", "b", 1))
    before = lists("als", cutoff - WEEK, ann="b")
    own = pl.concat([lists("als", cutoff, ann="b"), lists("young", cutoff, ann="b")])
    table = stale([before, own], shop).filter(cutoff=cutoff)
    assert table["model"].unique().to_list() == ["als"]


def test_nothing_evaluated_gives_no_rows(mart, lists, cutoff):
    with pytest.raises(InsufficientDataError, match="no week has been evaluated"):
        stale([], mart(("ann", "old", -9)))
    quiet = stale([lists("als", cutoff, ann="b")], mart(("ann", "old", -9)))
    assert quiet.equals(STALENESS.empty())


@given(
    st.lists(st.permutations(range(5)), min_size=1, max_size=4),
    st.sets(st.tuples(st.integers(0, 3), st.integers(0, 6))),
    st.integers(0, 5),
)
def test_taking_products_out_keeps_the_order_of_the_rest(rows, gone, length):
    products = np.array(rows)
    products[:, length:] = -1
    scores = np.where(products >= 0, -np.arange(5.0), np.nan)
    gone = sorted(pair for pair in gone if pair[0] < len(rows))
    pairs = tuple(np.array(gone, dtype=np.int64).reshape(-1, 2).T)
    left = without(Lists(products, scores, np.ones(len(rows), dtype=bool)), pairs)
    for row, kept in enumerate(left.products.tolist()):
        expected = [p for p in rows[row][:length] if (row, p) not in gone]
        assert kept == expected + [-1] * (5 - len(expected))
        assert np.isnan(left.scores[row, len(expected) :]).all()
        assert left.scores[row, : len(expected)].tolist() == [
            -float(rank) for rank, p in enumerate(rows[row][:length]) if (row, p) not in gone
        ]
