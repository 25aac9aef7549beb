"""Frames in, frames out: golden numbers, refusals, and what is wrong with a frame."""

from pathlib import Path

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError, InsufficientDataError, UserError
from persona_assets.off_policy.evaluation import ESTIMATES, evaluate
from persona_assets.off_policy.log import Columns, read_exposures

OPEN_BANDIT = Path(__file__).parents[3] / "shared/data/obd_small.parquet"


def shop(rows=4000, actions=5, *, target=None, rate=0.2, units=None, seed=0):
    """A log of a policy that shows action 0 half of the time, and a target policy."""
    rng = np.random.default_rng(seed)
    logging = np.array([0.5, *[0.5 / (actions - 1)] * (actions - 1)])
    action = rng.choice(actions, size=rows, p=logging)
    log = pl.DataFrame(
        {
            "action": action,
            "reward": (rng.random(rows) < rate * (1 + action) / actions).astype(float),
            "propensity": logging[action],
        }
    )
    if units:
        log = log.with_columns(unit=pl.Series(np.arange(rows) % units))
    target = [1 / actions] * actions if target is None else target
    policy = pl.DataFrame({"action": np.arange(actions), "probability": target})
    return log, policy


def estimate(evaluation, name):
    return evaluation.estimates.row(by_predicate=pl.col("estimator") == name, named=True)


def digits():
    """Open Bandit Pipeline's published example: digits as a log of exposures.

    README of github.com/st-tech/zr-obp, "Example with Multi-Class Classification Data", with the
    seeds and settings given there; the reduction is obp/dataset/multiclass.py.
    """
    datasets = pytest.importorskip("sklearn.datasets")
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    features, label = datasets.load_digits(return_X_y=True)
    learned, shown, its_label, label = train_test_split(
        features, label, test_size=0.7, random_state=12345
    )
    classifier = LogisticRegression(random_state=12345).fit(learned, its_label)
    likeliest = classifier.predict(shown)
    context = np.arange(len(label))
    logging = np.full((len(label), 10), 0.2 / 10)
    logging[context, likeliest] += 0.8
    uniform = np.random.RandomState(12345).uniform(size=(len(label), 1))
    action = (logging.cumsum(axis=1) > uniform).argmax(axis=1)
    log = pl.DataFrame(
        {
            "context": context,
            "action": action,
            "reward": action == label,
            "propensity": logging[context, action],
        }
    )
    forest = RandomForestClassifier(random_state=12345).fit(learned, its_label)
    chosen = forest.predict(shown)
    policy = pl.DataFrame({"context": context, "action": chosen, "probability": 1.0})
    return log, policy, float((chosen == label).mean())


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_the_published_example_of_the_open_bandit_pipeline_is_reproduced():
    log, policy, truth = digits()
    assert truth == pytest.approx(0.9634340222575517, abs=1e-12)
    found = evaluate(log, policy, Columns(context="context"))
    ips = estimate(found, "ips")
    assert abs(ips["value"] / truth - 1) == pytest.approx(0.01827255896321327, abs=1e-9)
    assert found.support.effective_units == pytest.approx(260.6, abs=0.1)
    for name in ("ips", "snips"):
        row = estimate(found, name)
        assert row["low"] < truth < row["high"]
        # The logged accuracy, 0.788, says nothing of the other policy.
        assert abs(row["value"] - truth) < abs(found.logged - truth) / 5


def open_bandit(campaign, logging, target):
    """A policy's part of a campaign's log, the other one's probabilities, and its click rate.

    The random policy shows all items equally often; of the other, the propensities of items are not
    published, and its frequencies stand for them.
    """
    if not OPEN_BANDIT.is_file():
        pytest.skip(f"needs {OPEN_BANDIT.name}, the small Open Bandit Dataset (README of st-tech/"
                    "zr-obp says where it is)")  # fmt: skip
    both = pl.read_parquet(OPEN_BANDIT).filter(pl.col("campaign").cast(pl.String) == campaign)
    by_policy = {name: both.filter(pl.col("policy").cast(pl.String) == name)
                 for name in (logging, target)}  # fmt: skip
    if target == "random":
        policy = both.select("item_id").unique().with_columns(probability=1 / pl.len())
    else:
        policy = by_policy[target].group_by("position", "item_id").agg(rows=pl.len())
        policy = policy.with_columns(
            probability=pl.col("rows") / pl.col("rows").sum().over("position")
        )
    columns = Columns(
        action="item_id", position="position", reward="click", propensity="propensity_score"
    )
    return evaluate(by_policy[logging], policy, columns), by_policy[target]["click"].mean()


def test_the_womens_campaign_says_nothing_of_the_random_policy():
    found, _ = open_bandit("women", "bts", "random")
    assert found.estimates.is_empty()
    assert found.estimates.schema == pl.Schema(ESTIMATES)
    assert found.support.effective_units == pytest.approx(2.08, abs=0.01)
    assert found.support.rows == 10_000
    assert "weigh as much as 2.1, and at least 100 are needed" in found.refused[0]


@pytest.mark.parametrize(("logging", "target"), [("random", "bts"), ("bts", "random")])
def test_the_mens_campaign_answers_better_than_its_logged_click_rate(logging, target):
    found, truth = open_bandit("men", logging, target)
    assert found.refused == ()
    for name in ("ips", "snips"):
        row = estimate(found, name)
        assert row["low"] < truth < row["high"]
        assert abs(row["value"] - truth) < abs(found.logged - truth)


def test_a_target_policy_that_is_the_logging_policy_has_the_logged_value():
    log, policy = shop(target=[0.5, 0.125, 0.125, 0.125, 0.125])
    found = evaluate(log, policy)
    assert found.support.overlap == 1
    assert found.support.effective_units == pytest.approx(4000)
    for name in ("ips", "snips"):
        row = estimate(found, name)
        assert row["value"] == pytest.approx(found.logged)
        assert row["gain"] == pytest.approx(0, abs=1e-12)
        assert (row["gain_low"], row["gain_high"]) == pytest.approx((0, 0), abs=1e-9)


def test_replay_is_the_mean_over_equally_likely_actions_that_match():
    rng = np.random.default_rng(1)
    action = rng.integers(4, size=2000)
    log = pl.DataFrame(
        {
            "context": np.arange(2000) % 2,
            "action": action,
            "reward": (rng.random(2000) < 0.1 + 0.1 * action).astype(int),
            "propensity": 0.25,
        }
    )
    policy = pl.DataFrame({"context": [0, 1], "action": [3, 1], "probability": [1.0, 1.0]})
    found = evaluate(log, policy, Columns(context="context"))
    chosen = ((log["context"] == 0) & (log["action"] == 3)) | (
        (log["context"] == 1) & (log["action"] == 1)
    )
    assert estimate(found, "replay")["value"] == pytest.approx(log.filter(chosen)["reward"].mean())
    assert estimate(found, "replay")["value"] == pytest.approx(estimate(found, "snips")["value"])
    uneven, policy = shop(target=[0.0, 0.0, 0.0, 0.0, 1.0])
    found = evaluate(uneven, policy)
    assert found.left_out["replay"] == "the logging policy did not show all actions equally often"


def test_a_model_adds_its_estimators_and_the_direct_method_has_no_interval():
    log, policy = shop(target=[0.1, 0.1, 0.2, 0.2, 0.4])
    policy = policy.with_columns(prediction=0.2 * (1 + pl.col("action")) / 5)
    truth = float((policy["probability"] * policy["prediction"]).sum())
    found = evaluate(log, policy, Columns(prediction="prediction"))
    assert found.estimates["estimator"].to_list() == [
        "ips",
        "snips",
        "dm",
        "dr",
        "switch_dr",
        "dros",
    ]
    assert estimate(found, "dm")["value"] == pytest.approx(truth)
    assert estimate(found, "dm")["low"] is None
    dr = estimate(found, "dr")
    for name in ("dr", "switch_dr", "dros"):
        row = estimate(found, name)
        assert row["low"] < truth < row["high"]
        assert row["low"] <= dr["low"] <= dr["high"] <= row["high"]
        assert row["standard_error"] >= dr["standard_error"]
    assert dr["standard_error"] <= estimate(found, "ips")["standard_error"]


def test_exposures_of_one_person_are_not_independent():
    log, policy = shop(rows=1000)
    people = log.with_row_index("person")
    five = pl.concat([people] * 5)
    once = evaluate(people, policy, Columns(unit="person"))
    clustered = evaluate(five, policy, Columns(unit="person"))
    independent = evaluate(five, policy)
    for name in ("ips", "snips"):
        one, many, wrong = (
            estimate(each, name)["standard_error"] for each in (once, clustered, independent)
        )
        assert many == pytest.approx(one)
        assert wrong == pytest.approx(one / 5**0.5, rel=0.01)
    assert clustered.support.effective_units == pytest.approx(once.support.effective_units)


def test_positions_have_their_own_probabilities_or_share_them():
    log, policy = shop(rows=2000)
    log = log.with_columns(position=pl.Series(np.arange(2000) % 2))
    same = evaluate(log, policy, Columns(position="position"))
    assert_frame_equal(same.estimates, evaluate(log, policy).estimates)
    each = policy.join(pl.DataFrame({"position": [0, 1]}), how="cross")
    apart = evaluate(log, each, Columns(position="position"))
    assert_frame_equal(apart.estimates, same.estimates)


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_frames_of_other_libraries_give_the_same(library):
    pytest.importorskip(library)
    log, policy = shop()
    theirs = [
        nw.from_native(each).to_pandas() if library == "pandas" else nw.from_native(each).to_arrow()
        for each in (log, policy)
    ]
    assert_frame_equal(evaluate(*theirs).estimates, evaluate(log, policy).estimates)


def test_what_the_log_never_shows_is_refused_and_so_are_wrong_propensities():
    log, policy = shop(actions=4)
    absent = pl.DataFrame({"action": [0, 9], "probability": [0.7, 0.3]})
    found = evaluate(log, absent)
    assert found.estimates.is_empty()
    assert "30.0 % of its probability is on actions never logged" in found.refused[0]
    nothing = evaluate(log, pl.DataFrame({"action": [9], "probability": [1.0]}))
    assert nothing.refused == ("the log never shows what the target policy would have shown",)
    wrong = evaluate(log.with_columns(pl.col("propensity") / 2), policy)
    assert "the propensities: they are too small" in wrong.refused[0]


def test_a_tenth_off_is_still_answered_and_more_is_not():
    log, _ = shop(rows=20_000, actions=4)
    for missing, refused in ((0.05, False), (0.09, False), (0.15, True)):
        policy = pl.DataFrame({"action": [0, 1, 9], "probability": [0.5, 0.5 - missing, missing]})
        assert bool(evaluate(log, policy).refused) == refused


def test_clipping_is_bought_with_a_bias_that_is_refused_if_it_is_large():
    log, policy = shop(target=[0.02, 0.02, 0.02, 0.02, 0.92])
    free = evaluate(log, policy)
    assert free.support.clipped == 0
    some = evaluate(log, policy, largest_weight=7.0)
    assert some.support.largest_weight == 7.0
    assert estimate(some, "ips")["value"] < estimate(free, "ips")["value"]
    assert 0 < some.support.clipped < 0.1
    lot = evaluate(log, policy, largest_weight=2.0)
    assert "clipping took" in lot.refused[0]


@pytest.mark.parametrize(("units", "refused"), [(99, True), (101, False)])
def test_a_hundred_effective_units_are_the_least(units, refused):
    log = pl.DataFrame({"action": 0, "reward": [1.0, 0.0, 1.0] * units, "propensity": 1.0})
    log = log.with_columns(unit=pl.Series(np.arange(3 * units) % units))
    policy = pl.DataFrame({"action": [0], "probability": [1.0]})
    found = evaluate(log, policy, Columns(unit="unit"))
    assert found.support.effective_units == pytest.approx(units)
    assert bool(found.refused) == refused


@pytest.mark.parametrize(("rewards", "refused"), [(9, True), (10, False)])
def test_ten_effective_rewards_are_the_least(rewards, refused):
    log = pl.DataFrame({"action": 0, "reward": [1.0] * rewards + [0.0] * 500, "propensity": 1.0})
    policy = pl.DataFrame({"action": [0], "probability": [1.0]})
    assert bool(evaluate(log, policy).refused) == refused


@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_rewards_that_are_all_the_same_tell_nothing_apart(reward):
    log, policy = shop()
    found = evaluate(log.with_columns(reward=pl.lit(reward)), policy)
    assert f"every logged reward is {reward:g}" in " ".join(found.refused)


def test_rewards_may_be_negative():
    log, policy = shop()
    found = evaluate(log.with_columns(reward=1 - 100 * pl.col("reward")), policy)
    assert estimate(found, "ips")["value"] < 0


BROKEN = [
    (lambda log, policy: (log.drop("reward"), policy), UserError, "the log has no column 'reward'"),
    (lambda log, policy: (log, policy.drop("probability")), UserError, "no column 'probability'"),
    (
        lambda log, policy: (log.with_columns(propensity=pl.lit(0.0)), policy),
        DataError,
        "'propensity' must be above 0 and at most 1, and 4000 of 4000 rows are not",
    ),
    (
        lambda log, policy: (log.with_columns(propensity=pl.lit(3.0)), policy),
        DataError,
        "the first with 3",
    ),
    (
        lambda log, policy: (log.with_columns(reward=pl.lit(None, pl.Float64)), policy),
        DataError,
        "'reward' is empty in 4000 of 4000 rows",
    ),
    (
        lambda log, policy: (log.with_columns(reward=pl.lit(float("nan"))), policy),
        DataError,
        "'reward' must be finite",
    ),
    (
        lambda log, policy: (log.with_columns(reward=pl.lit(1e300)), policy),
        DataError,
        "'reward' must be finite, and 0 or of a size that can be computed with",
    ),
    (
        lambda log, policy: (log.with_columns(reward=pl.lit("yes")), policy),
        DataError,
        "'reward' is of type String",
    ),
    (
        lambda log, policy: (log, policy.with_columns(pl.col("probability") / 2)),
        DataError,
        "sums to 1 for each page, but not for 1 of 1, the first with 0.5",
    ),
    (
        lambda log, policy: (log, policy.with_columns(probability=pl.lit(-0.2))),
        DataError,
        "at least 0 and at most 1",
    ),
    (
        lambda log, policy: (log, pl.concat([policy, policy])),
        DataError,
        "names 5 actions more than once",
    ),
    (
        lambda log, policy: (log, policy.with_columns(pl.col("action").cast(pl.String))),
        DataError,
        "'action' is of type Int64 in the log and String in the target policy",
    ),
    (lambda log, policy: (log.head(1), policy), InsufficientDataError, "an interval needs two"),
    (lambda log, policy: (log.clear(), policy), InsufficientDataError, "0 rows of 0 independent"),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "error", "text"), BROKEN)
def test_what_is_wrong_with_a_frame_is_named(broken, error, text):
    with pytest.raises(error) as raised:
        evaluate(*broken(*shop()))
    assert text in str(raised.value)


def test_contexts_without_a_distribution_are_counted_and_not_shown():
    log, policy = shop(rows=1000)
    log = log.with_columns(context=pl.Series(["anna@shop"] * 10 + ["b"] * 990))
    policy = policy.with_columns(context=pl.lit("b"))
    with pytest.raises(DataError, match="no action for 10 of 1000 rows of the log") as raised:
        evaluate(log, policy, Columns(context="context"))
    assert "anna" not in str(raised.value)


@pytest.mark.parametrize("name", ["largest_weight", "tau", "lambda_"])
def test_parameters_are_positive(name):
    with pytest.raises(UserError, match=f"{name} is 0"):
        evaluate(*shop(), **{name: 0.0})


def test_the_order_of_rows_makes_no_difference():
    log, policy = shop(units=500)
    columns = Columns(unit="unit")
    first = evaluate(log, policy, columns).estimates
    second = evaluate(log.sample(fraction=1, shuffle=True, seed=3), policy.reverse(), columns)
    assert_frame_equal(first, second.estimates, rel_tol=1e-9)


def test_predictions_count_only_where_the_target_policy_chooses():
    log = pl.DataFrame({"action": [0, 1, 2], "reward": [1, 0, 1], "propensity": 1 / 3})
    policy = pl.DataFrame({"action": [0, 1], "probability": [0.25, 0.75], "prediction": [0.4, 0.8]})
    found = read_exposures(log, policy, Columns(prediction="prediction"))
    assert found.predicted.tolist() == [0.4, 0.8, 0.0]
    assert found.expected == pytest.approx([0.7] * 3)
    assert found.target.tolist() == [0.25, 0.75, 0.0]
    assert found.unlogged == 0
    assert not found.deterministic
