"""The features of a ranker: how each candidate relates to the user's history.

Belongs here: statistics of pairs of products, and features of (user, candidate). Does not belong
here: which products are candidates (`candidates.py`) or learning to rank (`lambdarank.py`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from persona_assets.recommenders.candidates import Candidates
from persona_assets.recommenders.neighbours import strongest
from persona_assets.recommenders.pair_counts import PairWeight, pair_counts
from persona_assets.recommenders.ranking_kernels import (
    embedding_features,
    own_features,
    pair_features,
)
from persona_assets.recommenders.sequences import Sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LAGS = 3
"""Latest instants of the history that have features of their own."""
WINDOW = 50
"""Latest instants of the history that features look at: longer histories say no more, but cost."""
SECONDS_PER_DAY = 86_400.0
SPANS_DAYS = (1.0, 7.0, 28.0)
"""Spans before the end of the statistics in which a product's new users are counted [d]."""
DROPPED_BITS = np.uint32(8)
"""Last bits of a float32 that are rounded away: the order of a sum must not move a feature."""

_PAIRS = ("directional", "forward", "together", "cosine", "jaccard")
_LAGGED = 4
FEATURES: dict[str, tuple[str, ...]] = {
    "scores": (
        "directional_score",
        "user_knn_score",
        "als_score",
        "directional_relative",
        "user_knn_relative",
        "als_relative",
        "first_stage_rank",
        "log_popularity",
        "last_log_popularity",
        "mean_log_popularity",
        "history_length",
    ),
    "history": tuple(f"{pair}_{how}" for pair in _PAIRS for how in ("sum", "max")),
    "last": tuple(f"{pair}_lag_{lag}" for pair in _PAIRS[:_LAGGED] for lag in range(LAGS)),
    "embeddings": ("embedding_history", "embedding_last", "embedding_max"),
    "own": ("own_strength", "own_age"),
    "recency": (
        "days_since_user",
        "days_since_candidate",
        *(f"new_users_{days:g}_days" for days in SPANS_DAYS),
    ),
}
"""Names of the features by group, in the order of their columns. `own` is there where products of
the history may be candidates, `recency` where the task is one of time."""


@dataclass(frozen=True)
class PairStatistics:
    """What sequences say about products and pairs of products.

    Attributes:
        popularity: (products,) users.
        pairs: (products × products) each, from a product of the history to a candidate: the
            directional weight damped by popularity, the forward count Σ 1/d, the count together,
            its cosine and its Jaccard similarity.
        embeddings: (products × factors) of length 1, or 0.
        last_interaction: (products,) when somebody last interacted with it first [s].
        new_users: (products × spans) who first interacted with it within each span before `end`.
        end: newest instant [s].
    """

    popularity: NDArray[np.int64]
    pairs: tuple["csr_matrix", ...]
    embeddings: NDArray[np.float32]
    last_interaction: NDArray[np.float64]
    new_users: NDArray[np.int64]
    end: float


@dataclass(frozen=True)
class PairCounts:
    """How often products were interacted with by the same people: (products × products) each.

    Attributes:
        together: people who interacted with both.
        forward: Σ 1 / distance over those who interacted with the column's after the row's.
    """

    together: "csr_matrix"
    forward: "csr_matrix"

    @classmethod
    def of(cls, log: Sequences, *, window: int, neighbours: int) -> "PairCounts":
        """Count pairs in the sequences; linear in the pairs within the window.

        Args:
            log: the sequences.
            window: products to either side that are counted.
            neighbours: pairs kept per product.
        """
        together = PairWeight(0.0, 1.0, 0.0, window=window)
        forward = PairWeight(1.0, 0.0, 0.0, window=window)
        counts = (pair_counts(log, weight) for weight in (together, forward))
        return cls(*(strongest(each, neighbours) for each in counts))


def pair_statistics(
    log: Sequences,
    counts: PairCounts,
    *,
    directional: "csr_matrix",
    damping: tuple[NDArray[np.float64], NDArray[np.float64]],
    embeddings: NDArray[np.float32],
) -> PairStatistics:
    """The statistics of the sequences.

    Args:
        log: the sequences.
        counts: of their pairs.
        directional: (products × products) counts of the directional model in the same sequences.
        damping: (products,) factors of a product as source and as target of the directional weight.
        embeddings: (products × factors) of length 1, or 0.
    """
    from scipy.sparse import diags_array

    popularity = log.popularity
    source, target = damping
    together = counts.together
    rows = np.repeat(np.arange(len(popularity)), np.diff(together.indptr))
    users_of_both = popularity[rows], popularity[together.indices]
    cosine, jaccard = together.copy(), together.copy()
    cosine.data = together.data / np.sqrt(users_of_both[0] * users_of_both[1])
    jaccard.data = together.data / (users_of_both[0] + users_of_both[1] - together.data)
    end = float(log.times.max())
    last_interaction = np.full(len(popularity), -np.inf)
    np.maximum.at(last_interaction, log.items, log.times)
    return PairStatistics(
        popularity,
        (
            (diags_array(source) @ directional @ diags_array(target)).tocsr(),
            counts.forward,
            together,
            cosine,
            jaccard,
        ),
        embeddings,
        last_interaction,
        np.stack(
            [
                np.bincount(
                    log.items[log.times > end - days * SECONDS_PER_DAY],
                    minlength=len(popularity),
                )
                for days in SPANS_DAYS
            ],
            axis=1,
        ),
        end,
    )


def features(
    candidates: Candidates,
    history: Sequences,
    block: slice,
    statistics: PairStatistics,
    groups: tuple[str, ...],
    history_decay: float,
) -> NDArray[np.float32]:
    """(candidates × features of the groups), the columns in the order of `FEATURES`.

    Args:
        candidates: of the users of the block.
        history: of all users, in the same product codes.
        block: which users.
        statistics: counted from nothing that came after the history.
        groups: of `FEATURES`.
        history_decay: what each earlier instant counts in the mean of embeddings.
    """
    mine = _recent(history, block, statistics.popularity)
    to_rank = candidates.starts, candidates.items
    made = {"scores": _score_features(candidates, mine, statistics)}
    if {"history", "last"} & set(groups):
        found = [
            pair_features(
                *to_rank, mine.starts, mine.items, mine.ages,
                pair.indptr, pair.indices, pair.data, LAGS,
            )
            for pair in statistics.pairs
        ]  # fmt: skip
        made["history"] = np.concatenate([each[:, :2] for each in found], axis=1)
        made["last"] = np.concatenate([each[:, 2:] for each in found[:_LAGGED]], axis=1)
    if "embeddings" in groups:
        made["embeddings"] = embedding_features(
            *to_rank, mine.starts, mine.items, mine.ages, statistics.embeddings, history_decay
        )
    if "own" in groups:
        made["own"] = own_features(
            *to_rank, mine.starts, mine.items, mine.ages, mine.strengths, len(statistics.popularity)
        )
    if "recency" in groups:
        made["recency"] = _recency_features(candidates, mine, statistics)
    return _rounded(np.concatenate([made[group] for group in FEATURES if group in groups], axis=1))


@dataclass(frozen=True)
class _Recent:
    """The histories of the users of a block as far as features look back, latest first."""

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    ages: NDArray[np.int32]
    strengths: NDArray[np.float64]
    lengths: NDArray[np.int64]
    last_times: NDArray[np.float64]


def _recent(history: Sequences, block: slice, popularity: NDArray[np.int64]) -> _Recent:
    first, end, _ = block.indices(len(history.users))
    bounds = history.starts[first : end + 1]
    entries = slice(bounds[0], bounds[-1])
    lengths = np.diff(bounds)
    recent = np.flatnonzero(history.ages[entries] < WINDOW) + bounds[0]
    owners = history.owners[recent] - first
    items, ages = history.items[recent], history.ages[recent]
    # By what says nothing of names, so that sums over a basket are always the same.
    order = np.lexsort((popularity[items], ages, owners))
    last_times = np.full(len(lengths), np.nan)
    last_times[lengths > 0] = history.times[bounds[1:][lengths > 0] - 1]
    return _Recent(
        np.searchsorted(owners, np.arange(end - first + 1)),
        items[order],
        ages[order],
        history.strengths[recent][order],
        lengths,
        last_times,
    )


def _score_features(
    candidates: Candidates, mine: _Recent, statistics: PairStatistics
) -> NDArray[np.float64]:
    users = np.repeat(np.arange(len(mine.lengths)), np.diff(candidates.starts))
    frequency = np.log1p(statistics.popularity)
    owners = np.repeat(np.arange(len(mine.lengths)), np.diff(mine.starts))
    entries = np.maximum(np.diff(mine.starts), 1)
    mean = np.bincount(owners, frequency[mine.items], minlength=len(mine.lengths)) / entries
    last = np.zeros(len(mine.lengths))
    latest = mine.ages == 0
    np.maximum.at(last, owners[latest], frequency[mine.items[latest]])
    return np.column_stack(
        [
            candidates.scores,
            candidates.relative,
            candidates.ranks,
            frequency[candidates.items],
            last[users],
            mean[users],
            mine.lengths[users],
        ]
    )


def _recency_features(
    candidates: Candidates, mine: _Recent, statistics: PairStatistics
) -> NDArray[np.float64]:
    users = np.repeat(np.arange(len(mine.lengths)), np.diff(candidates.starts))
    return np.column_stack(
        [
            (statistics.end - mine.last_times[users]) / SECONDS_PER_DAY,
            (statistics.end - statistics.last_interaction[candidates.items]) / SECONDS_PER_DAY,
            np.log1p(statistics.new_users[candidates.items]),
        ]
    )


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The values with the last of their bits rounded away."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    half = np.uint32(1) << (DROPPED_BITS - np.uint32(1))
    rounded = ((bits + half) >> DROPPED_BITS) << DROPPED_BITS
    return np.where(np.isnan(values), np.float32(np.nan), rounded.view(np.float32))
