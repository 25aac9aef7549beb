from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import UserError
from persona_assets.experiments.assignment import assign, equal_shares
from persona_assets.statistics.two_samples import sample_ratio_p_value

ARMS = equal_shares(["control", "challenger_1", "challenger_2"])
USERS = [f"user-{number}" for number in range(30_000)]


@given(st.lists(st.text(), max_size=30), st.lists(st.text(), max_size=30), st.text())
def test_arm_stays_when_users_come_and_go(users, newcomers, experiment):
    alone = dict(zip(users, assign(users, experiment=experiment, arms=ARMS), strict=True))
    together = newcomers + users
    mixed = dict(zip(together, assign(together, experiment=experiment, arms=ARMS), strict=True))
    assert all(mixed[user] == arm for user, arm in alone.items())


@pytest.mark.parametrize("shares", [ARMS, {"control": 0.8, "challenger_2": 0.2}])
def test_arms_get_their_shares(shares):
    sizes = Counter(assign(USERS, experiment="shares", arms=shares))
    assert sample_ratio_p_value([sizes[arm] for arm in shares], list(shares.values())) > 0.001


def test_two_experiments_are_independent():
    first = assign(USERS, experiment="first", arms=ARMS)
    second = assign(USERS, experiment="second", arms=ARMS)
    cells = Counter(zip(first, second, strict=True))
    assert len(cells) == 9
    assert sample_ratio_p_value(list(cells.values()), [1 / 9] * 9) > 0.001


def test_raising_a_share_moves_users_only_into_that_arm():
    before = assign(USERS, experiment="ramp", arms={"challenger_2": 0.1, "control": 0.9})
    after = assign(USERS, experiment="ramp", arms={"challenger_2": 0.3, "control": 0.7})
    moved = {(b, a) for b, a in zip(before, after, strict=True) if b != a}
    assert moved == {("control", "challenger_2")}


def test_assignment_is_pinned():
    # A change of these arms would reshuffle every running experiment.
    assert assign(["a", "b", "c", "d", "e", "f"], experiment="pinned", arms=ARMS) == [
        "challenger_2",
        "challenger_1",
        "challenger_1",
        "challenger_2",
        "control",
        "challenger_2",
    ]


def test_one_arm_gets_everyone():
    assert set(assign(USERS[:100], experiment="all", arms={"control": 1.0})) == {"control"}


@pytest.mark.parametrize("shares", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}, {"a": 1.0, "b": 0.0}])
def test_shares_that_are_no_split_are_named(shares):
    with pytest.raises(UserError, match=r"'oddly-split'.*sum to 1"):
        assign(["user"], experiment="oddly-split", arms=shares)
