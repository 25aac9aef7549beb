"""Which of two rankers people prefer, from their responses to interleaved lists.

Belongs here: preferences per user, their tests and intervals. Does not belong here: the lists
(`team_draft.py`) or simulated responses (`interleaved_simulation.py`).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_assets.errors import InsufficientDataError

Floats = NDArray[np.float64]


class Preference(NamedTuple):
    """How many users prefer the first ranker: each user counts once.

    Attributes:
        first: users with more responses to products of the first team.
        second: of the second.
        neither: as many to both, most of them none.
        lead: (first − second) / users with a preference; twice Δ_AB of Chapelle et al. 2012,
            "Large-scale validation and analysis of interleaved search evaluation", eq. 1, without
            ties. 0 where nobody has a preference.
        low: lower end of its 95 % interval, Wilson's of the share of `first`.
        high: upper end.
        p_value: of the exact two-sided sign test that either preference is as likely.
    """

    first: int
    second: int
    neither: int
    lead: float
    low: float
    high: float
    p_value: float


class PairedLead(NamedTuple):
    """How many responses more a user gives to the first team.

    Attributes:
        users: with any list shown.
        mean: of the differences per user.
        low: lower end of its 95 % interval.
        high: upper end.
        p_value: of the two-sided test that it is 0.
        share: of the credited responses, (first − second) / (first + second); 0 where there are
            none.
    """

    users: int
    mean: float
    low: float
    high: float
    p_value: float
    share: float


def preference(first: NDArray[np.int64], second: NDArray[np.int64]) -> Preference:
    """Users' preferences and the sign test.

    A user's responses are not independent of each other; users are. So a user has one vote,
    however many lists were shown.

    Args:
        first: responses (clicks or orders) to products of the first team, one number per user.
        second: to those of the second.

    Raises:
        InsufficientDataError: there are no users.
    """
    from scipy.special import bdtr

    from persona_assets.statistics.two_samples import wilson_interval

    _some(len(first))
    ahead, behind = int((first > second).sum()), int((first < second).sum())
    decided = ahead + behind
    if not decided:
        return Preference(0, 0, len(first), 0.0, -1.0, 1.0, 1.0)
    low, high = wilson_interval(ahead, decided)
    p_value = min(1.0, 2 * float(bdtr(min(ahead, behind), decided, 0.5)))
    lead = (ahead - behind) / decided
    return Preference(ahead, behind, len(first) - decided, lead, 2 * low - 1, 2 * high - 1, p_value)


def paired_lead(first: NDArray[np.int64], second: NDArray[np.int64]) -> PairedLead:
    """Responses of both teams beside each other: Student's t over users' differences.

    Clustered by user: all of a user's lists make one difference. The interval has Hall's correction
    of skewness (`statistics/skewness.py`). The test is the plain one, since differences are
    symmetric if there is no preference: the coin gives both teams the same places.

    Args:
        first: as for `preference`.
        second: likewise.

    Raises:
        InsufficientDataError: there are fewer than two users.
    """
    from scipy.special import stdtr

    from persona_assets.statistics.skewness import skewed_mean_interval

    _some(len(first), least=2)
    differences = (first - second).astype(np.float64)
    users, credited = len(differences), int(first.sum() + second.sum())
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
    if not deviation:
        return PairedLead(users, mean, mean, mean, 0.0 if mean else 1.0, 0.0)
    low, high = skewed_mean_interval(differences)
    p_value = 2 * float(stdtr(users - 1, -abs(mean) / deviation * math.sqrt(users)))
    share = float(differences.sum()) / credited
    return PairedLead(users, mean, low, high, p_value, share)


def _some(users: int, *, least: int = 1) -> None:
    if users < least:
        raise InsufficientDataError(
            f"a preference between two rankers needs {least} users with interleaved lists, and "
            f"there are {users}"
        )
