"""Team-draft interleaving: one list out of the lists of two rankers, as two captains pick players.

Belongs here: the draft of one list, for whoever shows it, and of many at once, for simulations.
Does not belong here: clicks (`interleaved_simulation.py`) or what they prove
(`interleaving_analysis.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from persona_assets.errors import UserError

Ties = Literal["drafted", "shared"]
"""What becomes of a product that is the best left of both rankers at the start of a round.

`drafted`: as published, one team picks it and the other its next. `shared`: it is shown for neither
team, so that teams meet in pairs of different products (competitive pairs)."""


class Team(IntEnum):
    """Who picked a product; `NEITHER` of a shared one."""

    NEITHER = -1
    FIRST = 0
    SECOND = 1


@dataclass(frozen=True)
class Draft:
    """`products` as shown, from the top, and the `teams` that a click on each counts for."""

    products: tuple[str, ...]
    teams: tuple[Team, ...]


def team_draft(
    first: Sequence[str],
    second: Sequence[str],
    *,
    length: int,
    coin: Iterator[bool],
    ties: Ties = "drafted",
) -> Draft:
    """Draft one list.

    Teams pick in rounds; a coin decides who picks first, and each picks the best of its list that
    is not shown yet (Radlinski, Kurup and Joachims 2008, "How does clickthrough data reflect
    retrieval quality?", algorithm 2).

    Args:
        first: products of one ranker, the best first, each once.
        second: those of the other.
        length: of the list to show; shorter if both lists end.
        coin: fair, independent of the user and of earlier lists; True: the first team begins.
        ties: see `Ties`.

    Raises:
        UserError: a list holds a product twice.
    """
    for products in (first, second):
        if len(set(products)) < len(products):
            raise UserError("a list to interleave holds a product twice; give each once")
    lists = {Team.FIRST: list(first), Team.SECOND: list(second)}
    shown: list[str] = []
    teams: list[Team] = []
    waiting: list[Team] = []

    def best(team: Team) -> str | None:
        return next((product for product in lists[team] if product not in shown), None)

    while len(shown) < length:
        if not waiting:
            heads = best(Team.FIRST), best(Team.SECOND)
            if ties == "shared" and heads[0] is not None and heads[0] == heads[1]:
                shown.append(heads[0])
                teams.append(Team.NEITHER)
                continue
            waiting = [Team.FIRST, Team.SECOND] if next(coin) else [Team.SECOND, Team.FIRST]
        team = waiting.pop(0)
        picked = best(team)
        if picked is not None:
            shown.append(picked)
            teams.append(team)
        elif best(Team.FIRST) is None and best(Team.SECOND) is None:
            break
    return Draft(tuple(shown), tuple(teams))


@dataclass(frozen=True)
class Drafts:
    """Many drafts: rows × ranks.

    Attributes:
        team: as `Team`.
        at: place of the product in its team's list (in the first list for `NEITHER`), from 0.
    """

    team: NDArray[np.int8]
    at: NDArray[np.int64]


def team_drafts(
    match: NDArray[np.int64], coins: NDArray[np.bool_], *, ties: Ties = "drafted"
) -> Drafts:
    """`team_draft` of many pairs of lists at once, to their own length.

    Args:
        match: rows × ranks: place of the product at each rank of the first list in the second, −1
            where it is not in it. Both lists are as long as the list to show.
        coins: rows × ranks; the r-th is that of the round which begins at rank r.
        ties: see `Ties`.
    """
    rows, length = match.shape
    row = np.arange(rows)
    back = matched_back(match)
    left = np.ones((2, rows, length), bool)
    team = np.empty((rows, length), np.int8)
    at = np.empty((rows, length), np.int64)
    partner = np.full(rows, -1)  # who picks next in a round that has begun
    for rank in range(length):
        heads = left.argmax(axis=2)
        begins = partner < 0
        beginner = np.where(coins[:, rank], 0, 1)
        picks = np.where(begins, beginner, partner)
        partner = np.where(begins, 1 - beginner, -1)
        if ties == "shared":
            tied = begins & (match[row, heads[0]] == heads[1])
            picks = np.where(tied, 0, picks)
            partner = np.where(tied, -1, partner)
        at[:, rank] = heads[picks, row]
        team[:, rank] = picks
        left[picks, row, at[:, rank]] = False
        other = np.where(picks == 0, match[row, at[:, rank]], back[row, at[:, rank]])
        both = other >= 0
        left[1 - picks[both], row[both], other[both]] = False
        if ties == "shared":
            team[tied, rank] = Team.NEITHER
    return Drafts(team, at)


def matched_back(match: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same seen from the second list: places in the first, −1 where it is not in it."""
    back = np.full(match.shape, -1)
    row, rank = np.nonzero(match >= 0)
    back[row, match[row, rank]] = rank
    return back
