"""Hits as their expected values over all orders of equally scored products.

Belongs here: `Hits` and `Gains`, and the formulas that make them from where relevant products
stand. Does not belong here: finding out where they stand (`hits.py`) or any metric (`metrics.py`).

Products of equal score stand in no order. Whatever breaks the tie (an identifier, the order of
rows) has nothing to do with quality but may well leak the truth, so metrics are computed from their
expected value over all orders of equal products (McSherry and Najork 2008, "Computing information
retrieval performance measures efficiently in the presence of tied scores").
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Groups:
    """Sets of equally scored products with something relevant among them, best first per user.

    Attributes:
        row: number of the user, ascending.
        above: products of that user with a higher score.
        size: products of this score.
        relevant: how many of these are relevant, at least 1.
        of_pair: per relevant pair, in the order it was given in, the number of its group; −1 where
            the product is in no list.
    """

    row: NDArray[np.int64]
    above: NDArray[np.int64]
    size: NDArray[np.int64]
    relevant: NDArray[np.int64]
    of_pair: NDArray[np.int64]


@dataclass(frozen=True)
class Hits:
    """The lists of one model against the truth, a row per user in the order of `user_id`.

    Let h_r be 1 if the product at rank r (column r − 1) is relevant, else 0. Without ties all
    expected values below are the values themselves. Ranks that a list does not fill are misses.

    Attributes:
        matrix: users × depth; E[h_r].
        joint: users × depth; E[h_r · Σ_{s≤r} h_s].
        missed: users × depth; the probability that nothing up to rank r is relevant.
        relevant: per user the number of relevant products, at least 1, listed or not.
        groups: where the relevant products stand, beyond the depth too.
        candidates: per user the number of products that might have been listed, every relevant one
            among them.
        listed: per user the number of products that the list holds, beyond the depth too.
    """

    matrix: NDArray[np.float64]
    joint: NDArray[np.float64]
    missed: NDArray[np.float64]
    relevant: NDArray[np.int64]
    groups: Groups
    candidates: NDArray[np.int64]
    listed: NDArray[np.int64]


@dataclass(frozen=True)
class Gains:
    """Hits that count differently, a row per user: the product of a pair p is worth w_p ≥ 0.

    Attributes:
        matrix: users × depth; E[h_r · w of the product at rank r].
        total: per user Σ w over the relevant products, listed or not.
        best: users × depth; the user's w, largest first, 0 where there are no more.
    """

    matrix: NDArray[np.float64]
    total: NDArray[np.float64]
    best: NDArray[np.float64]


def hits_of(
    groups: Groups,
    relevant: NDArray[np.int64],
    candidates: NDArray[np.int64],
    *,
    depth: int,
    listed: NDArray[np.int64] | None = None,
) -> Hits:
    """Expected hits per rank, from where the relevant products stand.

    At place i of a group of n with R relevant ones, c relevant products standing above it, over
    all orders of the group: E[h] = R/n, E[h Σh] = R/n · (c + 1 + (i − 1)(R − 1)/(n − 1)), and for
    the first group the chance of no hit up to it is Π_{t<i} (n − R − t)/(n − t).

    Args:
        groups: of all users.
        relevant: per user, see `Hits`.
        candidates: per user, see `Hits`.
        depth: ranks beyond it are not looked at.
        listed: per user, see `Hits`; None: all candidates.
    """
    users = len(relevant)
    matrix = np.zeros((users, depth))
    joint = np.zeros((users, depth))
    missed = np.ones((users, depth))
    first = np.diff(groups.row, prepend=-1) > 0
    sums = np.cumsum(groups.relevant) - groups.relevant
    # Relevant products of the same user in the groups before this one.
    before = sums - np.repeat(sums[first], np.diff(np.flatnonzero(np.append(first, True))))
    of, place = _places(groups, depth)
    row, rank = groups.row[of], groups.above[of] + place
    size, found = groups.size[of], groups.relevant[of]
    chance = found / size
    matrix[row, rank] = chance
    joint[row, rank] = chance * (before[of] + 1 + place * (found - 1) / np.maximum(1, size - 1))
    # log(0) = −inf: after n − R misses the next product of the group must be a hit.
    with np.errstate(divide="ignore"):
        miss = np.where(first[of], np.log(np.maximum(0, size - found - place) / (size - place)), 0)
    missed[row, rank] = np.exp(miss)
    np.cumprod(missed, axis=1, out=missed)
    held = candidates if listed is None else listed
    return Hits(matrix, joint, missed, relevant, groups, candidates, held)


def gains_of(hits: Hits, rows: NDArray[np.int64], worth: NDArray[np.float64]) -> Gains:
    """The same hits, each counted by what its product is worth.

    At each place of a group of n products, E[h · w] is the sum of the group's w over n.

    Args:
        hits: of the lists.
        rows: row of each relevant pair, in the order in which `hits` was given them.
        worth: of each of these pairs, at least 0.
    """
    users, depth = hits.matrix.shape
    groups = hits.groups
    ranked = groups.of_pair >= 0
    weights = worth[ranked]
    sums = np.bincount(groups.of_pair[ranked], weights, minlength=len(groups.row))
    of, place = _places(groups, depth)
    matrix = np.zeros((users, depth))
    matrix[groups.row[of], groups.above[of] + place] = (sums / groups.size)[of]
    order = np.lexsort((-worth, rows))
    counts = np.bincount(rows, minlength=users)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    shown = nth < depth
    best = np.zeros((users, depth))
    best[rows[order][shown], nth[shown]] = worth[order][shown]
    total = np.bincount(rows, worth, minlength=users).astype(np.float64)
    return Gains(matrix, total, best)


def _places(groups: Groups, depth: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every place of every group that lies within the depth: number of the group, place from 0."""
    shown = np.clip(depth - groups.above, 0, groups.size)
    of = np.repeat(np.arange(len(shown)), shown)
    return of, np.arange(len(of)) - np.repeat(np.cumsum(shown) - shown, shown)
