from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.evaluation.beyond_accuracy import recommendation_analysis
from persona_assets.evaluation.evaluated_week import evaluate_week
from persona_assets.evaluation.offline import offline_metrics
from persona_assets.lifecycle import evaluator
from persona_assets.lifecycle.evaluator import Evaluator, interval
from persona_assets.lifecycle.gate import coverage
from persona_assets.lifecycle.validation import week
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.directional import Directional
from persona_assets.recommenders.top_k import top_k
from persona_assets.tables.raw import PRODUCTS

CUTOFF = date(2024, 1, 29)


@pytest.fixture
def validation(shop):
    return week(shop, cutoff=CUTOFF, exclude="seen")


class Counting(Directional):
    """Remembers how often it was trained."""

    fits = 0

    def _learn(self, known, side_information):
        Counting.fits += 1
        return super()._learn(known, side_information)


@pytest.fixture
def counting():
    Counting.fits = 0
    return Counting()


def test_values_are_those_that_the_weekly_evaluation_gives(validation, shop):
    models = MODELS["popularity"], MODELS["directional"]
    lists = pl.concat([Evaluator(validation).lists(model) for model in models])
    evaluated = evaluate_week(lists, shop, cutoff=CUTOFF, exclude="seen")
    expected = offline_metrics(evaluated)
    for model in models:
        values = Evaluator(validation).values(model).mean(axis=0)
        for metric, value in zip(evaluator.MEASURED, values, strict=True):
            row = expected.filter(model=model.name, metric=metric, k=evaluator.K)
            assert row["value"].item() == pytest.approx(value)
    assert Evaluator(validation).values(models[1])[:, 0].mean() > 0.4


def test_coverage_is_that_of_the_recommendation_analysis(validation, shop):
    lists = Evaluator(validation).lists(MODELS["popularity"], everyone=True)
    products = pl.DataFrame(
        {"product_id": shop["product_id"].unique(), "category": None},
        schema={"product_id": pl.String, "category": pl.String},
    )
    assert set(products.columns) <= set(PRODUCTS.polars_schema)
    expected = (
        recommendation_analysis(evaluate_week(lists, shop, cutoff=CUTOFF, exclude="seen"), products)
        .filter(metric="catalog_coverage", k=evaluator.K)["value"]
        .item()
    )
    assert coverage(lists, validation) == pytest.approx(expected)
    assert 0 < expected <= 1


def test_fields_that_only_score_need_no_second_training(validation, counting):
    evaluating = Evaluator(validation)
    first = evaluating.values(counting)
    second = evaluating.values(counting.configured(history_decay=0.01, target_damping=0.35))
    assert Counting.fits == 1
    assert not np.array_equal(first, second)
    evaluating.values(counting.configured(forward_decay=1.2))
    assert Counting.fits == 2
    alone = Evaluator(validation).values(
        counting.configured(history_decay=0.01, target_damping=0.35)
    )
    assert np.array_equal(second, alone)


def test_no_more_artefacts_are_kept_than_fit(validation, counting, monkeypatch):
    size = Evaluator(validation).artefact(counting).estimated_size()
    monkeypatch.setattr(evaluator, "KEPT_BYTES", int(2.5 * size))
    evaluating = Evaluator(validation)
    Counting.fits = 0
    variants = [counting.configured(time_unit_hours=float(each)) for each in (1, 2, 3)]
    for model in (variants[0], variants[1], variants[0], variants[2]):  # 1 is the oldest now
        evaluating.artefact(model)
    assert Counting.fits == 3
    evaluating.artefact(variants[0])
    assert Counting.fits == 3
    evaluating.artefact(variants[1])
    assert Counting.fits == 4


def test_lists_are_made_for_the_evaluated_or_for_everyone(validation):
    few = validation.sampled(5, seed=1)
    users = {*few.users, "*"}
    assert set(Evaluator(few).lists(MODELS["popularity"])["user_id"]) == users
    everyone = Evaluator(few).lists(MODELS["popularity"], everyone=True)
    assert everyone["user_id"].n_unique() == 61
    mine = everyone.filter(pl.col("user_id").is_in(list(users)))
    assert mine.equals(Evaluator(few).lists(MODELS["popularity"]))


def test_lists_leave_out_what_the_rule_leaves_out(validation):
    lists = Evaluator(validation).lists(MODELS["directional"])
    seen = lists.join(validation.known, on=["user_id", "product_id"], how="semi")
    assert seen.is_empty()


def test_the_interval_lies_around_the_mean():
    values = np.random.default_rng(0).beta(2, 3, 400)
    for paired in (False, True):
        mean, low, high = interval(values, paired=paired)
        assert mean == pytest.approx(values.mean())
        assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)


@pytest.mark.parametrize("name", ["als", "directional", "popularity"])
def test_lists_are_those_of_the_weekly_graph(validation, shop, name):
    model = MODELS[name]
    artefact = model.fit(Interactions.known_at(CUTOFF, validation.known))
    weekly = top_k(model, artefact, shop, cutoff=CUTOFF, k=evaluator.LISTED, exclude="seen")
    assert Evaluator(validation).lists(model, everyone=True).equals(weekly)
