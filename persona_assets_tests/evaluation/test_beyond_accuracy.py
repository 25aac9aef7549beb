import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import DataError
from persona_assets.evaluation.beyond_accuracy import gini, recommendation_analysis
from persona_assets.tables.evaluation import RECOMMENDATION_ANALYSIS


@pytest.fixture(scope="module")
def shop(mart):
    """Four users; a is touched by all of them (by one twice), b by two, c and d by one."""
    return mart(
        *((user, "a", -3) for user in ("ann", "bob", "cid", "dan", "ann")),
        ("ann", "b", -2),
        ("bob", "b", -2),
        ("cid", "c", -2),
        ("dan", "d", -2),
    )


@pytest.fixture(scope="module")
def products():
    return pl.DataFrame(
        {
            "product_id": ["a", "b", "c", "d", "unborn", "bare"],
            "category": ["x", "x", "y", "y", "x", None],
        }
    )


def value(table, metric, k=5, model="als"):
    return table.filter(model=model, metric=metric, k=k)["value"].item()


def test_golden_case(shop, products, lists, cutoff):
    shown = lists("als", ann="c d", bob="c a", everyone="b")
    table = recommendation_analysis(shown, shop, products, cutoff=cutoff)
    assert table.schema == RECOMMENDATION_ANALYSIS.polars_schema
    assert table.height == 4 * 3
    assert value(table, "catalog_coverage") == 3 / 4  # c, d, a of a, b, c, d
    # ann's pair is of one category, bob's of two.
    assert value(table, "intra_list_diversity") == (0 + 1) / 2
    # c and d: one user of four, 2 bits; a: everyone, 0 bits.
    assert value(table, "novelty") == ((2 + 2) / 2 + (2 + 0) / 2) / 2
    # Exposures 0, 1, 1, 2.
    assert value(table, "gini") == pytest.approx((-3 * 0 - 1 * 1 + 1 * 1 + 3 * 2) / (4 * 4))


def test_only_the_first_k_products_count(shop, products, lists, cutoff):
    shown = lists("als", ann="u v w x a b")
    table = recommendation_analysis(shown, shop, products, cutoff=cutoff)
    assert value(table, "catalog_coverage", k=5) == 1 / 4
    assert value(table, "catalog_coverage", k=10) == 2 / 4


def test_products_not_on_sale_are_no_coverage_but_as_novel_as_can_be_told(
    shop, products, lists, cutoff
):
    table = recommendation_analysis(lists("als", ann="unborn"), shop, products, cutoff=cutoff)
    assert value(table, "catalog_coverage") == 0
    assert value(table, "novelty") == math.log2(4)
    assert value(table, "gini") is None


def test_products_without_category_are_left_aside(shop, products, lists, cutoff):
    table = recommendation_analysis(
        lists("als", ann="a c bare", bob="bare d"), shop, products, cutoff=cutoff
    )
    assert value(table, "intra_list_diversity") == 1.0
    bare = products.with_columns(category=pl.lit(None, dtype=pl.String))
    table = recommendation_analysis(lists("als", ann="a c"), shop, bare, cutoff=cutoff)
    assert value(table, "intra_list_diversity") is None


def test_rows_at_or_after_the_cutoff_move_nothing(shop, products, lists, mart, cutoff):
    planted = mart(
        ("eve", "unborn", 0),
        ("ann", "c", 1),
        ("ann", "d", -1, "view", 1),
        ("eve", "bare", -1, "purchase", 5),
    )
    shown = lists("als", ann="c unborn", bob="d a")
    assert recommendation_analysis(
        shown, pl.concat([shop, planted]), products, cutoff=cutoff
    ).equals(recommendation_analysis(shown, shop, products, cutoff=cutoff))


def test_row_order_and_other_cutoffs_do_not_matter(shop, products, lists, cutoff):
    shown = pl.concat([lists("als", ann="c d", bob="c a"), lists("bpr", ann="b", bob="b d")])
    other = lists("als", cutoff=cutoff - timedelta(days=7), cid="a b c d")
    expected = recommendation_analysis(shown, shop, products, cutoff=cutoff)
    again = recommendation_analysis(
        pl.concat([other, shown]).sample(fraction=1, shuffle=True, seed=1),
        shop.sample(fraction=1, shuffle=True, seed=2),
        products.sample(fraction=1, shuffle=True, seed=3),
        cutoff=cutoff,
    )
    assert again.equals(expected)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any))
def test_gini_is_half_the_relative_mean_difference(exposure):
    x = np.array(exposure)
    differences = np.abs(x[:, None] - x[None, :]).mean()
    assert gini(x) == pytest.approx(differences / (2 * x.mean()), abs=1e-12)


def test_gini_of_equal_and_of_single_exposure():
    assert gini(np.array([3, 3, 3])) == 0
    assert gini(np.array([0, 0, 0, 8])) == 3 / 4


def test_no_lists_or_no_history_name_the_table(shop, products, lists, cutoff):
    shown = lists("als", ann="a")
    with pytest.raises(DataError, match=r"cutoff 2024-03-04: recommendations/top_k has no rows"):
        recommendation_analysis(shown.clear(), shop, products, cutoff=cutoff)
    with pytest.raises(DataError, match=r"user_item_interactions before it has no rows"):
        recommendation_analysis(shown, shop.clear(), products, cutoff=cutoff)
