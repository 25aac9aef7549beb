from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError, UserError
from persona_assets.experiments.analysis import analyse
from persona_assets.experiments.config import ExperimentConfig
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


def test_results_follow_the_contract_with_the_other_arm_beside_every_arm():
    results = analyse(experiment(challenger_2={"conversion": 0.1}))
    assert results.schema == TABLES["experiments/ab_test_results"].polars_schema
    assert results.select("arm", "against", "metric").rows() == [
        *(
            (name, "control", metric)
            for name in ("challenger_1", "challenger_2")
            for metric in ("ctr", "conversion", "revenue_per_user")
        ),
        ("challenger_2", "challenger_1", "conversion"),
    ]
    row = results.row(
        by_predicate=(pl.col("arm") == "challenger_2")
        & (pl.col("metric") == "conversion")
        & (pl.col("against") == "control"),
        named=True,
    )
    assert (row["users"], row["control_users"]) == (2000, 2000)
    assert (row["value"], row["control_value"]) == (0.1, 0.05)
    assert row["effect"] == pytest.approx(0.05)
    assert row["low"] < 0.05 < row["high"]
    assert (row["finding"], row["true_effect"], row["margin"]) == ("gain", None, None)
    revenue = results.filter(pl.col("metric") == "revenue_per_user")
    assert revenue["value"].to_list() == pytest.approx([1.0, 2.0])
    assert revenue["margin"].to_list() == pytest.approx([0.1, 0.1])
    assert revenue["adjusted_p_value"].null_count() == 2


def test_rows_order_changes_nothing():
    simulation = experiment(challenger_2={"conversion": 0.06})
    shuffled = simulation.sample(fraction=1, shuffle=True, seed=3)
    assert analyse(shuffled).equals(analyse(simulation))


def decision(simulation, config=None):
    results = analyse(simulation, config)
    return results["decision"][0], results["shipped_arm"][0]


def test_small_equal_arms_go_on_and_say_what_they_could_have_seen():
    assert decision(experiment()) == ("go_on", None)
    # 2.39 standard errors for p < 0.05 / 3, 0.84 for 4 of 5; p = 0.05 with 2,000 users in an arm.
    error = (2 * 101 / 2002 * (1 - 101 / 2002) / 2002) ** 0.5
    seen = 100 * (2.3940 + 0.8416) * error
    assert verdict(experiment()) == (
        "Go on: no arm converts distinguishably better than control; arms of 2,000 would show a "
        f"difference of {seen:.2f} pp (45 % of control's value) in 4 of 5 such experiments, and "
        "0.25 pp (5 % of control's value) needs arms of 159,131. popularity serves meanwhile."
    )


def test_arms_that_exclude_a_gain_worth_having_keep_control():
    wide = ExperimentConfig(smallest_gain=0.4)
    assert decision(experiment(), wide) == ("keep", None)
    assert analyse(experiment(), wide)["verdict"][0].startswith(
        "Keep popularity: no arm gains 2.00 pp (40 % of control's value), the least that is worth"
    )


def test_a_clear_gain_ships_the_one_that_beats_the_other_winner():
    simulation = experiment(challenger_1={"conversion": 0.09}, challenger_2={"conversion": 0.14})
    assert decision(simulation) == ("ship", "challenger_2")
    text = verdict(simulation)
    assert text.startswith("Ship challenger_2 (bpr): conversion +9.00 pp [")
    assert text.endswith("and better than challenger_1 (als), which beats control too.")


def test_of_two_winners_that_cannot_be_told_apart_offline_evidence_decides():
    """The larger estimate is challenger_2's; arms are in the order of their nDCG."""
    simulation = experiment(challenger_1={"conversion": 0.10}, challenger_2={"conversion": 0.11})
    assert decision(simulation) == ("ship", "challenger_1")
    assert verdict(simulation).startswith(
        "challenger_1 (als) and challenger_2 (bpr) both beat control and cannot be told apart (a "
        "difference of 3."
    )
    assert "by offline evidence (nDCG@10) take als. Ship challenger_1 (als)" in verdict(simulation)


def test_a_gain_that_harms_a_guardrail_is_not_shipped():
    harmed = {"conversion": 0.11, "ctr": 0.02}
    text = verdict(experiment(challenger_2=harmed))
    assert text.startswith("Keep popularity: challenger_2 (bpr): conversion +6.00 pp")
    assert text.endswith("but harms ctr.")
    # The other arm gained less and harmed nothing.
    simulation = experiment(challenger_2=harmed, challenger_1={"conversion": 0.09})
    assert decision(simulation) == ("ship", "challenger_1")


def test_a_guardrail_too_noisy_to_see_its_margin_does_not_pass():
    """Revenue with the same mean and a few huge baskets: nothing significant, and nothing shown."""
    simulation = experiment(challenger_2={"conversion": 0.11, "price": 20 * 0.05 / 0.11})
    assert decision(simulation) == ("go_on", None)
    assert "that revenue per user does not fall by more than 10 % is not shown" in (
        verdict(simulation)
    )
    generous = ExperimentConfig(revenue_margin=0.5)
    assert decision(simulation, generous) == ("ship", "challenger_2")


def test_losses_are_said():
    text = verdict(experiment(challenger_1={"conversion": 0.02}, challenger_2={"conversion": 0.01}))
    assert text.startswith("Keep popularity: every arm converts worse; challenger_2 (bpr)")


def test_a_gain_that_does_not_survive_holm_is_not_shipped():
    simulation = experiment(challenger_2={"conversion": 0.0655})
    conversion = analyse(simulation).filter(
        (pl.col("arm") == "challenger_2")
        & (pl.col("metric") == "conversion")
        & (pl.col("against") == "control")
    )
    assert conversion["p_value"].item() < 0.05 < conversion["adjusted_p_value"].item()
    assert decision(simulation) == ("go_on", None)


def test_where_nobody_converts_nothing_is_called_visible_or_kept():
    results = analyse(experiment(**{name: {"conversion": 0.0, "ctr": 0.0} for name in MODELS}))
    assert results["decision"][0] == "go_on"
    guardrails = results.filter(pl.col("metric") != "conversion")
    assert guardrails["finding"].unique().to_list() == ["unknown"]
    for unknown in ("low", "high", "minimum_detectable"):
        assert guardrails[unknown].null_count() == guardrails.height
    assert guardrails["p_value"].unique().to_list() == [1.0]


def test_a_difference_without_variation_is_no_certainty():
    pair = pl.concat([arm("control", 2, conversion=0.0), arm("challenger_1", 2, conversion=1.0)])
    revenue = analyse(pair).filter(pl.col("metric") == "revenue_per_user").row(0, named=True)
    assert (revenue["effect"], revenue["low"], revenue["high"]) == (20.0, None, None)
    assert (revenue["p_value"], revenue["finding"]) == (1.0, "unknown")


def test_a_margin_outside_of_0_to_1_is_refused():
    with pytest.raises(UserError, match=r"ctr_margin is 1\.5; give a share above 0 and below 1"):
        ExperimentConfig(ctr_margin=1.5)
    with pytest.raises(UserError, match="no field 'alpha'; it has smallest_gain"):
        ExperimentConfig.of({"alpha": 0.1})


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
    for conversion, ctr in ((0.05, 0.03), (0.0, 0.0)):
        same = {name: {"conversion": conversion, "ctr": ctr} for name in MODELS}
        figure = ab_test_figure(analyse(experiment(**same)))
        assert len(figure.axes) == 3
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert labels == ["challenger_1 (als)", "challenger_2 (bpr)"]
        assert all(len(axes.containers) == 2 for axes in figure.axes)
    assert png(figure).startswith(b"\x89PNG")
