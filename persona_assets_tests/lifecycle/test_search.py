from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from persona_assets.errors import UserError
from persona_assets.lifecycle.search import SAMPLERS, search
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.models.popularity import Popularity
from persona_assets.recommenders.protocol import Config, Space, may_be_zero

EVERY_SAMPLER = pytest.mark.parametrize("sampler", SAMPLERS)


@dataclass(frozen=True)
class ThreeFields(Config):
    a: float = 1.0
    b: str = "x"
    c: float = may_be_zero(0.0)


@dataclass(frozen=True)
class Model(Popularity):
    """A model with 4 · 3 · 2 = 24 configurations."""

    config: ThreeFields = field(default_factory=ThreeFields)  # type: ignore[assignment]
    space: ClassVar[Space] = {"a": (1.0, 2.0, 4.0, 8.0), "b": ("x", "y", "z"), "c": (0.0, 1.0)}


DEFAULT = {"a": 1.0, "b": "x", "c": 0.0}


def worth_of(changes):
    return changes["a"] + "xyz".index(changes["b"]) + changes["c"]


def tried(sampler, trials, *, seed=5, worth=worth_of, model=None):
    found = []

    def evaluate(changes):
        found.append(dict(changes))
        return worth(changes)

    search(model or Model(), evaluate, trials=trials, sampler=sampler, seed=seed)
    return found


@EVERY_SAMPLER
def test_the_default_comes_first_and_nothing_twice(sampler):
    found = tried(sampler, 10)
    assert found[0] == DEFAULT
    assert len(found) == len({tuple(each.values()) for each in found}) == 10


@EVERY_SAMPLER
def test_a_small_space_is_tried_whole_and_the_search_ends(sampler):
    found = tried(sampler, 1_000)
    assert found[0] == DEFAULT
    assert len(found) == len({tuple(each.values()) for each in found}) == 24


@EVERY_SAMPLER
def test_the_seed_decides_what_is_tried(sampler):
    assert tried(sampler, 8) == tried(sampler, 8)
    assert tried(sampler, 8) != tried(sampler, 8, seed=6)


@EVERY_SAMPLER
def test_a_model_with_nothing_to_choose_is_tried_once(sampler):
    class Fixed(Model):
        space: ClassVar[Space] = {}

    assert tried(sampler, 5, model=Fixed(), worth=lambda changes: 1.0) == [{}]


def test_a_grid_larger_than_memory_is_drawn_from_evenly():
    class Vast(Model):
        space: ClassVar[Space] = {
            "a": tuple(float(each) for each in range(1, 10_001)),
            "b": ("x", *map(str, range(9_999))),
            "c": tuple(map(float, range(10_000))),
        }

    found = tried("grid", 200, model=Vast(), worth=lambda changes: 0.0)
    assert len(found) == 200
    assert 4_000 < sum(each["a"] for each in found[1:]) / 199 < 6_000


def test_tpe_goes_where_it_was_good():
    class Long(Model):
        space: ClassVar[Space] = {
            "a": tuple(float(2**each) for each in range(12)),
            "b": tuple("xabcdefghi"),
            "c": tuple(map(float, range(10))),
        }

    def worth(changes):
        return float((changes["a"] == 4.0) + (changes["b"] == "c") + (changes["c"] == 7.0))

    def mean_of_late_trials(sampler, seed):
        late = tried(sampler, 60, seed=seed, worth=worth, model=Long())[30:]
        return sum(map(worth, late)) / len(late)

    seeds = range(4)
    learned = sum(mean_of_late_trials("tpe", seed) for seed in seeds)
    drawn = sum(mean_of_late_trials("random", seed) for seed in seeds)
    assert learned > 2 * drawn


@EVERY_SAMPLER
def test_failed_trials_count_and_do_not_end_the_search(sampler):
    found = tried(sampler, 12, worth=lambda changes: None if changes["b"] == "y" else 1.0)
    assert len(found) == 12


@pytest.mark.parametrize("trials", [0, -3])
def test_at_least_one_trial_is_asked_for(trials):
    with pytest.raises(UserError, match=f"--trials is {trials}; try at least 1"):
        tried("tpe", trials)


def test_an_unknown_sampler_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="'cma'; choose one of random, tpe, grid"):
        tried("cma", 3)


def test_a_default_that_is_not_in_the_space_is_named():
    odd = Model(ThreeFields(a=3.0))
    with pytest.raises(UserError, match=r"has no 3.0 for a.*add it to `space`"):
        tried("grid", 3, model=odd)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_its_default_in_its_space(name):
    model = MODELS[name]
    for value, values in ((getattr(model.config, each), model.space[each]) for each in model.space):
        assert value in values
        assert len(set(map(repr, values))) == len(values)
    assert model.scoring_only <= set(vars(model.config))
