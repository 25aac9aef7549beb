"""From served lists and purchases to a verdict: what counts, recomputed by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import chisquare, ttest_ind

from persona_assets.live_experiments.declaration import LiveExperiment
from persona_assets.live_experiments.exposures import READ_COLUMNS, exposures
from persona_assets.live_experiments.results import Outcome, results
from persona_assets.live_experiments.unit_metrics import unit_metrics
from persona_assets.tables.collected import IMPRESSIONS
from persona_assets.tables.live_experiments import TABLES
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS

START, END = date(2025, 1, 10), date(2025, 1, 20)
ARMS = {"control": "popularity", "challenger": "als"}
SPRING = LiveExperiment(
    "spring", START, END, 1_000, arms=ARMS, guardrails={"revenue_per_user": 0.9}
)


def at(day: date, hour: float) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


def shown(user: str | None, arm: str, day: date, hour: float = 12, **more: Any) -> dict[str, Any]:
    return {
        "event_date": day,
        "recommendation_id": f"{user} {day} {hour}",
        "user_id": user,
        "served_at": at(day, hour),
        "model": ARMS.get(arm, "other"),
        "experiment": "spring",
        "arm": arm,
        "viewed": True,
        "clicked": False,
    } | more


def bought(user: str, day: date, hour: float = 13, amount: float | None = 10.0) -> dict[str, Any]:
    return {"user_id": user, "event_date": day, "event_ts": at(day, hour), "amount": amount}


def lists_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {name: IMPRESSIONS.polars_schema[name] for name in READ_COLUMNS}
    return pl.DataFrame(rows, schema=schema)


def purchases_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    names = ("user_id", "event_date", "event_ts", "amount")
    return pl.DataFrame(rows, schema={n: USER_ITEM_INTERACTIONS.polars_schema[n] for n in names})


def made(
    lists: list[dict[str, Any]],
    purchases: list[dict[str, Any]],
    experiment: LiveExperiment = SPRING,
    *,
    mart: tuple[date, date] = (START, END),
) -> tuple[pl.DataFrame, pl.DataFrame, Outcome]:
    shown_, bought_ = lists_of(lists), purchases_of(purchases)
    exposed = exposures(shown_, bought_, [experiment], mart[0])
    metrics = unit_metrics(exposed, shown_, bought_, [experiment])
    outcome = results(exposed, metrics, [experiment], {"spring": list(ARMS)}, mart[1])
    return exposed, metrics, outcome


def test_only_what_comes_after_the_first_list_counts() -> None:
    day = START + timedelta(days=2)
    exposed, metrics, _ = made(
        [
            shown("a", "control", START - timedelta(days=1)),  # before the start
            shown("a", "control", day, 12, clicked=True),
            shown("a", "control", day, 15, viewed=False),
            shown("a", "control", END),  # the end is not in it
            shown(None, "control", day),  # nobody
            shown("b", "elsewhere", day, experiment="other"),
        ],
        [
            bought("a", START),  # a day before the exposure
            bought("a", day, 11.99),  # the same day, a minute before
            bought("a", day, 12.01, 3.0),
            bought("a", day + timedelta(days=3), 1, None),  # without a price
            bought("a", END, 0),
            bought("c", day),  # was never exposed
        ],
    )
    assert exposed.select("user_id", "arm", "model", "day", "exposed_at", "arms").rows() == [
        ("a", "control", "popularity", day, at(day, 12), 1)
    ]
    assert metrics.select(
        "user_id", "day", "impressions", "clicks", "orders", "revenue"
    ).rows() == [
        ("a", day, 1, 1, 1, 3.0),
        ("a", day + timedelta(days=3), 0, 0, 1, 0.0),
    ]


def test_a_user_in_two_arms_is_in_no_number_and_counted() -> None:
    lists = [shown(f"u{n}", arm, START) for n in range(400) for arm in [list(ARMS)[n % 2]]]
    both = [shown("u0", "challenger", START + timedelta(days=1), clicked=True)]
    exposed, metrics, outcome = made(lists + both, [bought("u0", START), bought("u1", START)])
    assert exposed.filter(pl.col("arms") > 1)["user_id"].to_list() == ["u0"]
    assert "u0" not in metrics["user_id"].to_list()
    [row] = outcome.verdicts.rows.to_dicts()
    assert (row["users"], row["excluded_users"]) == (399, 1)
    assert row["decision"] != "invalid"
    conversion = outcome.results.rows.row(
        by_predicate=(pl.col("metric") == "conversion"), named=True
    )
    assert (conversion["against_users"], conversion["against_value"]) == (199, 0.0)
    # One in a hundred is too many: somebody is assigned twice.
    more = [shown(f"u{n}", list(ARMS)[1 - n % 2], START, 18) for n in range(6)]
    *_, outcome = made(lists + more, [])
    assert outcome.verdicts.rows["decision"].to_list() == ["invalid"]


def golden(seed: int = 3, users: int = 1_200) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Every second user in an arm; of control 10 % buy, of the challenger 25 %."""
    rng = np.random.default_rng(seed)
    lists, purchases = [], []
    for number in range(users):
        arm = list(ARMS)[number % 2]
        day = START + timedelta(days=int(rng.integers(0, 8)))
        lists.append(shown(f"u{number}", arm, day, clicked=bool(rng.random() < 0.3)))
        if rng.random() < (0.1, 0.25)[number % 2]:
            amount = float(np.round(rng.gamma(2, 20), 2))
            purchases.append(bought(f"u{number}", day + timedelta(days=1), 13, amount))
    return lists, purchases


def test_a_golden_experiment_at_its_end_is_what_scipy_says() -> None:
    lists, purchases = golden()
    _, _, outcome = made(lists, purchases)
    spent = dict.fromkeys((row["user_id"] for row in lists), 0.0)
    spent |= {row["user_id"]: row["amount"] for row in purchases}
    arms = {
        arm: np.array([spent[row["user_id"]] for row in lists if row["arm"] == arm]) for arm in ARMS
    }
    found = {row["metric"]: row for row in outcome.results.rows.to_dicts()}
    assert found.keys() == {"conversion", "ctr", "orders_per_user", "revenue_per_user"}
    for metric, values in (
        ("revenue_per_user", arms),
        ("orders_per_user", {arm: (of > 0) * 1.0 for arm, of in arms.items()}),
    ):
        row = found[metric]
        expected = ttest_ind(values["challenger"], values["control"], equal_var=False)
        # At the end of a hybrid four fifths of the 5 % are left.
        interval = expected.confidence_interval(0.96)
        assert row["effect"] == pytest.approx(
            values["challenger"].mean() - values["control"].mean()
        )
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["p_value"] == pytest.approx(min(1, expected.pvalue / 0.8))
    clicks = {arm: np.mean([row["clicked"] for row in lists if row["arm"] == arm]) for arm in ARMS}
    assert found["ctr"]["effect"] == pytest.approx(clicks["challenger"] - clicks["control"])
    assert (found["conversion"]["role"], found["revenue_per_user"]["role"]) == (
        "primary",
        "guardrail",
    )
    [verdict] = outcome.verdicts.rows.to_dicts()
    assert (verdict["decision"], verdict["shipped_arm"], verdict["shipped_model"]) == (
        "ship",
        "challenger",
        "als",
    )
    assert not verdict["running"]
    assert (verdict["days"], verdict["planned_days"]) == (10, 10)
    assert verdict["srm_p_value"] == pytest.approx(chisquare([600, 600]).pvalue)


def test_while_it_runs_intervals_are_wider_and_the_end_is_the_declared_day() -> None:
    lists, purchases = golden()
    eve = END - timedelta(days=1)
    *_, running = made(lists, purchases, mart=(START, eve))
    *_, ended = made(lists, purchases)
    row, last = (each.verdicts.rows.row(0, named=True) for each in (running, ended))
    assert (row["running"], row["days"], row["users"]) == (True, 10, 1_200)
    assert not last["running"]
    for wide, narrow in zip(
        running.results.rows.iter_rows(named=True),
        ended.results.rows.iter_rows(named=True),
        strict=True,
    ):
        assert wide["effect"] == pytest.approx(narrow["effect"])
        assert wide["high"] - wide["low"] > 1.2 * (narrow["high"] - narrow["low"])


def test_arms_of_unplanned_sizes_are_invalid() -> None:
    lists, purchases = golden()
    lost = [row for row in lists if row["arm"] == "control" or hash_of(row["user_id"]) % 3]
    *_, outcome = made(lost, purchases)
    assert outcome.verdicts.rows["decision"].to_list() == ["invalid"]
    # The same sizes are right where they were planned.
    sizes = [sum(row["arm"] == arm for row in lost) / len(lost) for arm in ARMS]
    planned = replace(SPRING, shares=dict(zip(ARMS, sizes, strict=True)))
    *_, outcome = made(lost, purchases, planned)
    assert outcome.verdicts.rows["decision"].to_list() == ["ship"]


def hash_of(user: str) -> int:
    return int(user[1:]) // 2


def test_what_users_bought_before_narrows_the_interval() -> None:
    rng = np.random.default_rng(5)
    lists, purchases = [], []
    for number in range(600):
        habit = float(rng.gamma(1, 30))
        lists.append(shown(f"u{number}", list(ARMS)[number % 2], START))
        purchases += [
            bought(f"u{number}", START - timedelta(days=5), 1, habit),
            bought(f"u{number}", START, 13, habit + float(rng.gamma(1, 3))),
        ]

    def width(first_day: date) -> tuple[float, str]:
        exposed, _, outcome = made(lists, purchases, mart=(first_day, END))
        assert exposed["revenue_before"].is_null().any() == (first_day == START)
        row = outcome.results.rows.row(
            by_predicate=pl.col("metric") == "revenue_per_user", named=True
        )
        return row["high"] - row["low"], row["method"]

    without, _ = width(START)
    with_it, method = width(START - timedelta(days=28))
    assert "CUPED" in method
    assert with_it < 0.3 * without


def test_too_few_users_are_said_and_no_failure() -> None:
    for lists in ([], [shown("a", "control", START)]):
        _, _, outcome = made(lists, [])
        assert outcome.results.rows.is_empty()
        [skipped] = outcome.verdicts.skipped
        assert skipped.part == "spring"
    assert outcome.verdicts.rows["decision"].to_list() == ["go_on"]
    assert "1 in control and 0 in challenger" in outcome.verdicts.rows["verdict"][0]


def test_tables_are_as_their_contracts_say_and_empty_without_an_experiment() -> None:
    exposed, metrics, outcome = made(*golden(users=40))
    frames = (exposed, metrics, outcome.results.rows, outcome.verdicts.rows)
    none = exposures(lists_of([]), purchases_of([]), [], None)
    nothing = results(none, unit_metrics(none, lists_of([]), purchases_of([]), []), [], {}, None)
    assert (nothing.results.skipped, nothing.verdicts.skipped) == ((), ())
    for table, frame, empty in zip(
        TABLES,
        frames,
        (none, metrics.clear(), nothing.results.rows, nothing.verdicts.rows),
        strict=True,
    ):
        assert frame.schema == empty.schema == table.polars_schema
        assert empty.is_empty()
        assert not frame.select(table.key).is_duplicated().any()
