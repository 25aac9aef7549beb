import json
import math
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import DataError
from persona_assets.evaluation.beyond_accuracy import (
    category_diversity,
    embedding_diversity,
    gini,
    mean_over_lists,
    recommendation_analysis,
    serendipity,
)
from persona_assets.evaluation.evaluated_week import evaluate_week
from persona_assets.evaluation.metrics import KS
from persona_assets.tables.evaluation import RECOMMENDATION_ANALYSIS
from persona_assets.tables.features import ITEM_EMBEDDINGS

METRICS = RECOMMENDATION_ANALYSIS.column("metric").allowed


@pytest.fixture(scope="module")
def shop(mart):
    """Four users; a is interacted with by all of them (by one twice), b by two, c and d by one."""
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


def analyse(shown, shop, products, cutoff, embeddings=None):
    evaluated = evaluate_week(shown, shop, cutoff=cutoff, exclude="seen")
    return recommendation_analysis(evaluated, products, embeddings=embeddings)


def value(table, metric, k=5, model="als"):
    return table.filter(model=model, metric=metric, k=k)["value"].item()


def vectors(cutoff, **of_product):
    rows = [(cutoff, product, vector, 9) for product, vector in of_product.items()]
    return pl.DataFrame(rows, schema=ITEM_EMBEDDINGS.polars_schema, orient="row")


def test_golden_case(shop, products, lists, mart, cutoff):
    shown = lists("als", ann="c d", bob="c a", everyone="b")
    week = mart(("ann", "d", 1), ("bob", "c", 1), ("bob", "d", 2))
    embedded = vectors(cutoff, a=[2.0, 0.0], c=[0.0, 1.0], d=[0.0, -3.0])
    table = analyse(shown, pl.concat([shop, week]), products, cutoff, embedded)
    assert table.schema == RECOMMENDATION_ANALYSIS.polars_schema
    assert table.height == len(METRICS) * len(KS)
    assert value(table, "catalog_coverage") == 3 / 4  # c, d, a of a, b, c, d
    # ann's pair is of one category, bob's of two.
    assert value(table, "intra_list_diversity") == (0 + 1) / 2
    # ann's vectors are opposite, bob's orthogonal.
    assert value(table, "embedding_diversity") == pytest.approx((2 + 1) / 2)
    # c and d: one user of four, 2 bits; a: everyone, 0 bits.
    assert value(table, "novelty") == ((2 + 2) / 2 + (2 + 0) / 2) / 2
    assert value(table, "average_popularity") == ((1 + 1) / 2 + (1 + 4) / 2) / 2
    # ann finds d at rank 2 and bob c at rank 1, which three of four have not seen.
    assert value(table, "serendipity") == pytest.approx((3 / 4 / 5 + 3 / 4 / 5) / 2)
    # Exposures 0, 1, 1, 2.
    assert value(table, "gini") == pytest.approx((-3 * 0 - 1 * 1 + 1 * 1 + 3 * 2) / (4 * 4))


def test_what_everybody_has_seen_is_not_serendipitous(shop, products, lists, mart, cutoff):
    week = mart(("eve", "b", -1), ("eve", "a", 1), ("ann", "c", 1))
    shown = lists("als", eve="a", ann="a c", everyone="b")
    # a: seen by four of five; c by one of five.
    found = value(analyse(shown, pl.concat([shop, week]), products, cutoff), "serendipity")
    assert found == pytest.approx((1 / 5 / 5 + 4 / 5 / 5) / 2)


def test_without_an_evaluated_week_only_serendipity_is_not_defined(shop, products, lists, cutoff):
    table = analyse(lists("als", ann="c d", bob="c a"), shop, products, cutoff)
    assert value(table, "serendipity") is None
    assert value(table, "intra_list_diversity") == 1 / 2


def test_only_the_first_k_products_count(shop, products, lists, cutoff):
    table = analyse(lists("als", ann="u v w x a b"), shop, products, cutoff)
    assert value(table, "catalog_coverage", k=5) == 1 / 4
    assert value(table, "catalog_coverage", k=10) == 2 / 4


def test_the_list_for_strangers_is_nobodys(shop, products, lists, mart, cutoff):
    # eve, known and evaluated, has no list of her own: she is served the one for strangers.
    week = mart(("eve", "a", -1), ("eve", "b", 1))
    table = analyse(lists("als", ann="a", everyone="b"), pl.concat([shop, week]), products, cutoff)
    assert value(table, "catalog_coverage") == 1 / 4


def test_products_not_on_sale_are_no_coverage_but_as_novel_as_can_be_told(
    shop, products, lists, cutoff
):
    table = analyse(lists("als", ann="unborn"), shop, products, cutoff)
    assert value(table, "catalog_coverage") == 0
    assert value(table, "novelty") == math.log2(4)
    assert value(table, "average_popularity") == 0
    assert value(table, "gini") is None


def test_products_without_category_or_vector_are_left_aside(shop, products, lists, cutoff):
    shown = lists("als", ann="a c bare", bob="bare d")
    embedded = vectors(cutoff, a=[1.0, 0.0], c=[0.0, 1.0], bare=[0.0, 0.0])
    table = analyse(shown, shop, products, cutoff, embedded)
    assert value(table, "intra_list_diversity") == 1.0
    assert value(table, "embedding_diversity") == 1.0
    bare = products.with_columns(category=pl.lit(None, dtype=pl.String))
    table = analyse(lists("als", ann="a c"), shop, bare, cutoff, embedded.clear())
    assert value(table, "intra_list_diversity") is None
    assert value(table, "embedding_diversity") is None


@pytest.mark.parametrize("length", [0.1, 1.0, 7.0])
def test_only_the_directions_of_embeddings_count(shop, products, lists, cutoff, length):
    embedded = vectors(cutoff, a=[length, 0.0], c=[0.6 * length, 0.8 * length])
    table = analyse(lists("als", ann="a c"), shop, products, cutoff, embedded)
    assert value(table, "embedding_diversity") == pytest.approx(1 - 0.6)


def test_the_planted_optimum_is_not_analysed(shop, products, lists, cutoff):
    shown = pl.concat([lists("als", ann="a"), lists("planted_optimum", ann="b")])
    assert analyse(shown, shop, products, cutoff)["model"].unique().to_list() == ["als"]


def test_rows_at_or_after_the_cutoff_move_nothing(shop, products, lists, mart, cutoff):
    planted = mart(
        ("eve", "unborn", 0),
        ("ann", "c", -1, "view", 1),
        ("ann", "d", -1, "view", 1),
        ("eve", "bare", -1, "purchase", 5),
    )
    shown = lists("als", ann="c unborn", bob="d a", everyone="a")
    assert analyse(shown, pl.concat([shop, planted]), products, cutoff).equals(
        analyse(shown, shop, products, cutoff)
    )


def test_row_order_and_other_cutoffs_do_not_matter(shop, products, lists, mart, cutoff):
    shown = pl.concat([lists("als", ann="c d", bob="c a"), lists("bpr", ann="b", bob="b d")])
    other = lists("als", cutoff=cutoff - timedelta(days=7), cid="a b c d")
    embedded = vectors(cutoff, a=[1.0, 2.0], c=[0.5, 1.0], d=[2.0, -1.0], b=[1.0, 1.0])
    later = embedded.with_columns(cutoff=pl.col("cutoff") + pl.duration(days=7))
    rows = pl.concat([shop, mart(("ann", "d", 1), ("bob", "c", 2))])
    expected = analyse(shown, rows, products, cutoff, embedded)
    again = analyse(
        pl.concat([other, shown]).sample(fraction=1, shuffle=True, seed=1),
        rows.sample(fraction=1, shuffle=True, seed=2),
        products.sample(fraction=1, shuffle=True, seed=3),
        cutoff,
        pl.concat([later, embedded]).sample(fraction=1, shuffle=True, seed=4),
    )
    assert again.equals(expected)


GOLDEN = json.loads(Path(__file__).with_name("golden_libraries.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("metric", ["novelty", "average_popularity", "catalog_coverage"])
def test_equals_rectools(metric, lists, mart, products, cutoff):
    shown = lists("als", **{user: " ".join(items) for user, items in GOLDEN["lists"].items()})
    known = mart(*((user, item, -2) for user, items in GOLDEN["before"].items() for item in items))
    table = analyse(shown, known, products, cutoff)
    theirs = GOLDEN["values"]["rectools"][metric]
    for k in KS:
        assert value(table, metric, k=k) == pytest.approx(theirs[str(k)], rel=1e-9)


@given(st.lists(st.lists(st.integers(-1, 6), min_size=5, max_size=5), min_size=1, max_size=6))
def test_diversities_are_means_over_pairs(rows):
    generator = np.random.default_rng(0)
    category = np.array([0, 0, 1, 1, 2, -1, 2])
    embedded = generator.normal(size=(7, 3))
    embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
    embedded[3] = 0
    by_category, by_vector = [], []
    for row in rows:
        pairs = [(a, b) for n, a in enumerate(row) for b in row[n + 1 :] if a >= 0 and b >= 0]
        named = [category[a] != category[b] for a, b in pairs if 5 not in (a, b)]
        placed = [1 - embedded[a] @ embedded[b] for a, b in pairs if 3 not in (a, b)]
        by_category += [np.mean(named)] if named else []
        by_vector += [np.mean(placed)] if placed else []
    shown = np.array(rows, dtype=np.int32)
    assert category_diversity(shown, category) == pytest.approx(
        np.mean(by_category) if by_category else None
    )
    assert embedding_diversity(shown, embedded) == pytest.approx(
        np.mean(by_vector) if by_vector else None, abs=1e-9
    )


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any))
def test_gini_is_half_the_relative_mean_difference(exposure):
    x = np.array(exposure)
    differences = np.abs(x[:, None] - x[None, :]).mean()
    assert gini(x) == pytest.approx(differences / (2 * x.mean()), abs=1e-12)


def test_gini_of_equal_and_of_single_exposure():
    assert gini(np.array([3, 3, 3])) == 0
    assert gini(np.array([0, 0, 0, 8])) == 3 / 4


def test_serendipity_adds_up_all_hits_of_the_first_k():
    surprise = np.array([[0.5, 0.25, 1.0], [0.0, 0.0, 1.0]])
    assert serendipity(surprise, 2) == pytest.approx((0.75 / 2 + 0) / 2)
    assert serendipity(surprise, 3) == pytest.approx((1.75 / 3 + 1 / 3) / 2)


def test_empty_lists_are_left_aside():
    shown = np.array([[-1, -1], [0, -1], [0, 1]], dtype=np.int32)
    assert mean_over_lists(shown, np.array([2.0, 4.0])) == (2 + 3) / 2


def test_no_lists_or_no_history_name_the_table(shop, lists, cutoff):
    shown = lists("als", ann="a")
    with pytest.raises(DataError, match="recommendations/top_k has no lists"):
        evaluate_week(shown.clear(), shop, cutoff=cutoff, exclude="seen")
    with pytest.raises(DataError, match="user_item_interactions has no rows known before it"):
        evaluate_week(shown, shop.clear(), cutoff=cutoff, exclude="seen")
