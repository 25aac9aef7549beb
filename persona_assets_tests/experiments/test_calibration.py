from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.experiments.calibration import bench, calibrate, replicate
from persona_assets.experiments.response import PlantedResponse
from persona_assets.experiments.simulator import planted_effects, simulate
from persona_assets.tables import TABLES

W = date(2025, 3, 3)
ARMS = {"control": "popularity", "challenger_1": "als", "challenger_2": "bpr"}
USERS = [f"u{number:04d}" for number in range(900)]
PRODUCTS = [f"p{number:02d}" for number in range(30)]
PRICES = pl.DataFrame({"product_id": PRODUCTS, "price": [10.0 + n for n in range(30)]})
TOP_K = pl.DataFrame(
    [
        (W, model, user, rank, PRODUCTS[10 * place + rank - 1], -float(rank))
        for place, model in enumerate(ARMS.values())
        for user in (*USERS, "*")
        for rank in range(1, 11)
    ],
    schema=TABLES["recommendations/top_k"].polars_schema,
    orient="row",
)


def responding(*clicks):
    """Probability of a click by model, different from user to user; a fifth of clicks buy."""
    shape = (len(USERS), len(PRODUCTS))
    click = np.repeat(clicks, 10)[None, :] * np.random.default_rng(3).uniform(0.5, 1.5, shape)
    return PlantedResponse(USERS, PRODUCTS, click, np.full(shape, 0.2))


def on(*clicks):
    return bench(TOP_K, responding(*clicks), PRICES, cutoff=W, arms=ARMS)


def test_the_benchs_truth_is_that_of_the_simulated_experiment():
    response = responding(0.03, 0.1, 0.09)
    planted = planted_effects(TOP_K, response, PRICES, experiment="e", cutoff=W, arms=ARMS)
    truth = on(0.03, 0.1, 0.09).truth
    assert truth["value"].to_list() == pytest.approx(planted["value"].to_list())
    assert truth.select("arm", "metric", "users").equals(planted.select("arm", "metric", "users"))


def test_replicates_look_like_simulated_weeks():
    tested = on(0.03, 0.1, 0.09)
    ours = pl.concat([replicate(tested, number, seed=1) for number in range(12)])
    theirs = pl.concat(
        [
            simulate(
                TOP_K,
                responding(0.03, 0.1, 0.09),
                PRICES,
                experiment=f"e{number}",
                cutoff=W,
                arms=ARMS,
                seed=1,
            )
            for number in range(12)
        ]
    )
    assert ours.schema == theirs.schema
    sums = [
        each.group_by("arm").agg(pl.col("clicks", "orders", "revenue").mean()).sort("arm")
        for each in (ours, theirs)
    ]
    for column in ("clicks", "orders", "revenue"):
        assert sums[0][column].to_list() == pytest.approx(sums[1][column].to_list(), rel=0.08)


def test_the_verdict_picks_the_best_arm_and_its_intervals_hold_the_truth():
    found = calibrate(on(0.03, 0.12, 0.08), experiments=150, seed=2)
    assert found["ships_best"] > 0.9
    assert found["ships_other"] < 0.02
    assert found["told_apart_wrongly"] == found["false_gain"] == 0
    for metric in ("ctr", "conversion", "revenue_per_user"):
        assert 0.92 < found[f"coverage_{metric}"] < 0.98


def test_equal_arms_are_shipped_at_most_at_the_promised_rate():
    found = calibrate(on(0.08, 0.08, 0.08).every(3), experiments=200, seed=3)
    assert found["false_gain"] <= 0.05
    assert found["sample_ratio_alarm"] <= 0.015
    assert found["ship"] + found["keep"] + found["go_on"] + found["invalid"] == pytest.approx(1)
