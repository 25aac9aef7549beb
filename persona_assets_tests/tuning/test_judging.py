from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.evaluation.beyond_accuracy import recommendation_analysis
from persona_assets.evaluation.judgement import judge as judge_week
from persona_assets.evaluation.offline import offline_metrics
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.directional import Directional
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.top_k import top_k
from persona_assets.tables.raw import PRODUCTS
from persona_assets.tuning import judging
from persona_assets.tuning.gate import coverage
from persona_assets.tuning.judging import Judge, interval
from persona_assets.tuning.validation import week

CUTOFF = date(2024, 1, 29)


@pytest.fixture
def judged(shop):
    return week(shop, cutoff=CUTOFF, exclude="seen")


class Counting(Directional):
    """Remembers how often it was trained."""

    fits = 0

    def _learn(self, known, side):
        Counting.fits += 1
        return super()._learn(known, side)


@pytest.fixture
def counting():
    Counting.fits = 0
    return Counting()


def test_values_are_those_that_the_weekly_evaluation_gives(judged, shop):
    models = MODELS["popularity"], MODELS["directional"]
    lists = pl.concat([Judge(judged).lists(model) for model in models])
    judgement = judge_week(lists, shop, cutoff=CUTOFF, exclude="seen")
    expected = offline_metrics(judgement, seed=0)
    for model in models:
        values = Judge(judged).values(model).mean(axis=0)
        for metric, value in zip(judging.MEASURED, values, strict=True):
            row = expected.filter(model=model.name, metric=metric, k=judging.K)
            assert row["value"].item() == pytest.approx(value)
    assert Judge(judged).values(models[1])[:, 0].mean() > 0.4


def test_coverage_is_that_of_the_recommendation_analysis(judged, shop):
    lists = Judge(judged).lists(MODELS["popularity"], everyone=True)
    products = pl.DataFrame(
        {"product_id": shop["product_id"].unique(), "category": None},
        schema={"product_id": pl.String, "category": pl.String},
    )
    assert set(products.columns) <= set(PRODUCTS.polars_schema)
    expected = (
        recommendation_analysis(judge_week(lists, shop, cutoff=CUTOFF, exclude="seen"), products)
        .filter(metric="catalog_coverage", k=judging.K)["value"]
        .item()
    )
    assert coverage(lists, judged) == pytest.approx(expected)
    assert 0 < expected <= 1


def test_fields_that_only_score_need_no_second_training(judged, counting):
    judge = Judge(judged)
    first = judge.values(counting)
    second = judge.values(counting.configured(history_decay=0.01, target_damping=0.35))
    assert Counting.fits == 1
    assert not np.array_equal(first, second)
    judge.values(counting.configured(forward_decay=1.2))
    assert Counting.fits == 2
    alone = Judge(judged).values(counting.configured(history_decay=0.01, target_damping=0.35))
    assert np.array_equal(second, alone)


def test_no_more_artefacts_are_kept_than_fit(judged, counting, monkeypatch):
    size = Judge(judged).artefact(counting).estimated_size()
    monkeypatch.setattr(judging, "KEPT_BYTES", int(2.5 * size))
    judge = Judge(judged)
    Counting.fits = 0
    variants = [counting.configured(time_unit_hours=float(each)) for each in (1, 2, 3)]
    for model in (variants[0], variants[1], variants[0], variants[2]):  # 1 is the oldest now
        judge.artefact(model)
    assert Counting.fits == 3
    judge.artefact(variants[0])
    assert Counting.fits == 3
    judge.artefact(variants[1])
    assert Counting.fits == 4


def test_lists_are_made_for_the_judged_or_for_everyone(judged):
    few = judged.judged_by(5, seed=1)
    users = {*few.users, "*"}
    assert set(Judge(few).lists(MODELS["popularity"])["user_id"]) == users
    everyone = Judge(few).lists(MODELS["popularity"], everyone=True)
    assert everyone["user_id"].n_unique() == 61
    mine = everyone.filter(pl.col("user_id").is_in(list(users)))
    assert mine.equals(Judge(few).lists(MODELS["popularity"]))


def test_lists_leave_out_what_the_rule_leaves_out(judged):
    lists = Judge(judged).lists(MODELS["directional"])
    seen = lists.join(judged.known, on=["user_id", "product_id"], how="semi")
    assert seen.is_empty()


def test_the_interval_lies_around_the_mean_and_follows_the_seed():
    values = np.random.default_rng(0).normal(1, 1, 400)
    mean, low, high = interval(values, seed=1)
    assert mean == pytest.approx(values.mean())
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)
    assert interval(values, seed=1) == (mean, low, high) != interval(values, seed=2)


@pytest.mark.parametrize("name", ["als", "directional", "popularity"])
def test_lists_are_those_of_the_weekly_graph(judged, shop, name):
    model = MODELS[name]
    artefact = model.fit(Interactions.known_at(CUTOFF, judged.known))
    weekly = top_k(model, artefact, shop, cutoff=CUTOFF, k=judging.LISTED, exclude="seen")
    assert Judge(judged).lists(model, everyone=True).equals(weekly)
