"""Simulated responses to interleaved lists, by the same model as those of an A/B test.

Belongs here: what users would do with every product of two models' lists, and drawing it. Does not
belong here: the drafts (`team_draft.py`) or what the responses prove (`interleaving_analysis.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.experiments.response import VISITS, Floats, ResponseModel
from persona_assets.experiments.simulator import exposures_of, participants, shown_lists
from persona_assets.experiments.team_draft import Ties, matched_back, team_drafts

SIDES = ("first", "second")


class Responses(NamedTuple):
    """Clicks and orders that count for each team: users × (first, second)."""

    clicks: NDArray[np.int64]
    orders: NDArray[np.int64]


@dataclass(frozen=True)
class InterleavingBench:
    """What users would do with every product of two lists, shown on the first rank.

    Attributes:
        users: identifiers, sorted.
        clicked: probability of a click, 2 × users × ranks of the model's own list.
        ordered: of an order given a click, likewise.
        match: place in the second list of the product at each rank of the first, or −1.
    """

    users: pl.Series
    clicked: Floats
    ordered: Floats
    match: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> "InterleavingBench":
        """The users at `rows`, in that order, as often as they are named."""
        return replace(
            self,
            users=self.users.gather(rows),
            clicked=self.clicked[:, rows],
            ordered=self.ordered[:, rows],
            match=self.match[rows],
        )

    def exchanged(self, whose: NDArray[np.bool_]) -> "InterleavingBench":
        """The models exchanged for some users.

        Where a fair coin decides for whom, neither side is better, though every user may well have
        a preference: the null hypothesis.
        """
        clicked, ordered, match = self.clicked.copy(), self.ordered.copy(), self.match.copy()
        clicked[:, whose], ordered[:, whose] = clicked[::-1, whose], ordered[::-1, whose]
        match[whose] = matched_back(match[whose])
        return replace(self, clicked=clicked, ordered=ordered, match=match)


def interleaving_bench(
    top_k: pl.DataFrame,
    response: ResponseModel,
    *,
    cutoff: date,
    models: tuple[str, str],
    shown: int = 10,
) -> InterleavingBench:
    """Compute the probabilities of all responses once, for many experiments.

    Args:
        top_k: rows of recommendations/top_k; lists are at least `shown` long.
        response: probabilities of response.
        cutoff: cut-off of the lists.
        models: the two rankers.
        shown: length of the list on the page.
    """
    arms: Mapping[str, str] = dict(zip(SIDES, models, strict=True))
    lists = shown_lists(top_k, arms, cutoff=cutoff, shown=shown)
    users = participants(lists, arms)
    no_prices = pl.DataFrame(schema={"product_id": pl.String, "price": pl.Float64})
    sides, products = [], []
    for arm, model in arms.items():
        everybody = pl.DataFrame({"user_id": users}).with_columns(
            arm=pl.lit(arm), model=pl.lit(model)
        )
        exposures = exposures_of(everybody, lists, no_prices, cutoff=cutoff)
        sides.append(
            [each.reshape(len(users), shown) for each in response.probabilities(exposures)]
        )
        products.append(exposures["product_id"])
    codes = pl.concat(products).rank("dense").to_numpy().reshape(2, len(users), shown)
    same = codes[0][:, :, None] == codes[1][:, None, :]
    match = np.where(same.any(axis=2), same.argmax(axis=2), -1)
    clicked, ordered = (np.stack(each) for each in zip(*sides, strict=True))
    return InterleavingBench(users, clicked, ordered, match)


def interleaved_week(
    on: InterleavingBench, rng: np.random.Generator, *, ties: Ties = "drafted"
) -> Responses:
    """One week: on each of `VISITS` visits a user sees a list drafted anew.

    Examination, clicks and orders are those of `simulator.simulate`.

    Args:
        on: the bench.
        rng: draws coins and responses.
        ties: see `team_draft.Ties`.
    """
    users, shown = on.match.shape
    row = np.repeat(np.arange(users), VISITS)
    drafts = team_drafts(on.match[row], rng.random((len(row), shown)) < 0.5, ties=ties)
    side = np.maximum(drafts.team, 0)
    examined = 1 / np.log2(np.arange(shown) + 2)
    clicked = on.clicked[side, row[:, None], drafts.at] * examined
    clicks = rng.random(clicked.shape) < clicked
    orders = clicks & (rng.random(clicked.shape) < on.ordered[side, row[:, None], drafts.at])
    return Responses(*(_credited(each, drafts.team, users) for each in (clicks, orders)))


def _credited(
    responses: NDArray[np.bool_], team: NDArray[np.int8], users: int
) -> NDArray[np.int64]:
    """Per user and team."""
    counts = [
        (responses & (team == side)).reshape(users, -1).sum(axis=1) for side in range(len(SIDES))
    ]
    return np.stack(counts, axis=1)
