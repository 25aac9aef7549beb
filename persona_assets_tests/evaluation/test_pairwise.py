import numpy as np
import polars as pl
import pytest

from persona_assets.evaluation.evaluated_week import evaluate_week
from persona_assets.evaluation.pairwise import COMPARED, pairwise_comparison
from persona_assets.statistics.multiple_testing import holm
from persona_assets.tables.evaluation import PAIRWISE_COMPARISON

PEOPLE = [f"u{n:02d}" for n in range(40)]


@pytest.fixture(scope="module")
def shop(mart):
    return mart(*((user, "old", -3) for user in PEOPLE), *((user, "a", 1) for user in PEOPLE))


@pytest.fixture(scope="module")
def top_k(lists):
    """`good` shows the wanted product first, `poor` eighth; `twin` does what `good` does."""
    good = dict.fromkeys(PEOPLE, "a b c d e f g h")
    poor = dict.fromkeys(PEOPLE, "b c d e f g h a")
    return pl.concat(
        [
            lists("good", **good),
            lists("poor", **poor),
            lists("twin", **good),
            lists("planted_optimum", **good),
        ]
    )


def compare(top_k, shop, cutoff):
    return pairwise_comparison(evaluate_week(top_k, shop, cutoff=cutoff, exclude="seen"), seed=1)


def test_every_pair_has_its_verdict(top_k, shop, cutoff):
    table = compare(top_k, shop, cutoff)
    assert table.schema == PAIRWISE_COMPARISON.polars_schema
    assert table.height == 3 * len(COMPARED)
    ndcg = {
        (row["model"], row["other"]): row
        for row in table.filter(metric="ndcg").iter_rows(named=True)
    }
    assert {pair: row["verdict"] for pair, row in ndcg.items()} == {
        ("good", "poor"): "better",
        ("good", "twin"): "not distinguishable",
        ("poor", "twin"): "worse",
    }
    assert ndcg["good", "poor"]["difference"] == pytest.approx(1 - 1 / np.log2(9))
    assert ndcg["good", "twin"]["p_value"] == 1.0
    assert ndcg["poor", "twin"]["users"] == 40
    assert table.filter(metric="recall")["difference"].to_list() == [0, 0, 0]


def test_p_values_are_corrected_within_each_metric(top_k, shop, cutoff):
    for _, rows in compare(top_k, shop, cutoff).group_by("metric"):
        assert rows["adjusted_p_value"].to_list() == pytest.approx(holm(rows["p_value"].to_list()))


def test_a_difference_that_chance_explains_is_none(shop, lists, cutoff):
    generator = np.random.default_rng(0)
    shown = pl.concat(
        [
            lists(
                model,
                **{user: " ".join(generator.permutation(list("abcdefgh"))) for user in PEOPLE},
            )
            for model in ("one", "other")
        ]
    )
    table = compare(shown, shop, cutoff)
    assert set(table["verdict"]) == {"not distinguishable"}
    ndcg = table.filter(metric="ndcg").row(0, named=True)
    assert ndcg["low"] < 0 < ndcg["high"]
    assert abs(ndcg["difference"]) < ndcg["minimum_detectable"]


def test_one_model_or_nobody_to_evaluate_by_gives_no_rows(top_k, shop, cutoff):
    alone = compare(top_k.filter(model="good"), shop, cutoff)
    unevaluated = compare(top_k, shop.filter(pl.col("event_date") < cutoff), cutoff)
    assert alone.equals(PAIRWISE_COMPARISON.empty())
    assert unevaluated.equals(PAIRWISE_COMPARISON.empty())
