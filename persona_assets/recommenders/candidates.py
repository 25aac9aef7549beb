"""The first stage of a ranker: candidate products for each user.

Belongs here: fusing the scores of the first models and choosing candidates. Does not belong here:
those models, or features of the candidates (`ranking_features.py`).
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from persona_assets.recommenders.ranking import Scorer
from persona_assets.recommenders.sequences import Sequences

TIES = 2
"""Candidates that equal the last one are all kept while there are at most so many times the wished
number, else all left out: choosing among equals would mean choosing by name."""


@dataclass(frozen=True)
class Candidates:
    """Products to rank, of some users, the best of the first stage first.

    Attributes:
        starts: (users + 1,) where the candidates of each user begin.
        items: product codes.
        scores: (candidates × models) what each first model gives.
        relative: the same, the user's best being 1.
        ranks: place by the sum of `relative`, from 0; equals share the first place of theirs.
        fused: (users × products) that sum, for all products; 0: no model speaks for it.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    scores: NDArray[np.float64]
    relative: NDArray[np.float64]
    ranks: NDArray[np.int64]
    fused: NDArray[np.float32]

    def of(self, users: NDArray[np.bool_]) -> "Candidates":
        """Those of some users only; the others have none."""
        sizes = np.diff(self.starts)
        kept = np.repeat(users, sizes)
        return Candidates(
            np.concatenate([[0], np.cumsum(np.where(users, sizes, 0))]),
            self.items[kept],
            self.scores[kept],
            self.relative[kept],
            self.ranks[kept],
            self.fused,
        )


@dataclass(frozen=True)
class FirstStage:
    """Models whose scores propose candidates.

    Attributes:
        history: of the users to propose for.
        scorers: of the models, for these users and the same products. Scores of 0 and less mean
            that nothing speaks for a product.
        limit: candidates per user, beside those of the history.
        barred: entries of the history that may not be candidates; the others always are.
    """

    history: Sequences
    scorers: tuple[Scorer, ...]
    limit: int
    barred: NDArray[np.bool_]

    @property
    def models(self) -> int:
        """Number of models."""
        return len(self.scorers)

    def candidates(self, block: slice) -> Candidates:
        """The candidates of the users of the block."""
        first, end, _ = block.indices(len(self.history.users))
        entries = slice(self.history.starts[first], self.history.starts[end])
        owners = self.history.owners[entries] - first
        items, barred = self.history.items[entries], self.barred[entries]
        scores = [np.maximum(scorer.scores_of(slice(first, end)), 0.0) for scorer in self.scorers]
        relative = []
        for each in scores:
            each[owners[barred], items[barred]] = 0.0
            best = each.max(axis=1, keepdims=True, initial=0.0)
            relative.append(each / np.where(best > 0, best, 1.0))
        # Of 32 bits, so that the order of sums cannot tell equals apart.
        fused = np.sum(relative, axis=0).astype(np.float32)
        chosen = _best(fused, self.limit, TIES * self.limit)
        chosen[owners[~barred], items[~barred]] = True
        rows, columns = np.nonzero(chosen)
        order = np.lexsort((-fused[rows, columns], rows))
        rows, columns = rows[order], columns[order]
        starts = np.searchsorted(rows, np.arange(end - first + 1))
        return Candidates(
            starts,
            columns.astype(np.int32),
            np.stack([each[rows, columns] for each in scores], axis=1),
            np.stack([each[rows, columns] for each in relative], axis=1),
            _ranks(fused[rows, columns], rows, starts),
            fused,
        )


@njit(cache=True, nogil=True)
def _best(fused, limit, most):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Whether each product is among the `limit` best of its user above 0, `most` with equals."""
    users, products = fused.shape
    chosen = np.zeros((users, products), dtype=np.bool_)
    positive = np.empty(products, dtype=np.float32)
    for user in range(users):
        found = 0
        for item in range(products):
            if fused[user, item] > 0:
                positive[found] = fused[user, item]
                found += 1
        least = np.float32(0)
        if found > limit:
            least = np.partition(positive[:found], found - limit)[found - limit]
            if (positive[:found] >= least).sum() > most:
                least = np.nextafter(least, np.float32(np.inf))
        for item in range(products):
            chosen[user, item] = fused[user, item] > 0 and fused[user, item] >= least
    return chosen


def _ranks(
    fused: NDArray[np.float32], rows: NDArray[np.int64], starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Candidates of the same user that are strictly better, given them best first."""
    if len(rows) == 0:
        return np.zeros(0, dtype=np.int64)
    place = np.arange(len(rows)) - starts[rows]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (fused[1:] != fused[:-1]) | (rows[1:] != rows[:-1])
    return place[np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))]
