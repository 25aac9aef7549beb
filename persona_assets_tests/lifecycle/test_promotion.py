import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.lake import DeltaStore
from persona_assets.lifecycle import promotion
from persona_assets.lifecycle.configurations import configured_models, use
from persona_assets.lifecycle.promotion import champion, promote, promote_best, registry, rollback
from persona_assets.lifecycle.registry import Recipe
from persona_assets.lifecycle.study import Study, keep
from persona_assets.lifecycle.validation import validation_week
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.models.directional import Directional
from persona_assets.tables.evaluation import OFFLINE_METRICS
from persona_assets.tables.lifecycle import PROMOTIONS
from persona_assets.tables.models import REGISTRY, TOP_K
from persona_assets_tests.lifecycle.conftest import frame

NOW = datetime(2024, 2, 6, 9, tzinfo=UTC)
DIRECTIONAL = MODELS["directional"]
BACKWARD = DIRECTIONAL.configured(forward_decay=1.2, backward_share=1.0, history_decay=1.0)
"""Looks mostly the wrong way: still better than popularity, worse than the default."""


def promoted(home, name, minutes=0, seed=1):
    return promote(
        home.store, name, exclude="seen", seed=seed, now=NOW + timedelta(minutes=minutes)
    )


def rolled_back(home, minutes=0):
    return rollback(home.store, exclude="seen", now=NOW + timedelta(minutes=minutes))


def put_to_use(home, model, minutes=0):
    """Decide on the configuration and train it, every week anew."""
    use(home.store, model.name, model.config.to_json(), now=NOW + timedelta(minutes=minutes))
    home.train(MODELS["popularity"], model)


def stage_of(home, model):
    found = registry(home.store).filter(
        pl.col("model") == model.name, pl.col("parameters") == model.config.to_json()
    )
    return set(found["stage"])


def test_the_first_champion_has_beaten_popularity(home):
    assert champion(home.store) is None
    measured = promoted(home, "directional")
    assert measured.against == "popularity"
    assert measured.low > 0
    assert len(measured.weeks) == 3
    assert champion(home.store) == Recipe.of(DIRECTIONAL)
    assert stage_of(home, DIRECTIONAL) == {"champion"}
    assert stage_of(home, MODELS["popularity"]) == {"candidate"}
    [row] = home.store.read(PROMOTIONS).to_dicts()
    assert (row["from_stage"], row["to_stage"], row["action"]) == (
        "candidate", "champion", "promotion",
    )  # fmt: skip
    evidence = json.loads(row["evidence"])
    assert evidence["difference"] == measured.difference
    assert evidence["weeks"] == ["2024-01-15", "2024-01-22", "2024-01-29"]


def test_a_worse_model_is_refused_with_the_numbers_and_nothing_is_written(home):
    promoted(home, "directional")
    before = home.store.version(PROMOTIONS)
    with pytest.raises(UserError) as refused:
        promoted(home, "popularity", minutes=1)
    said = str(refused.value)
    assert said.startswith(
        "popularity was not promoted over directional on 3 evaluated week(s) from 2024-01-15: "
        "ndcg@10"
    )
    assert "is not above 0" in said
    assert "persona tune popularity" in said
    assert home.store.version(PROMOTIONS) == before
    assert champion(home.store) == Recipe.of(DIRECTIONAL)


def test_a_better_configuration_of_the_champion_archives_it_and_rollback_returns(home):
    put_to_use(home, BACKWARD)
    promoted(home, "directional", minutes=1)
    assert champion(home.store) == Recipe.of(BACKWARD)
    put_to_use(home, DIRECTIONAL, minutes=2)
    assert stage_of(home, DIRECTIONAL) == {"candidate"}
    measured = promoted(home, "directional", minutes=3)
    assert (measured.against, measured.low > 0) == ("directional", True)
    assert champion(home.store) == Recipe.of(DIRECTIONAL)
    assert configured_models(home.store)["directional"] == DIRECTIONAL

    assert rolled_back(home, minutes=4) == (Recipe.of(DIRECTIONAL), Recipe.of(BACKWARD))
    assert champion(home.store) == Recipe.of(BACKWARD)
    # What is trained next is what serves.
    assert configured_models(home.store)["directional"] == BACKWARD
    assert stage_of(home, DIRECTIONAL) == {"archived"}
    home.train(BACKWARD)
    assert stage_of(home, BACKWARD) == {"champion"}
    newest = home.store.read(PROMOTIONS).sort("decision").tail(2)
    assert set(newest["action"]) == {"rollback"}
    assert set(newest["evidence"]) == {"{}"}
    with pytest.raises(UserError, match=r"nothing to roll back to: 1 champion\(s\) so far"):
        rolled_back(home, minutes=5)


def test_the_champions_lists_are_made_again_where_the_lake_has_others(home, monkeypatch):
    fitted = []
    honest = Directional.fit

    def fit(self, known, **rest):
        fitted.append((self.config, known.cutoff))
        assert known.rows["arrived_at"].max().date() < known.cutoff
        return honest(self, known, **rest)

    put_to_use(home, BACKWARD)
    promoted(home, "directional", minutes=1)
    put_to_use(home, DIRECTIONAL, minutes=2)
    monkeypatch.setattr(Directional, "fit", fit)
    measured = promoted(home, "directional", minutes=3)
    # The candidate's lists are in the lake, those of the champion were overwritten by them.
    assert [config for config, _ in fitted] == [BACKWARD.config] * 3
    assert [cutoff.isoformat() for _, cutoff in fitted] == list(measured.weeks)


def test_made_again_lists_are_evaluated_like_those_of_the_lake(home):
    from_lake = promoted(home, "directional")
    for table in (TOP_K,):
        cutoffs = home.store.read(table)["cutoff"].unique().to_list()
        home.store.overwrite(table, table.empty(), partitions=cutoffs)
    home.store.overwrite(PROMOTIONS, PROMOTIONS.empty())
    assert promoted(home, "directional", minutes=1) == from_lake


def test_stages_survive_when_weeks_are_materialized_again(home):
    promoted(home, "directional")
    home.train(MODELS["popularity"], DIRECTIONAL)
    assert stage_of(home, DIRECTIONAL) == {"champion"}
    assert set(home.store.read(REGISTRY)["stage"]) == {"candidate"}


def test_what_was_not_trained_as_configured_is_not_promoted(home):
    use(home.store, "directional", BACKWARD.config.to_json(), now=NOW)
    with pytest.raises(
        UserError, match=r"trained for 2024-02-05 with another configuration.*mater"
    ):
        promoted(home, "directional", minutes=1)
    with pytest.raises(UserError, match="als was never trained; materialize models/als_model"):
        promoted(home, "als", minutes=1)


def test_nothing_is_promoted_twice_and_the_baseline_not_first(home):
    with pytest.raises(UserError, match="popularity is what the first champion has to beat"):
        promoted(home, "popularity")
    promoted(home, "directional")
    with pytest.raises(UserError, match="is champion already; nothing to do"):
        promoted(home, "directional", minutes=1)


def test_the_week_by_which_a_configuration_was_chosen_proves_nothing(home):
    validation = validation_week(home.shop, trained=date(2024, 2, 5), exclude="seen")
    trials = Study(DIRECTIONAL, 3, "random", 3).run(validation)
    keep(home.store, trials)
    use(home.store, "directional", DIRECTIONAL.config.to_json(), now=NOW, study=trials["study"][0])
    assert promoted(home, "directional", minutes=1).weeks == ("2024-01-15", "2024-01-22")
    others = [date(2024, 1, 15), date(2024, 1, 22)]
    home.store.overwrite(OFFLINE_METRICS, OFFLINE_METRICS.empty(), partitions=others)
    with pytest.raises(
        UserError, match=r"only evaluated week, from 2024-01-29, is the one by which"
    ):
        promoted(home, "directional", minutes=2)


def test_the_best_of_the_first_week_has_to_prove_itself_in_the_others(home):
    """Of many models the best on a week is better on that week by chance as well."""
    evaluated = [date(2024, 1, 15), date(2024, 1, 22), date(2024, 1, 29)]
    rows = [
        {"cutoff": cutoff, "model": model, "metric": "ndcg", "k": 10, "value": value}
        for cutoff, values in zip(evaluated, [(0.2, 0.1), (0.0, 0.1), (0.0, 0.1)], strict=True)
        for model, value in zip(["directional", "popularity"], values, strict=True)
    ]
    home.store.overwrite(OFFLINE_METRICS, frame(OFFLINE_METRICS, rows), partitions=evaluated)
    name, measured = promote_best(home.store, exclude="seen", seed=1, now=NOW)
    assert name == "directional"
    assert measured.weeks == ("2024-01-22", "2024-01-29")
    assert champion(home.store) == Recipe.of(DIRECTIONAL)


def test_no_more_than_the_newest_weeks_are_looked_at(home, monkeypatch):
    monkeypatch.setattr(promotion, "WEEKS", 2)
    assert promoted(home, "directional").weeks == ("2024-01-22", "2024-01-29")


def test_unknown_models_and_empty_lakes_are_named(home, tmp_path):
    with pytest.raises(UserError, match="no recommender is called 'prophet'"):
        promoted(home, "prophet")
    empty = DeltaStore(str(tmp_path / "empty"))
    with pytest.raises(UserError, match="no week was evaluated"):
        promote(empty, "directional", exclude="seen", seed=1, now=NOW)
    with pytest.raises(UserError, match=r"nothing to roll back to: 0 champion\(s\)"):
        rollback(empty, exclude="seen", now=NOW)
