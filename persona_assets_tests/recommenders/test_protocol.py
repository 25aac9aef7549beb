import json
from dataclasses import dataclass

import pytest

from persona_assets.errors import UserError
from persona_assets.recommenders.protocol import Config


@dataclass(frozen=True)
class _Config(Config):
    factors: int = 8


def test_a_configuration_survives_json():
    config = _Config(seed=3, factors=5)

    assert _Config(**json.loads(config.to_json())) == config


@pytest.mark.parametrize("factors", [0, -1])
def test_a_number_that_is_not_positive_is_refused_by_name(factors):
    with pytest.raises(UserError, match=r"_Config\.factors must be positive"):
        _Config(factors=factors)


@pytest.mark.parametrize("factors", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused_by_name(factors):
    with pytest.raises(UserError, match=r"_Config\.factors must be finite"):
        _Config(factors=factors)


def test_the_seed_may_be_zero():
    assert _Config(seed=0).seed == 0
