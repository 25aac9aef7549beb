"""Sticky assignment of users to the arms of an experiment.

Belongs here: the hash that decides who sees what, in simulations and in a live shop alike. Does
not belong here: what an arm shows (`simulator.py`) or whether the split came out right
(`analysis.py`).
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from persona_assets.errors import UserError


def equal_shares(arms: Sequence[str]) -> dict[str, float]:
    """The same share of users for each of `arms`."""
    return {arm: 1 / len(arms) for arm in arms}


def assign(user_ids: Sequence[str], *, experiment: str, arms: Mapping[str, float]) -> list[str]:
    """The arm of every user.

    A user's arm depends on the user, the experiment and the shares alone: it stays when users come
    and go, and says nothing about the user's arm in another experiment, whose name salts the hash
    (Kohavi, Tang and Xu 2020, "Trustworthy Online Controlled Experiments", chapter 14).

    Args:
        user_ids: identifiers; keyed hashes from the mart on.
        experiment: name of the experiment.
        arms: share of users by arm, in the order in which arms take the unit interval; the shares
            are positive and sum to 1.

    Returns:
        One arm per user, in the order of `user_ids`.

    Raises:
        UserError: there is no arm, a share is not positive, or the shares do not sum to 1.
    """
    if not arms or min(arms.values()) <= 0 or not math.isclose(sum(arms.values()), 1):
        raise UserError(
            f"experiment {experiment!r}: the shares of its arms are {dict(arms)}; give at least "
            "one arm, and positive shares that sum to 1."
        )
    names = list(arms)
    bounds = list(itertools.accumulate(arms.values()))[:-1]  # the last arm ends at 1, unrounded
    salt = blake2b(experiment.encode()).digest()
    return [names[_arm(_unit(user_id, salt), bounds)] for user_id in user_ids]


def uniform(user_id: str, salt: str) -> float:
    """A uniform number in [0, 1) that stays: independent of those with other salts."""
    return _unit(user_id, blake2b(salt.encode()).digest())


def _unit(user_id: str, salt: bytes) -> float:
    """A uniform number in [0, 1): the upper 53 bits, all that a float holds, of a keyed hash."""
    digest = blake2b(user_id.encode(), key=salt, digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def _arm(position: float, bounds: Sequence[float]) -> int:
    """Index of the interval that holds `position`; intervals are closed below."""
    return sum(position >= bound for bound in bounds)
