"""What a shop may declare, and what it may change once somebody was exposed."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from persona_assets import settings
from persona_assets.errors import DataError, UserError
from persona_assets.live_experiments.declaration import LiveExperiment
from persona_assets.live_experiments.declaration_file import FILE_NAME, read_experiments
from persona_assets.live_experiments.stored_plans import StoredPlan, load, refuse_changed, save

WHOLE = """
[spring]
start = 2026-03-01
days = 28
users = 4000
layer = "home page"
traffic = [0.0, 0.5]
holdout = 0.1
primary = "ctr"
arms = { control = "popularity", challenger = "als" }
shares = { control = 0.4, challenger = 0.6 }
guardrails = { revenue_per_user = 0.05 }
smallest_gain = 0.02
"""
LEAST = "[spring]\nstart = 2026-03-01\nend = 2026-03-29\nusers = 4000\n"


def read(tmp_path: Path, text: str) -> tuple[LiveExperiment, ...]:
    (tmp_path / FILE_NAME).write_text(text)
    return read_experiments(tmp_path / FILE_NAME)


def test_a_whole_declaration_is_read(tmp_path: Path) -> None:
    [found] = read(tmp_path, WHOLE)
    assert found == LiveExperiment(
        "spring",
        date(2026, 3, 1),
        date(2026, 3, 29),
        4_000,
        arms={"control": "popularity", "challenger": "als"},
        shares={"control": 0.4, "challenger": 0.6},
        layer="home page",
        traffic=(0.0, 0.5),
        holdout=0.1,
        primary="ctr",
        guardrails={"revenue_per_user": 0.05},
        smallest_gain=0.02,
    )
    assert found.days == 28


def test_settings_have_what_the_home_declares(tmp_path: Path) -> None:
    assert settings.load({"PERSONA_HOME": str(tmp_path)}).live_experiments == ()
    (tmp_path / FILE_NAME).write_text(LEAST)
    loaded = settings.load({"PERSONA_HOME": str(tmp_path)})
    [found] = loaded.live_experiments
    assert (found.name, found.arms, found.shares_of(["control", "x"])) == (
        "spring",
        {},
        {"control": 0.5, "x": 0.5},
    )
    settings.save(loaded)  # writes persona.toml anew, and leaves the declaration
    assert settings.load({"PERSONA_HOME": str(tmp_path)}).live_experiments == (found,)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("days = 3", "give either end"),
        ("arm = 3", "unknown key arm"),
        ("holdout = 1.0", "holdout is 1.0"),
        ("holdout = true", "holdout is True; write a number"),
        ("traffic = [0.5, 0.5]", r"traffic is \[0.5, 0.5\]"),
        ("traffic = 0.5", "give two numbers"),
        ('primary = "clicks"', "metric 'clicks' is none of conversion"),
        ("guardrails = { conversion = 0.1 }", "conversion is primary and a guardrail"),
        ("guardrails = { ctr = 0 }", "the margin of ctr is 0"),
        ('arms = { a = "als", b = "bpr" }', "name one control and at least one other"),
        ('arms = { control = "als" }', "name one control and at least one other"),
        ("shares = { control = 1.0 }", "shares are of control and arms are not given"),
        (
            'arms = { control = "als", b = "bpr" }\nshares = { control = 0.5, b = 0.4 }',
            "positive shares that sum to 1",
        ),
        ("smallest_gain = 0", "smallest_gain is 0"),
        (
            'arms = { control = "als", b = "transformer" }',
            "no recommender is called 'transformer'; choose one of popularity",
        ),
    ],
)
def test_what_nobody_could_mean_is_a_named_error(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        read(tmp_path, LEAST + line)
    assert "spring" in str(error.value)
    assert FILE_NAME in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("spring = 1", "no table"),
        ("[spring", "not valid TOML"),
        ("[spring]\nusers = 10\nend = 2026-03-29", "start is missing"),
        (LEAST.replace("end = 2026-03-29\n", ""), "give either end"),
        (LEAST.replace("2026-03-29", "2026-03-01"), "not after its start"),
        (LEAST.replace("2026-03-29", "2026-03-29T00:00:00"), "write a date"),
        (LEAST.replace("4000", "3"), "users is 3"),
        (LEAST.replace("4000", '"many"'), "write a whole number"),
        (LEAST.replace("4000", "nan"), "users is nan; write a whole number"),
        (LEAST.replace("4000", "9" * 400), "users is above 10,000,000,000"),
        (LEAST + f"holdout = {'9' * 400}", "holdout is too large"),
        ("[spring]\nstart = 9999-12-31\ndays = 28\nusers = 40", "there is no date"),
    ],
)
def test_a_file_that_is_none_is_a_named_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(tmp_path, text)


def test_experiments_of_a_layer_may_not_take_the_same_customers_at_the_same_time(
    tmp_path: Path,
) -> None:
    one = LEAST + 'layer = "home"\ntraffic = [0.0, 0.6]\n'
    other = one.replace("spring", "summer")
    with pytest.raises(UserError, match="'spring' and 'summer' of layer 'home' take the same"):
        read(tmp_path, one + other)
    for apart in (
        other.replace("[0.0, 0.6]", "[0.6, 1.0]"),
        other.replace('"home"', '"cart"'),
        other.replace("2026-03-29", "2026-04-29").replace("2026-03-01", "2026-03-29"),
    ):
        assert len(read(tmp_path, one + apart)) == 2


def test_a_plan_is_fixed_from_the_first_exposure_on(tmp_path: Path) -> None:
    [found] = read(tmp_path, WHOLE)
    save(tmp_path, {"spring": StoredPlan(found.as_plan(), found.arms, exposed=True)})
    plans = load(tmp_path)
    refuse_changed([found], plans)
    refuse_changed([replace(found, end=date(2026, 4, 30))], plans)
    changes = {
        "end": date(2026, 3, 20),
        "users": 5_000,
        "shares": {"control": 0.5, "challenger": 0.5},
        "arms": {"control": "popularity", "challenger": "bpr"},
        "traffic": (0.0, 0.4),
        "holdout": 0.0,
        "primary": "conversion",
        "guardrails": {"revenue_per_user": 0.2},
        "layer": "",
        "smallest_gain": 0.1,
        "start": date(2026, 2, 1),
    }
    assert changes.keys() == found.as_plan().keys()
    for name, value in changes.items():
        with pytest.raises(UserError, match=f"'spring' was changed .* {name} was .* and is "):
            refuse_changed([replace(found, **{name: value})], plans)
    turned = dict(reversed(found.arms.items()))
    with pytest.raises(UserError, match="order of its arms"):
        refuse_changed([replace(found, arms=turned)], plans)


def test_before_anybody_was_exposed_a_plan_may_change(tmp_path: Path) -> None:
    [found] = read(tmp_path, WHOLE)
    save(tmp_path, {"spring": StoredPlan(found.as_plan(), found.arms)})
    refuse_changed([replace(found, users=5_000)], load(tmp_path))


def test_a_damaged_plan_is_no_plan_that_may_be_forgotten(tmp_path: Path) -> None:
    assert load(tmp_path) == {}
    for text in ("{", "[]", '{"spring": 1}', '{"spring": {"what": 1}}'):
        (tmp_path / "experiment_plans.json").write_text(text)
        with pytest.raises(DataError, match=r"experiment_plans\.json"):
            load(tmp_path)
