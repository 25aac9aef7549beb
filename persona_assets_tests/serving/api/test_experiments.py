"""Over HTTP: customers in an experiment get their arm's model, and the log says so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.live_experiments import stored_plans
from persona_assets.live_experiments.assignment import arm_of
from persona_assets.live_experiments.declaration import LiveExperiment
from persona_assets.serving.api.service import Service
from persona_assets.serving.bring_in import bring_in
from persona_assets.tables.collected import IMPRESSIONS, SERVED_LISTS
from persona_assets.tables.evaluation import MODEL_COMPARISON
from persona_assets.tables.models import REGISTRY
from persona_assets.transforms.pseudonyms import pseudonym
from persona_assets_tests.serving.api.test_served_lists import asked, opened
from persona_assets_tests.serving.small_lake import CUTOFF, HASH_KEY, PEOPLE, TRAINED, small_lake
from persona_assets_tests.serving.small_lake import _write as write

ARMS = {"control": "item_knn", "challenger": "popularity"}
SPRING = LiveExperiment("spring", date(2026, 1, 1), date(9999, 1, 1), 100, arms=ARMS)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    store = small_lake(tmp_path / "lake")
    rows = [
        {"cutoff": CUTOFF, "model": name, "parameters": "{}", "artefact_hash": f"2-{name}"}
        for name in TRAINED
    ]
    write(store, REGISTRY, pl.DataFrame(rows))
    return tmp_path


def hashed(person: str) -> str:
    return pseudonym(person, HASH_KEY)


def served(home: Path) -> pl.DataFrame:
    store = small_store(home)
    bring_in(home, store, to_the_end=True)
    return store.read(SERVED_LISTS)


def small_store(home: Path) -> Any:
    from persona_assets.lake import DeltaStore

    return DeltaStore(str(home / "lake"))


def test_each_customer_is_served_the_arm_and_the_log_says_which(home: Path) -> None:
    with opened(home, live_experiments=(SPRING,)) as shop:
        answers = {person: asked(shop, user_id=person, k=3) for person in PEOPLE}
        again = {person: asked(shop, user_id=person, k=3) for person in PEOPLE}
    for person, answer in answers.items():
        arm = arm_of(SPRING, ARMS, hashed(person))
        assert arm is not None
        assert answer["model"] == again[person]["model"] == ARMS[arm]
    assert {each["model"] for each in answers.values()} == set(ARMS.values())
    rows = served(home)
    assert set(rows["experiment"]) == {"spring"}
    for user, arm, model in rows.select("user_id", "arm", "model").unique().iter_rows():
        assert arm == arm_of(SPRING, ARMS, user)
        assert model == ARMS[arm]
    assert small_store(home).read(IMPRESSIONS)["arm"].null_count() == 0


def test_nobody_without_consent_or_history_and_no_other_route_takes_part(home: Path) -> None:
    with opened(home, live_experiments=(SPRING,)) as shop:
        asked(shop, user_id=PEOPLE[0], consent=False)
        asked(shop, user_id="somebody new")
        asked(shop)
        asked(shop, user_id=PEOPLE[0], model="popularity")
        asked(shop, "/api/similar", item_id="p01", user_id=PEOPLE[0])
    rows = served(home)
    assert rows.height > 10
    assert rows["experiment"].null_count() == rows["arm"].null_count() == rows.height
    assert not stored_plans.load(home)["spring"].exposed


@pytest.mark.parametrize(
    "change",
    [
        {"start": date(2025, 1, 1), "end": date(2025, 2, 1)},
        {"start": date(9998, 1, 1)},
        {"traffic": (0.0, 1e-9)},
        {"holdout": 1 - 1e-9},
        {"arms": {"control": "item_knn", "challenger": "als"}},  # was not trained
    ],
    ids=["is over", "is to come", "no traffic", "held out", "an arm is missing"],
)
def test_who_is_in_no_experiment_gets_the_champion(home: Path, change: dict[str, Any]) -> None:
    with opened(home, live_experiments=(replace(SPRING, **change),)) as shop:
        answers = [asked(shop, user_id=person, k=3) for person in PEOPLE]
    assert {each["model"] for each in answers} == {"item_knn"}
    assert served(home)["experiment"].null_count() == served(home).height


def test_a_plan_is_stored_before_and_fixed_by_the_first_exposure(home: Path) -> None:
    changed = replace(SPRING, users=200)
    with opened(home, live_experiments=(SPRING,)):
        assert not stored_plans.load(home)["spring"].exposed
    with opened(home, live_experiments=(changed,)) as shop:
        assert stored_plans.load(home)["spring"].declared["users"] == 200
        asked(shop, user_id=PEOPLE[0])
        assert stored_plans.load(home)["spring"].exposed
    with (
        pytest.raises(UserError, match="users was 200 and is 100"),
        opened(home, live_experiments=(SPRING,)),
    ):
        pass
    with opened(home, live_experiments=(replace(changed, end=date(9999, 2, 1)),)) as shop:
        asked(shop, user_id=PEOPLE[0])


def test_the_refused_service_lets_go_of_its_home(home: Path, serving: Callable[..., Any]) -> None:
    plan = stored_plans.StoredPlan(SPRING.as_plan() | {"users": 7}, ARMS, exposed=True)
    stored_plans.save(home, {"spring": plan})
    with pytest.raises(UserError), opened(home, live_experiments=(SPRING,)):
        pass
    with serving(home) as shop:
        assert isinstance(shop.service, Service)


def test_of_two_experiments_that_take_a_customer_the_earlier_one_serves(home: Path) -> None:
    winter = replace(SPRING, name="winter", start=date(2025, 12, 1), arms=ARMS, traffic=(0.0, 0.5))
    with opened(home, live_experiments=(SPRING, winter)) as shop:
        for person in PEOPLE:
            asked(shop, user_id=person, k=3)
    rows = served(home).select("user_id", "experiment", "arm").unique()
    assert set(rows["experiment"]) == {"spring", "winter"}
    for user, experiment, arm in rows.iter_rows():
        of_winter = arm_of(winter, ARMS, user)
        assert experiment == ("spring" if of_winter is None else "winter")
        assert arm == (of_winter or arm_of(SPRING, ARMS, user))


def test_arms_that_are_not_named_are_the_champion_and_the_best_others(home: Path) -> None:
    values = {"popularity": 0.1, "item_knn": 0.2, "directional": 0.3, "content": 0.05}
    row = {"cutoff": CUTOFF, "metric": "ndcg", "k": 10}
    compared = [row | {"model": name, "value": value} for name, value in values.items()]
    write(small_store(home), MODEL_COMPARISON, pl.DataFrame(compared))
    with opened(home, live_experiments=(replace(SPRING, arms={}),)) as shop:
        answers = [asked(shop, user_id=person, k=3)["model"] for person in PEOPLE]
    expected = {
        "control": "item_knn", "challenger_1": "directional", "challenger_2": "popularity",
    }  # fmt: skip
    assert stored_plans.load(home)["spring"].arms == expected
    assert set(answers) == set(expected.values())


def test_without_a_comparison_nobody_is_in_an_experiment_of_unnamed_arms(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(home, live_experiments=(replace(SPRING, arms={}),)) as shop:
        assert asked(shop, user_id=PEOPLE[0])["model"] == "item_knn"
    assert "experiment spring: it names no arms" in caplog.text
