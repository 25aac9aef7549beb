import json
from datetime import date

import polars as pl
import pytest

from persona_assets.errors import DataError, UserError
from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.study import Study, best, keep, trial_of
from persona_assets.lifecycle.validation import validation_week, week
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.models.directional import Directional
from persona_assets.tables.lifecycle import TUNING_TRIALS

TRAINED = date(2024, 2, 5)


@pytest.fixture(scope="module")
def validation(shop):
    return validation_week(shop, trained=TRAINED, exclude="seen")


@pytest.fixture(scope="module")
def rows(validation):
    return Study(MODELS["directional"], 6, "random", 3).run(validation)


class Fragile(Directional):
    """Cannot be trained with some configurations."""

    broken = ()

    def _learn(self, known, side_information):
        if self.config.forward_decay in self.broken:
            raise DataError("models/fragile: too many; take fewer")
        return super()._learn(known, side_information)


def test_a_row_tells_what_was_tried_and_what_it_was_worth(rows, validation):
    assert rows.schema == TUNING_TRIALS.polars_schema
    assert rows["trial"].to_list() == list(range(6))
    assert rows["study"].n_unique() == 1
    assert rows["study"][0].startswith("directional-2024-02-05-")
    assert set(rows["cutoff"]) == {TRAINED}
    assert set(rows["users"]) == {len(validation.users)}
    first = rows.row(0, named=True)
    assert first["changes"] == "{}"
    assert first["parameters"] == MODELS["directional"].config.to_json()
    assert (first["lift"], first["lift_low"], first["lift_high"]) == (0, 0, 0)
    for row in rows.iter_rows(named=True):
        assert row["ndcg_low"] <= row["ndcg"] <= row["ndcg_high"]
        assert row["lift"] == pytest.approx(row["ndcg"] - first["ndcg"])
        model = MODELS["directional"].configured(**json.loads(row["changes"]))
        assert model.config.to_json() == row["parameters"]


def test_the_same_study_gives_the_same_rows(rows, validation):
    again = Study(MODELS["directional"], 6, "random", 3).run(validation)
    assert again.drop("seconds").equals(rows.drop("seconds"))


def test_shuffled_rows_change_nothing(rows, shop):
    shuffled = shop.sample(fraction=1, shuffle=True, seed=9)
    validation = validation_week(shuffled, trained=TRAINED, exclude="seen")
    again = Study(MODELS["directional"], 6, "random", 3).run(validation)
    assert again.drop("seconds").equals(rows.drop("seconds"))


@pytest.mark.parametrize(
    "other",
    [
        Study(MODELS["directional"], 7, "random", 3),
        Study(MODELS["directional"], 6, "tpe", 3),
        Study(MODELS["directional"], 6, "random", 4),
        Study(MODELS["directional"].configured(window=3), 6, "random", 3),
    ],
)
def test_another_study_has_another_name(rows, validation, other):
    from persona_assets.recommenders.protocol import NO_SIDE_INFORMATION

    assert other.name(validation, NO_SIDE_INFORMATION) != rows["study"][0]


def test_other_data_have_another_name(rows, shop):
    from persona_assets.recommenders.protocol import NO_SIDE_INFORMATION, SideInformation

    study = Study(MODELS["directional"], 6, "random", 3)
    less = week(shop.head(400), cutoff=date(2024, 1, 29), exclude="seen")
    assert study.name(less, NO_SIDE_INFORMATION) != rows["study"][0]
    same = week(shop, cutoff=date(2024, 1, 29), exclude="seen")
    assert study.name(same, NO_SIDE_INFORMATION) == rows["study"][0]
    known = SideInformation(products=pl.DataFrame({"product_id": ["p1"]}))
    assert study.name(same, known) != rows["study"][0]


def test_rows_are_told_as_they_come(validation):
    told = []
    rows = Study(MODELS["popularity"], 3, "grid", 3).run(validation, told=told.append)
    assert [each["trial"] for each in told] == [0, 1, 2]
    assert [each["ndcg"] for each in told] == rows["ndcg"].to_list()


def test_a_configuration_that_cannot_be_trained_is_a_failed_trial(validation, monkeypatch):
    monkeypatch.setattr(Fragile, "broken", (0.2, 0.8, 1.2))
    rows = Study(Fragile(), 8, "tpe", 3).run(validation)
    failed = rows.filter(pl.col("error").is_not_null())
    assert 0 < failed.height < 8
    assert set(failed["error"]) == {"models/fragile: too many; take fewer"}
    assert set(failed["ndcg"]) == {None}
    assert best(rows)["error"] is None


def test_a_default_that_cannot_be_trained_ends_the_study(validation, monkeypatch):
    monkeypatch.setattr(Fragile, "broken", (0.5,))
    with pytest.raises(DataError, match="too many"):
        Study(Fragile(), 8, "tpe", 3).run(validation)


def test_the_best_is_the_first_of_the_highest(rows):
    tied = rows.with_columns(ndcg=pl.Series([0.1, 0.3, 0.2, 0.3, None, 0.0]))
    assert best(tied)["trial"] == 1
    assert best(tied.reverse())["trial"] == 1
    with pytest.raises(DataError, match="no trial of the study succeeded"):
        best(tied.with_columns(ndcg=pl.lit(None, dtype=pl.Float64)))


def test_kept_trials_are_found_by_study_and_number(rows, tmp_path):
    store = DeltaStore(str(tmp_path))
    name = rows["study"][0]
    with pytest.raises(UserError, match="no study 's'; its studies: none; run `persona tune dire"):
        trial_of(store, "directional", "s")
    keep(store, rows)
    keep(store, rows)  # the same study again
    assert store.read(TUNING_TRIALS).height == 6
    assert trial_of(store, "directional", name)["trial"] == best(rows)["trial"]
    assert trial_of(store, "directional", name, 4)["trial"] == 4
    with pytest.raises(UserError, match=f"no study 's'; its studies: {name}"):
        trial_of(store, "directional", "s")
    with pytest.raises(UserError, match="popularity has no study"):
        trial_of(store, "popularity", name)
    with pytest.raises(UserError, match="no trial 17 that succeeded; its trials: 0, 1, 2, 3, 4, 5"):
        trial_of(store, "directional", name, 17)
