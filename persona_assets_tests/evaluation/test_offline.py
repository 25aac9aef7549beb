from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.evaluation.evaluated_week import evaluate_week
from persona_assets.evaluation.metrics import KS, NAMES
from persona_assets.evaluation.offline import offline_metrics
from persona_assets.tables.evaluation import OFFLINE_METRICS


@pytest.fixture(scope="module")
def shop(mart):
    """Forty users who saw `old` and then interact with one to three of ten products."""
    generator = np.random.default_rng(0)
    rows = []
    for user in range(40):
        rows.append((f"u{user:02d}", "old", -3))
        interacted = generator.choice(10, size=generator.integers(1, 4), replace=False)
        rows += [
            (f"u{user:02d}", f"p{product}", int(generator.integers(7))) for product in interacted
        ]
    return mart(*rows)


@pytest.fixture(scope="module")
def top_k(lists):
    """Everyone gets the products in one order from popularity, in a random one from als."""
    generator = np.random.default_rng(1)
    products = [f"p{n}" for n in range(10)]
    names = [f"u{user:02d}" for user in range(40)]
    return pl.concat(
        [
            lists("popularity", **{name: " ".join(products) for name in names}),
            lists("als", **{name: " ".join(generator.permutation(products)) for name in names}),
        ]
    )


def evaluate(top_k, shop, cutoff, *, exclude="seen", **options):
    evaluated = evaluate_week(top_k, shop, cutoff=cutoff, exclude=exclude)
    return offline_metrics(evaluated, **options)


def value(table, column, **where):
    return table.filter(**where)[column].item()


def test_golden_case(mart, lists, cutoff):
    shop = mart(
        ("ann", "old", -3),
        ("bob", "old", -3),
        ("ann", "a", 1),
        ("ann", "b", 2),
        ("ann", "old", 2),  # seen before: not asked for
        ("bob", "c", 3),
        ("new", "a", 3),  # cold: not evaluated
    )
    shown = pl.concat(
        [
            lists("popularity", ann="x y a", bob="c x", everyone="a"),
            lists("als", ann="a x b", everyone="c"),  # bob falls back
        ]
    )
    table = evaluate(shown, shop, cutoff)
    assert table.schema == OFFLINE_METRICS.polars_schema
    assert table.height == 2 * len(NAMES) * len(KS)
    assert table["users"].unique().to_list() == [2]
    assert value(table, "value", model="popularity", metric="recall", k=5) == (1 / 2 + 1) / 2
    assert value(table, "value", model="als", metric="recall", k=5) == 1.0
    assert value(table, "value", model="als", metric="precision", k=5) == (2 / 5 + 1 / 5) / 2
    assert value(table, "value", model="popularity", metric="mrr", k=5) == (1 / 3 + 1) / 2
    assert value(table, "value", model="als", metric="map", k=5) == ((1 + 2 / 3) / 2 + 1) / 2
    assert value(table, "lift", model="als", metric="recall", k=5) == 1 / 4


def test_values_lie_in_their_intervals_and_the_baseline_has_no_lift(top_k, shop, cutoff):
    table = evaluate(top_k, shop, cutoff)
    assert table.filter(
        (pl.col("value") < pl.col("low"))
        | (pl.col("value") > pl.col("high"))
        | (pl.col("lift") < pl.col("lift_low"))
        | (pl.col("lift") > pl.col("lift_high"))
    ).is_empty()
    baseline = table.filter(model="popularity").select("lift", "lift_low", "lift_high")
    assert np.all(baseline.to_numpy() == 0)


def test_lift_is_paired(top_k, shop, cutoff):
    # The same lists under another name: they do not differ on these users, and what is left is that
    # they might on others.
    twin = top_k.filter(model="popularity").with_columns(model=pl.lit("twin"))
    table = evaluate(pl.concat([top_k, twin]), shop, cutoff).filter(model="twin")
    assert (table["high"] - table["low"]).max() > 0.05
    assert (table["lift"] == 0).all()
    assert table["lift_high"].to_list() == pytest.approx([0.070635] * table.height, abs=1e-6)
    assert (table["lift_low"] == -table["lift_high"]).all()
    assert (table["lift_p_value"] == 1).all()


def test_future_and_late_rows_move_nothing(top_k, shop, mart, cutoff):
    planted = mart(
        ("u00", "p1", 7, "purchase"),  # after the evaluated week
        ("u01", "p2", 3, "purchase", 4),  # of the week, but arrived after it
        ("u02", "p3", -2, "purchase", 2),  # before the cut-off, but arrived after it
        ("u99", "p4", -2, "view", 3),  # the same for someone not known otherwise
        ("u99", "p5", 2),
    )
    moved = evaluate(top_k, pl.concat([shop, planted]), cutoff)
    assert moved.equals(evaluate(top_k, shop, cutoff))


def test_row_order_and_other_cutoffs_do_not_matter(top_k, shop, cutoff):
    expected = evaluate(top_k, shop, cutoff)
    other = top_k.with_columns(
        cutoff=pl.col("cutoff") - timedelta(days=7), rank=21 - pl.col("rank")
    )
    again = evaluate(
        pl.concat([other, top_k]).sample(fraction=1, shuffle=True, seed=3),
        shop.sample(fraction=1, shuffle=True, seed=4),
        cutoff,
    )
    assert again.equals(expected)


def test_a_further_model_does_not_move_the_others(top_k, shop, cutoff):
    more = pl.concat([top_k, top_k.filter(model="als").with_columns(model=pl.lit("aaa"))])
    with_more = evaluate(more, shop, cutoff).filter(pl.col("model") != "aaa")
    expected = evaluate(top_k, shop, cutoff)
    assert with_more.drop(pl.selectors.float()).equals(expected.drop(pl.selectors.float()))
    np.testing.assert_allclose(
        with_more.select(pl.selectors.float()), expected.select(pl.selectors.float()), atol=1e-12
    )


def test_missing_baseline_names_it(top_k, shop, cutoff):
    with pytest.raises(DataError, match=r"cutoff 2024-03-04: .*'popularity'.*materialize"):
        evaluate(top_k.filter(model="als"), shop, cutoff)


def test_a_week_without_relevant_users_is_insufficient(top_k, shop, cutoff):
    before = shop.filter(pl.col("event_date") < cutoff)
    with pytest.raises(DataError, match=r"no user known before the cut-off interacted"):
        evaluate(top_k, before, cutoff)


def test_another_baseline_can_be_chosen(top_k, shop, cutoff):
    one = evaluate(top_k, shop, cutoff, baseline="als")
    other = evaluate(top_k, shop, cutoff)
    np.testing.assert_allclose(
        one.filter(model="popularity")["lift"], -other.filter(model="als")["lift"].to_numpy()
    )
