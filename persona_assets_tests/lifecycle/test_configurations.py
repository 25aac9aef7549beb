from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from persona_assets import recommenders
from persona_assets.errors import UserError
from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.configurations import configured, configured_models, in_use, use
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.models.directional import DirectionalConfig
from persona_assets.recommenders.models.popularity import Popularity
from persona_assets.recommenders.protocol import Config, Task

NOW = datetime(2024, 2, 6, 9, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    return DeltaStore(str(tmp_path))


@dataclass(frozen=True)
class WithParts(Config):
    directional: DirectionalConfig = field(default_factory=DirectionalConfig)
    weights: tuple[float, ...] = (1.0, 2.0)


@dataclass(frozen=True)
class Mixed(Popularity):
    config: WithParts = field(default_factory=WithParts)  # type: ignore[assignment]
    name: ClassVar[str] = "mixed"


def test_models_have_their_defaults_until_something_is_put_to_use(store):
    assert configured_models(store) == MODELS
    assert in_use(store) == {}


def test_the_newest_decision_about_a_model_is_in_use(store):
    for minutes, window in ((0, 5), (2, 7), (1, 6)):
        model = MODELS["directional"].configured(window=window)
        use(
            store, "directional", model.config.to_json(), study=f"s{window}", trial=window,
            now=NOW + timedelta(minutes=minutes),
        )  # fmt: skip
    found = configured_models(store)
    assert found["directional"] == MODELS["directional"].configured(window=7)
    # A model made of others learns from their artefacts, so it has their configurations.
    made_of_it = {name for name, model in MODELS.items() if "directional" in model.parts}
    assert made_of_it
    assert all(found[name].config.directional.window == 7 for name in made_of_it)
    others = MODELS.keys() - made_of_it - {"directional"}
    assert all(found[name] == MODELS[name] for name in others)
    assert (in_use(store)["directional"]["study"], in_use(store)["directional"]["trial"]) == (
        "s7",
        7,
    )


def test_a_field_that_the_text_does_not_know_has_its_default(store):
    use(store, "directional", '{"window": 9}', now=NOW)
    assert configured_models(store)["directional"] == MODELS["directional"].configured(window=9)


def test_configurations_of_parts_and_tuples_come_back_as_they_were(monkeypatch):
    monkeypatch.setitem(recommenders.MODELS, "mixed", Mixed())
    model = Mixed(WithParts(directional=DirectionalConfig(window=3), weights=(0.5, 0.25)))
    assert configured(Mixed(), model.config.to_json()) == model


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("directional", '{"gone": 1}', "has no field 'gone'"),
        ("directional", '{"window": -1}', "window must be positive"),
        ("directional", "{", "does not fit the code"),
    ],
)
def test_what_does_not_fit_the_code_is_refused_and_not_written(store, name, parameters, said):
    with pytest.raises(UserError, match=said) as refused:
        use(store, name, parameters, now=NOW)
    assert f"persona tune {name}" in str(refused.value)
    assert in_use(store) == {}


def test_configuration_of_a_model_that_does_not_exist_is_refused(store):
    with pytest.raises(UserError, match="no recommender is called 'prophet'"):
        use(store, "prophet", "{}", now=NOW)
    assert in_use(store) == {}


def test_models_are_told_their_task(store, monkeypatch):
    told = []

    class Curious(Popularity):
        def for_task(self, task):
            told.append(task)
            return self

    monkeypatch.setitem(recommenders.MODELS, "popularity", Curious())
    configured_models(store)
    assert told == []
    task = Task(unseen=False)
    found = configured_models(store, task=task)
    assert told == [task]
    assert found["two_stage"].config.unseen is False
