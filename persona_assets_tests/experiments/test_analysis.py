from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.experiments.analysis import analyse
from persona_assets.experiments.experiment_plots import ab_test_figure
from persona_assets.plotting import png
from persona_assets.tables import TABLES

MODELS = {"control": "popularity", "challenger_1": "als", "challenger_2": "bpr"}


def arm(name, users, *, conversion=0.05, ctr=0.03, price=20.0):
    """An arm whose totals are exactly as asked: no luck, so that verdicts can be predicted."""
    buyers, clicks = round(users * conversion), round(users * 70 * ctr)
    orders = np.arange(users) < buyers
    return pl.DataFrame(
        {
            "experiment": "recommender-2025",
            "cutoff": date(2025, 3, 3),
            "user_id": [f"{name}-{number:05d}" for number in range(users)],
            "arm": name,
            "model": MODELS[name],
            "responses": "planted",
            "impressions": 70,
            "clicks": orders + np.diff(np.arange(users + 1) * (clicks - buyers) // users),
            "orders": orders,
            "revenue": orders * price,
        }
    ).cast(TABLES["experiments/ab_test_simulation"].polars_schema)


def experiment(users=2000, **changes):
    """Three arms of equal size; `changes` by arm name."""
    return pl.concat([arm(name, **({"users": users} | changes.get(name, {}))) for name in MODELS])


def verdict(simulation):
    return analyse(simulation)["verdict"].unique().item()


def test_results_follow_the_contract_with_control_beside_every_arm():
    results = analyse(experiment(challenger_2={"conversion": 0.1}))
    assert results.schema == TABLES["experiments/ab_test_results"].polars_schema
    assert results.select("arm", "metric").rows() == [
        (name, metric)
        for name in ("challenger_1", "challenger_2")
        for metric in ("ctr", "conversion", "revenue_per_user")
    ]
    row = results.row(
        by_predicate=(pl.col("arm") == "challenger_2") & (pl.col("metric") == "conversion"),
        named=True,
    )
    assert (row["users"], row["control_users"]) == (2000, 2000)
    assert (row["value"], row["control_value"]) == (0.1, 0.05)
    assert row["effect"] == pytest.approx(0.05)
    assert row["low"] < 0.05 < row["high"]
    revenue = results.filter(pl.col("metric") == "revenue_per_user")
    assert revenue["value"].to_list() == pytest.approx([1.0, 2.0])


def test_rows_order_changes_nothing():
    simulation = experiment(challenger_2={"conversion": 0.06})
    shuffled = simulation.sample(fraction=1, shuffle=True, seed=3)
    assert analyse(shuffled).equals(analyse(simulation))


def test_equal_arms_keep_control():
    assert verdict(experiment()) == (
        "No arm converts distinguishably better than control: keep popularity."
    )


def test_a_clear_gain_ships_the_larger_of_two():
    text = verdict(experiment(challenger_1={"conversion": 0.09}, challenger_2={"conversion": 0.11}))
    assert text.startswith("Ship challenger_2 (bpr): conversion +6.00 pp [")
    assert text.endswith("over control, adjusted p < 0.001.")


def test_a_gain_that_harms_a_guardrail_is_not_shipped():
    harmed = {"conversion": 0.11, "ctr": 0.02}
    text = verdict(experiment(challenger_2=harmed))
    assert text.startswith("Keep popularity: challenger_2 (bpr): conversion +6.00 pp")
    assert text.endswith("but harms ctr.")
    # The other arm gained less and harmed nothing.
    text = verdict(experiment(challenger_2=harmed, challenger_1={"conversion": 0.09}))
    assert text.startswith("Ship challenger_1 (als)")


def test_losses_are_said():
    text = verdict(experiment(challenger_1={"conversion": 0.02}, challenger_2={"conversion": 0.01}))
    assert text.startswith("Keep popularity: every arm converts worse; challenger_2 (bpr)")
    text = verdict(experiment(challenger_2={"conversion": 0.01}))
    assert text == "No arm converts distinguishably better than control: keep popularity."


def test_a_gain_that_does_not_survive_holm_is_not_shipped():
    simulation = experiment(challenger_2={"conversion": 0.066})
    conversion = analyse(simulation).filter(
        (pl.col("arm") == "challenger_2") & (pl.col("metric") == "conversion")
    )
    assert conversion["p_value"].item() < 0.05 < conversion["adjusted_p_value"].item()
    assert verdict(simulation).startswith("No arm")


def test_sample_ratio_mismatch_voids_even_a_clear_gain():
    simulation = experiment(challenger_2={"conversion": 0.11, "users": 1700})
    assert verdict(simulation).startswith(
        "Do not trust this experiment: sample-ratio mismatch (p = "
    )


def test_two_arms_are_enough_and_one_is_not():
    pair = experiment().filter(pl.col("arm") != "challenger_1")
    assert analyse(pair)["arm"].unique().to_list() == ["challenger_2"]
    for lone in ("control", "challenger_2"):
        with pytest.raises(DataError, match=rf"needs control, another arm.*2000 in {lone}"):
            analyse(experiment().filter(pl.col("arm") == lone))
    with pytest.raises(DataError, match="two users in each"):
        analyse(pl.concat([arm("control", 2000), arm("challenger_2", 1)]))


def test_figure_shows_every_arm_and_metric_even_without_any_conversion():
    for conversion in (0.05, 0.0):
        same = {name: {"conversion": conversion} for name in MODELS}
        figure = ab_test_figure(analyse(experiment(**same)))
        assert len(figure.axes) == 3
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert labels == ["challenger_1 (als)", "challenger_2 (bpr)"]
        assert all(len(axes.containers) == 2 for axes in figure.axes)
    assert png(figure).startswith(b"\x89PNG")
