"""Arms are uniform, sticky, and independent between experiments; layers are exclusive."""

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from scipy.stats import chi2_contingency, chisquare

from persona_assets.live_experiments.assignment import arm_of
from persona_assets.live_experiments.declaration import LiveExperiment

ARMS = {"control": "popularity", "challenger": "als"}
USERS = [f"{number:032x}" for number in range(20_000)]
BASE = LiveExperiment("lists", date(2026, 1, 1), date(2026, 2, 1), 1_000, arms=ARMS)


def arms(experiment: LiveExperiment) -> list[str | None]:
    return [arm_of(experiment, ARMS, user) for user in USERS]


@pytest.mark.parametrize("shares", [{}, {"control": 0.8, "challenger": 0.2}])
@pytest.mark.parametrize("holdout", [0.0, 0.1])
def test_arms_have_their_shares(shares: dict[str, float], holdout: float) -> None:
    experiment = replace(BASE, shares=shares, holdout=holdout)
    found = Counter(arms(experiment))
    planned = {arm: len(USERS) * (1 - holdout) * (shares or {}).get(arm, 0.5) for arm in ARMS}
    planned |= {None: len(USERS) * holdout} if holdout else {}
    assert found.keys() == planned.keys()
    assert chisquare([found[arm] for arm in planned], list(planned.values())).pvalue > 0.001


def test_an_arm_stays_whoever_else_comes_and_however_often_it_is_asked() -> None:
    before = dict(zip(USERS, arms(BASE), strict=True))
    assert all(arm_of(BASE, ARMS, user) == before[user] for user in reversed(USERS[:1_000]))
    # Neither the dates nor the metrics move anybody.
    later = replace(BASE, end=date(2026, 3, 1), primary="ctr", users=9)
    assert arms(later) == list(before.values())


def test_arms_of_two_experiments_are_independent() -> None:
    one, other = arms(BASE), arms(replace(BASE, name="other"))
    table = Counter(zip(one, other, strict=True))
    cells = [[table[a, b] for b in ARMS] for a in ARMS]
    assert min(map(min, cells)) > 4_500
    assert chi2_contingency(cells).pvalue > 0.001


def test_experiments_of_a_layer_share_no_customer_and_leave_none_over() -> None:
    parts = [(0.0, 0.3), (0.3, 0.5), (0.5, 1.0)]
    found = [
        arms(replace(BASE, name=f"e{number}", layer="home page", traffic=part))
        for number, part in enumerate(parts)
    ]
    taken = [[arm for arm in each if arm is not None] for each in zip(*found, strict=True)]
    assert {len(each) for each in taken} == {1}
    sizes = [sum(arm is not None for arm in each) for each in found]
    assert chisquare(sizes, [len(USERS) * (high - low) for low, high in parts]).pvalue > 0.001
    # Within the part of a layer, arms are as uniform as without it.
    split = Counter(arm for arm in found[1] if arm)
    assert chisquare([split[arm] for arm in ARMS]).pvalue > 0.001


def test_two_layers_are_independent() -> None:
    one = arms(replace(BASE, layer="home page", traffic=(0.0, 0.5)))
    other = arms(replace(BASE, layer="cart", traffic=(0.0, 0.5)))
    table = Counter((a is None, b is None) for a, b in zip(one, other, strict=True))
    cells = [[table[a, b] for b in (False, True)] for a in (False, True)]
    assert chi2_contingency(cells).pvalue > 0.001


@pytest.mark.parametrize("holdout", [0.0, 0.1])
def test_shares_that_sum_to_one_but_for_their_digits_assign_everybody(holdout: float) -> None:
    thirds = {"control": 0.3333333, "a": 0.3333333, "b": 0.3333333}
    models = dict.fromkeys(thirds, "als")
    experiment = replace(BASE, arms=models, shares=thirds, holdout=holdout)
    counts = Counter(arm_of(experiment, models, user) for user in USERS[:3_000])
    assert set(thirds) <= counts.keys()
    assert sum(experiment.shares_of(models).values()) == pytest.approx(1, abs=1e-12)
