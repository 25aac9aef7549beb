"""Similar users, aligned at the products they share: compiled loops over sequences.

Belongs here: finding the users who share products with somebody, and adding up what they interacted
with around the latest of these. Does not belong here: the model made of it (`user_knn.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from persona_assets.recommenders.sequences import Sequences

UNITS = float(2**40)
"""Terms of a score are whole numbers of 1/UNITS of the nearest neighbour's similarity. Whole
numbers add up to the same in any order, so a score does not depend on the order of users; 2^23
such terms fit in 64 bits, and one unit is below what float32 resolves."""


@dataclass(frozen=True)
class Nearness:
    """How much an entry of a neighbour counts, d positions and Δt after the shared product.

    f(d) · (1 + Δt / unit)^−time_decay with f as in `pair_counts.PairWeight`.

    Attributes:
        neighbours: the most similar users that are listened to, and all that equal the last.
        forward_decay: how fast what came after counts less with distance.
        backward_share: what the product just before counts, the one just after counting 1.
        backward_decay: how fast what came before counts less with distance.
        time_decay: exponent of the time between; 0: time does not matter.
        time_unit_hours: time between at which that factor has fallen to 2^−time_decay [h].
    """

    neighbours: int = 300
    forward_decay: float = 0.7
    backward_share: float = 0.35
    backward_decay: float = 1.2
    time_decay: float = 0.0
    time_unit_hours: float = 1.0


class Memory(NamedTuple):
    """The remembered sequences, and who interacted with each product.

    Attributes:
        starts: (users + 1,) as in `Sequences`, like the next three.
        items: product code of each entry.
        positions: place of each entry's instant.
        times: when [s].
        holder_starts: (products + 1,) where the list of each product's holders begins.
        holders: number of the user who interacted with it.
        holder_entries: index of the entry by which.
        factor: (users,) by which a similarity to this user is multiplied.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    positions: NDArray[np.int32]
    times: NDArray[np.float64]
    holder_starts: NDArray[np.int64]
    holders: NDArray[np.int64]
    holder_entries: NDArray[np.int64]
    factor: NDArray[np.float64]


class Recent(NamedTuple):
    """Histories to find similar users for, each latest entry first.

    Attributes:
        starts: (users + 1,) where each history begins.
        items: product codes.
        ages: positions since.
        weights: what sharing the product counts; equal ages are ordered by it.
        selves: (users,) who it is among the remembered, or −1.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    ages: NDArray[np.int32]
    weights: NDArray[np.float64]
    selves: NDArray[np.int64]


def memory_of(log: Sequences, length_damping: float) -> Memory:
    """The sequences with their inverted index; users' lengths count to the −length_damping."""
    order = np.argsort(log.items, kind="stable")
    lengths = np.maximum(np.diff(log.starts), 1.0)
    return Memory(
        log.starts,
        log.items,
        log.positions,
        log.times,
        np.concatenate([[0], np.cumsum(log.popularity)]).astype(np.int64),
        log.owners[order],
        order,
        lengths**-length_damping,
    )


def recent(
    history: Sequences, weights: NDArray[np.float64], *, window: int, numbers: Mapping[str, int]
) -> Recent:
    """The last `window` instants of each history, latest first, independent of codes.

    Args:
        history: of the users to find similar ones for.
        weights: what sharing each entry's product counts.
        window: instants.
        numbers: `user_id` → number among the remembered.
    """
    keep = history.ages < window
    cut, weights = history.entries(keep), weights[keep]
    ages = history.ages[keep]
    order = np.lexsort((weights, ages, cut.owners))
    return Recent(
        cut.starts.astype(np.int64),
        cut.items[order],
        ages[order],
        weights[order],
        np.array([numbers.get(user, -1) for user in cut.users], dtype=np.int64),
    )


def anchored_scores(
    memory: Memory, histories: Recent, nearness: Nearness, block: slice, products: int
) -> NDArray[np.float64]:
    """(users of the block × products): what similar users interacted with around what they share.

    Complexity: the holders of the history's products, and the lengths of the neighbours.
    """
    first, end, _ = block.indices(len(histories.selves))
    return _anchored_scores(
        memory,
        histories,
        first,
        end,
        products,
        nearness.neighbours,
        nearness.forward_decay,
        nearness.backward_share,
        nearness.backward_decay,
        nearness.time_decay,
        nearness.time_unit_hours * 3600.0,
    )


@njit(cache=True, nogil=True)
def _anchored_scores(  # type: ignore[no-untyped-def] # noqa: ANN202
    memory, histories, first, end, products, neighbours,  # noqa: ANN001
    forward_decay, backward_share, backward_decay, time_decay, time_unit,  # noqa: ANN001
):  # fmt: skip
    users = len(memory.factor)
    scores = np.zeros((max(end - first, 0), products))
    totals = np.zeros(products, dtype=np.int64)
    similarity = np.zeros(users)
    anchor = np.zeros(users, dtype=np.int64)
    anchor_age = np.zeros(users, dtype=np.int32)
    met = np.empty(users, dtype=np.int64)
    mine = np.zeros(products, dtype=np.bool_)
    for user in range(first, end):
        own = histories.items[histories.starts[user] : histories.starts[user + 1]]
        found = _similar(memory, histories, user, similarity, anchor, anchor_age, met)
        if found == 0:
            continue
        values = similarity[met[:found]]
        highest = values.max()
        mine[own] = True
        least = _least(values, neighbours)
        for n in range(found):
            other = met[n]
            if similarity[other] >= least:
                at = anchor[other]
                for entry in range(memory.starts[other], memory.starts[other + 1]):
                    d = memory.positions[entry] - memory.positions[at]
                    # Of the shared instant, only what is new says anything.
                    if d == 0 and mine[memory.items[entry]]:
                        continue
                    near = _near(d, forward_decay, backward_share, backward_decay)
                    if time_decay > 0:
                        apart = abs(memory.times[entry] - memory.times[at])
                        near *= (1.0 + apart / time_unit) ** -time_decay
                    totals[memory.items[entry]] += np.int64(
                        np.round(similarity[other] / highest * near * UNITS)
                    )
            similarity[other] = 0.0
        mine[own] = False
        for item in range(products):
            if totals[item] != 0:
                scores[user - first, item] = totals[item] / UNITS * highest
                totals[item] = 0
    return scores


@njit(cache=True, nogil=True)
def _least(values, most):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """The least of the `most` largest values."""
    if len(values) <= most:
        return 0.0
    return np.partition(values, len(values) - most)[len(values) - most]


@njit(cache=True, nogil=True)
def _near(d, forward_decay, backward_share, backward_decay):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """f(d), see `Nearness`."""
    if d > 0:
        return float(d) ** -forward_decay
    if d < 0:
        return backward_share * float(-d) ** -backward_decay
    return (1.0 + backward_share) / 2


@njit(cache=True, nogil=True)
def _similar(memory, histories, user, similarity, anchor, anchor_age, met):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Fill `met` with the users who share something, and what is known of each; their number."""
    found = 0
    for entry in range(histories.starts[user], histories.starts[user + 1]):
        item = histories.items[entry]
        age = histories.ages[entry]
        for place in range(memory.holder_starts[item], memory.holder_starts[item + 1]):
            other = memory.holders[place]
            if other == histories.selves[user]:
                continue
            at = memory.holder_entries[place]
            if similarity[other] == 0.0:
                met[found] = other
                found += 1
                anchor[other] = at
                anchor_age[other] = age
            elif (
                age == anchor_age[other] and memory.positions[at] > memory.positions[anchor[other]]
            ):
                anchor[other] = at
            similarity[other] += histories.weights[entry]
    for n in range(found):
        similarity[met[n]] *= memory.factor[met[n]]
    return found
