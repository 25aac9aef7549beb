from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError, InsufficientDataError
from persona_assets.experiments.analysis import analyse, unknown_metrics
from persona_assets.experiments.assignment import assign, equal_shares
from persona_assets.experiments.response import VISITS, PlantedResponse
from persona_assets.experiments.simulator import planted_effects, simulate
from persona_assets.tables import TABLES

W = date(2025, 3, 3)
ARMS = {"control": "popularity", "challenger_1": "als", "challenger_2": "bpr"}
USERS = [f"u{number:04d}" for number in range(600)]
PRODUCTS = [f"p{number:02d}" for number in range(30)]
PRICES = pl.DataFrame({"product_id": PRODUCTS, "price": [10.0 + n for n in range(30)]})


def lists(products_by_model, users=(*USERS, "*"), cutoff=W):
    return pl.DataFrame(
        [
            (cutoff, model, user, rank, product, -float(rank))
            for model, products in products_by_model.items()
            for user in users
            for rank, product in enumerate(products, start=1)
        ],
        schema=TABLES["recommendations/top_k"].polars_schema,
        orient="row",
    )


SAME = lists(dict.fromkeys(ARMS.values(), PRODUCTS[:10]))


def response(click=0.2, order=0.3):
    shape = (len(USERS), len(PRODUCTS))
    return PlantedResponse(USERS, PRODUCTS, np.full(shape, click), np.full(shape, order))


def run(top_k=SAME, model=None, **changes):
    settings = {"experiment": "e", "cutoff": W, "arms": ARMS, "seed": 1} | changes
    return simulate(top_k, model or response(), settings.pop("prices", PRICES), **settings)


def test_rows_follow_the_contract_and_the_assignment():
    rows = run()
    table = TABLES["experiments/ab_test_simulation"]
    assert rows.schema == table.polars_schema
    assert rows["user_id"].to_list() == USERS
    assert rows["arm"].to_list() == assign(USERS, experiment="e", arms=equal_shares(list(ARMS)))
    assert (rows["model"] == rows["arm"].replace_strict(ARMS)).all()
    assert rows["impressions"].unique().to_list() == [10 * VISITS]
    assert rows["responses"].unique().to_list() == ["planted"]
    assert (rows["orders"] <= rows["clicks"]).all()


def test_same_rows_whatever_the_order_of_the_lists_and_the_company():
    whole = run()
    assert run(SAME.sample(fraction=1, shuffle=True, seed=5)).equals(whole)
    some = USERS[::3]
    assert run(SAME.filter(pl.col("user_id").is_in([*some, "*"]))).equals(
        whole.filter(pl.col("user_id").is_in(some))
    )
    assert not run(seed=2).equals(whole)


def test_certain_responses_are_counted_to_the_last_cent():
    rows = run(lists(dict.fromkeys(ARMS.values(), PRODUCTS[:1])), response(click=1.0, order=1.0))
    # Rank 1 is always examined, so everything shown is clicked and bought at its price.
    assert rows.select("impressions", "clicks", "orders").unique().row(0) == (VISITS,) * 3
    assert rows["revenue"].unique().to_list() == [VISITS * 10.0]
    assert run(model=response(click=0.0))["clicks"].sum() == 0


def test_clicks_fall_with_rank_as_the_discount_of_ndcg():
    clicks = run(model=response(click=1.0))["clicks"].sum()
    expected = len(USERS) * VISITS * (1 / np.log2(np.arange(1, 11) + 1)).sum()
    assert clicks == pytest.approx(expected, rel=0.01)


def test_products_without_interest_turn_the_arm_down_and_nobody_else():
    p_click = np.full((len(USERS), len(PRODUCTS)), 0.2)
    p_click[:, 10:20] = 0.02
    model = PlantedResponse(USERS, PRODUCTS, p_click, np.full_like(p_click, 0.3))
    better = run(model=model)
    worse = run(
        lists(dict.fromkeys(ARMS.values(), PRODUCTS[:10]) | {"bpr": PRODUCTS[10:20]}), model
    )
    others = pl.col("arm") != "challenger_2"
    assert worse.filter(others).equals(better.filter(others))
    fallen = worse.filter(~others)["clicks"].sum() / better.filter(~others)["clicks"].sum()
    assert fallen == pytest.approx(0.1, abs=0.05)


def test_only_the_asked_cutoff_and_the_first_ranks_are_shown():
    older = lists(dict.fromkeys(ARMS.values(), PRODUCTS[15:25]), cutoff=date(2025, 2, 24))
    longer = lists(dict.fromkeys(ARMS.values(), PRODUCTS[:20]))
    assert run(pl.concat([older, longer])).equals(run())


def test_users_unknown_to_their_arms_model_see_its_fallback_list():
    known = {user for user, arm in zip(USERS, run()["arm"], strict=True) if arm != "challenger_2"}
    mixed = pl.concat(
        [
            lists({"popularity": PRODUCTS[:10], "als": PRODUCTS[:10]}),
            lists({"bpr": PRODUCTS[:10]}, users=(*sorted(known), "*")),
        ]
    )
    assert run(mixed).equals(run())
    with pytest.raises(DataError, match=r"'bpr'.*neither.*materialize top_k"):
        run(mixed.filter((pl.col("model") != "bpr") | (pl.col("user_id") != "*")))


def test_one_product_without_a_price_leaves_orders_and_takes_all_revenue():
    priced, unpriced = run(), run(prices=PRICES.filter(pl.col("product_id") != "p03"))
    assert unpriced["revenue"].null_count() == unpriced.height
    assert unpriced.drop("revenue").equals(priced.drop("revenue"))
    results = analyse(unpriced)
    assert set(results["metric"]) == {"ctr", "conversion"}
    assert [each.part for each in unknown_metrics(unpriced)] == ["revenue_per_user"]
    assert unknown_metrics(priced) == ()


def test_missing_lists_and_strangers_are_named():
    with pytest.raises(InsufficientDataError, match=r"no user's list of als, bpr, popularity"):
        run(cutoff=date(2025, 3, 10))
    with pytest.raises(DataError, match=r"column user_id holds 1 values.*'u9999'"):
        run(lists(dict.fromkeys(ARMS.values(), PRODUCTS), users=(*USERS, "u9999", "*")))
    with pytest.raises(DataError, match=r"600 users × 30 products.*\(600, 2\)"):
        PlantedResponse(USERS, PRODUCTS, np.zeros((600, 30)), np.zeros((600, 2)))


def test_planted_responses_are_looked_up_by_identifier():
    p_click = np.array([[0.1, 0.2], [0.3, 0.4]])
    model = PlantedResponse(["b", "a"], ["y", "x"], p_click, p_click / 2)
    exposures = pl.DataFrame({"user_id": ["a", "b", "a"], "product_id": ["x", "x", "y"]})
    click, order = model.probabilities(exposures)
    assert click.tolist() == [0.4, 0.2, 0.3]
    assert order.tolist() == [0.2, 0.1, 0.15]


def test_planted_effects_are_what_many_simulated_weeks_come_to():
    top_k = lists({"popularity": PRODUCTS[:10], "als": PRODUCTS[10:20], "bpr": PRODUCTS[20:30]})
    shape = (len(USERS), len(PRODUCTS))
    rng = np.random.default_rng(0)
    model = PlantedResponse(USERS, PRODUCTS, rng.uniform(0, 0.1, shape), rng.uniform(0, 0.2, shape))
    truth = planted_effects(top_k, model, PRICES, experiment="e", cutoff=W, arms=ARMS)
    assert truth.schema == TABLES["experiments/planted_effects"].polars_schema
    assert truth["users"].unique().to_list() == [len(USERS)]
    weeks = pl.concat([run(top_k, model, seed=seed) for seed in range(12)])
    means = weeks.group_by("arm").agg(
        ctr=pl.col("clicks").sum() / pl.col("impressions").sum(),
        conversion=(pl.col("orders") > 0).mean(),
        revenue_per_user=pl.col("revenue").mean(),
    )
    for row in truth.iter_rows(named=True):
        mean = means.filter(arm=row["arm"])[row["metric"]].item()
        assert mean == pytest.approx(row["value"], rel=0.06)


def test_the_verdict_ships_the_better_of_two_winners_far_more_often_than_the_worse():
    """Two arms that both triple control's clicks and differ by a tenth, as in a small shop.

    Arms are in the order of the planted truth, as they are where offline evidence is right.
    """
    shape = (len(USERS), len(PRODUCTS))
    click = np.full(shape, 0.03)
    click[:, 10:20], click[:, 20:] = 0.10, 0.09
    model = PlantedResponse(USERS, PRODUCTS, click, np.full(shape, 0.2))
    top_k = lists({"popularity": PRODUCTS[:10], "als": PRODUCTS[10:20], "bpr": PRODUCTS[20:30]})
    shipped = [
        analyse(run(top_k, model, experiment=f"e{number}"))["shipped_arm"][0]
        for number in range(40)
    ]
    assert shipped.count("challenger_1") >= 20
    assert shipped.count("challenger_2") <= 2


def test_an_experiment_with_planted_tastes_shows_the_true_effect_beside_the_estimate():
    simulated = run()
    truth = planted_effects(SAME, response(), PRICES, experiment="e", cutoff=W, arms=ARMS)
    results = analyse(simulated, truth=truth)
    assert results["true_effect"].to_list() == pytest.approx([0.0] * 7)
    doubled = truth.with_columns(
        value=pl.when(pl.col("arm") == "challenger_2").then(2 * pl.col("value")).otherwise("value")
    )
    known = {(row["metric"], row["arm"]): row["value"] for row in doubled.iter_rows(named=True)}
    for row in analyse(simulated, truth=doubled).iter_rows(named=True):
        expected = known[row["metric"], row["arm"]] - known[row["metric"], row["against"]]
        assert row["true_effect"] == pytest.approx(expected)
