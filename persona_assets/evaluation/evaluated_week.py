"""The lists, truth and hits of one week, computed once for every table of group `evaluation`.

Belongs here: bringing these together. Does not belong here: what counts as relevant
(`relevance.py`), how hits are found (`hits.py`), or any table (one module each beside this one).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import InsufficientDataError
from persona_assets.evaluation.expected import Hits, gains_of
from persona_assets.evaluation.hits import Pairs, hits_of_lists, pairs_of
from persona_assets.evaluation.lists import Lists, lists_of, numbers
from persona_assets.evaluation.metrics import DEBIASED, KS, METRICS, NAMES
from persona_assets.evaluation.oracle import ORACLE
from persona_assets.evaluation.relevance import cold_relevant_items, relevant_items
from persona_assets.recommenders.exclusion import Exclusion, excluded_pairs
from persona_assets.tables.models import FALLBACK_USER
from persona_assets.transforms.history import known_before

COLUMNS = tuple((metric, k) for metric in NAMES for k in KS)
"""(metric, k) of each column of the values per user."""

PROPENSITY_EXPONENT = 0.5
"""How fast the chance that a product is met grows with the number of users who interacted with it.
Between 0 (all alike: nothing is debiased) and 1 (the recorded interactions are all there is: one
interaction with a rare product outweighs hundreds); the middle of Steck's range (2011, § 3.3)."""


@dataclass(frozen=True)
class EvaluatedUsers:
    """Some users, what was relevant to them, and how the models did.

    Attributes:
        rows: their rows among the users of the week, ascending.
        relevant: row among `rows` and number of the product of each relevant pair.
        hits: per model, a row per user.
        values: per model, users × `COLUMNS`.
    """

    rows: NDArray[np.int64]
    relevant: Pairs
    hits: Mapping[str, Hits]
    values: Mapping[str, NDArray[np.float64]]

    def column(self, metric: str, k: int) -> NDArray[np.float64]:
        """Values of one metric: users × models in the order of `values`."""
        place = COLUMNS.index((metric, k))
        return np.column_stack([values[:, place] for values in self.values.values()])


@dataclass(frozen=True)
class EvaluatedWeek:
    """Everything that the tables of one cut-off are made of.

    Attributes:
        cutoff: of the lists.
        users: `user_id` of everyone with a list or something relevant, sorted.
        products: `product_id` of all that is listed, known or relevant, sorted.
        user_counts: per product the number of known users who interacted with it before the
            cut-off; 0 for what was not on sale.
        known_users: number of users known before the cut-off.
        shown: per model in alphabetical order, the users' own lists (not that for people without
            history): lists × depth, numbers of products, −1 where a rank is not filled.
        warm: users known before the cut-off with something relevant.
        cold: users of the evaluated week who were not known before; they get the models' lists for
            people without history.
    """

    cutoff: date
    users: pl.Series
    products: pl.Series
    user_counts: NDArray[np.int64]
    known_users: int
    shown: Mapping[str, NDArray[np.int32]]
    warm: EvaluatedUsers
    cold: EvaluatedUsers

    @property
    def rivals(self) -> list[str]:
        """The models, without the oracle, which is none."""
        return [model for model in self.shown if model != ORACLE]


def evaluate_week(
    top_k: pl.DataFrame, interactions: pl.DataFrame, *, cutoff: date, exclude: Exclusion
) -> EvaluatedWeek:
    """Line the lists made at `cutoff` up with what happened in the seven days from it.

    Args:
        top_k: rows of `recommendations/top_k`; rows of other cut-offs are not looked at.
        interactions: rows of `mart/user_item_interactions`, before the cut-off and of the week.
        cutoff: first evaluated day.
        exclude: the rule that the lists were made with; see `relevance.relevant_items`.

    Raises:
        InsufficientDataError: no lists or nothing known at this cut-off.
        DataError: a model has no list for someone who is evaluated, not even that for people
            without history.
    """
    lists = top_k.filter(pl.col("cutoff") == cutoff)
    known = known_before(interactions, cutoff)
    for table, frame in (
        ("recommendations/top_k has no lists", lists),
        ("mart/user_item_interactions has no rows known before it", known),
    ):
        if frame.is_empty():
            raise InsufficientDataError(f"nothing can be evaluated at the cut-off: {table}")
    truth = relevant_items(interactions, cutoff=cutoff, exclude=exclude)
    cold_truth = cold_relevant_items(interactions, cutoff=cutoff)
    users = _all("user_id", lists, truth, cold_truth)
    users = users.filter(users != FALLBACK_USER)
    products = _all("product_id", lists, known, truth, cold_truth)
    user_counts = _counts(
        numbers(known.select("user_id", "product_id").unique()["product_id"], products),
        len(products),
    )
    hidden = _counts(
        numbers(excluded_pairs(interactions, cutoff=cutoff, exclude=exclude)["user_id"], users),
        len(users),
    )
    needed = np.isin(np.arange(len(users)), numbers(truth["user_id"], users))
    worth: NDArray[np.float64] = np.power(user_counts + 1.0, -PROPENSITY_EXPONENT)
    groups = [
        _Group(pairs_of(pairs, users, products), user_counts, hidden, worth)
        for pairs in (truth, cold_truth)
    ]
    shown = {}
    # One model at a time: all lists at full length would not fit where users are many.
    for (model,), rows in sorted(lists.partition_by("model", as_dict=True).items()):
        of_model = lists_of(rows, users, products, needed=needed)
        shown[str(model)] = of_model.products[of_model.own, : max(KS)].astype(np.int32)
        for group in groups:
            group.add(str(model), of_model)
    warm, cold = (
        EvaluatedUsers(group.rows, group.relevant, group.hits, group.values) for group in groups
    )
    return EvaluatedWeek(
        cutoff=cutoff,
        users=users,
        products=products,
        user_counts=user_counts,
        known_users=known["user_id"].n_unique(),
        shown=shown,
        warm=warm,
        cold=cold,
    )


class _Group:
    """Hits and values of some users, model by model.

    Args:
        pairs: row of the user and number of the product of each relevant pair.
        user_counts: see `EvaluatedWeek`.
        hidden: per user the number of products that the rule excludes.
        worth: per product, for the debiased metrics.
    """

    def __init__(
        self,
        pairs: Pairs,
        user_counts: NDArray[np.int64],
        hidden: NDArray[np.int64],
        worth: NDArray[np.float64],
    ) -> None:
        self.rows, places = np.unique(pairs[0], return_inverse=True)
        self.relevant: Pairs = (places.astype(np.int64), pairs[1])
        self.hits: dict[str, Hits] = {}
        self.values: dict[str, NDArray[np.float64]] = {}
        # What might be listed: everything on sale or wanted but what the rule excludes, and
        # whatever a model lists besides.
        self._candidate = user_counts > 0
        self._candidate[pairs[1]] = True
        self._candidates = self._candidate.sum() - hidden[self.rows]
        self._worth = worth[pairs[1]]

    def add(self, model: str, lists: Lists) -> None:
        """Evaluate the lists of one more model."""
        mine = lists.of(self.rows)
        others = (mine.products >= 0) & ~self._candidate[mine.products]
        hits = hits_of_lists(
            mine,
            self.relevant,
            depth=max(KS),
            candidates=self._candidates + others.sum(axis=1),
        )
        gains = gains_of(hits, self.relevant[0], self._worth)
        self.hits[model] = hits
        self.values[model] = np.column_stack(
            [metric(hits, k) for metric in METRICS.values() for k in KS]
            + [metric(gains, k) for metric in DEBIASED.values() for k in KS]
        )


def _all(column: str, *frames: pl.DataFrame) -> pl.Series:
    return pl.concat([frame[column].unique() for frame in frames]).unique().sort()


def _counts(places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.bincount(places[places >= 0], minlength=length)
