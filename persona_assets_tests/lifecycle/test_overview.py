import json
from datetime import UTC, datetime

from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.configurations import use
from persona_assets.lifecycle.overview import as_json, overviews
from persona_assets.lifecycle.promotion import promote
from persona_assets.recommenders import MODELS

NOW = datetime(2024, 2, 6, 9, tzinfo=UTC)


def by_name(store):
    return {each.model: each for each in overviews(store, exclude="seen")}


def test_without_a_lake_every_model_is_there_and_untrained(tmp_path):
    found = by_name(DeltaStore(str(tmp_path)))
    assert list(found) == list(MODELS)
    for each in found.values():
        assert (each.stage, each.trained, each.trained_as_configured) == (None, None, None)
        assert (each.configuration, each.changes, each.since) == ("default", {}, None)
        assert each.description.endswith(".") or each.description
        assert "\n" not in each.description
        assert each.needs[0] == "interactions"


def test_the_newest_training_and_what_became_of_it_are_told(home):
    promote(home.store, "directional", exclude="seen", seed=1, now=NOW)
    found = by_name(home.store)
    assert (found["directional"].stage, found["directional"].trained) == ("champion", "2024-02-05")
    assert found["directional"].trained_as_configured
    assert found["popularity"].stage == "candidate"
    assert found["als"].stage is None


def test_a_promoted_configuration_is_told_with_what_differs_and_where_it_is_from(home):
    model = MODELS["directional"].configured(window=7)
    use(home.store, "directional", model.config.to_json(), now=NOW, study="s", trial=3)
    found = by_name(home.store)["directional"]
    assert (found.configuration, found.changes, found.study) == ("promoted", {"window": 7}, "s")
    assert found.since == NOW.isoformat()
    assert found.trained_as_configured is False
    use(
        home.store, "directional", MODELS["directional"].config.to_json(),
        now=NOW.replace(minute=1),
    )  # fmt: skip
    assert by_name(home.store)["directional"].configuration == "default"


def test_a_model_that_could_not_learn_says_so_and_keeps_its_earlier_training(home):
    why = "no product has a name"
    home.train(MODELS["popularity"], MODELS["directional"], untrained={"directional": why})
    found = by_name(home.store)["directional"]
    assert (found.not_trained, found.not_trained_for) == (why, "2024-02-05")
    assert (found.stage, found.trained) == ("candidate", "2024-01-29")
    assert by_name(home.store)["popularity"].not_trained is None


def test_needs_are_what_the_class_says(tmp_path):
    found = by_name(DeltaStore(str(tmp_path)))
    for name, model in MODELS.items():
        needs = found[name].needs
        assert ("histories when lists are made" in needs) == model.needs_history
        assert ("attributes of people" in needs) == ("users" in model.needs_side_information)
        assert ("attributes of products" in needs) == ("products" in model.needs_side_information)
        assert ("segments of customers" in needs) == (
            "customer_segments" in model.needs_side_information
        )


def test_json_has_the_attributes_as_keys(home):
    parsed = json.loads(as_json(overviews(home.store, exclude="seen")))
    assert [each["model"] for each in parsed] == list(MODELS)
    assert set(parsed[0]) == {
        "model", "description", "configuration", "study", "since", "parameters", "changes",
        "stage", "trained", "trained_as_configured", "not_trained", "not_trained_for", "needs",
    }  # fmt: skip
