"""LambdaRank by LightGBM, with the same result whatever the order of the examples.

Belongs here: examples, training, and the model as text. Does not belong here: scores by that text
(`trees.py`), or where candidates, labels and features come from (`two_stage.py`).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

THREADS = 2
"""Of large data. The result does not depend on it: `deterministic` makes LightGBM's sums the same
for any number."""
ROWS_WORTH_THREADS = 50_000
"""Rows below which threads wait for each other longer than they work."""


@dataclass(frozen=True)
class Boosting:
    """How the trees are grown; names and meaning are LightGBM's.

    Attributes:
        rounds: trees.
        learning_rate: by how much each tree corrects the ones before.
        leaves: of a tree.
        truncation: pairs are learned from if one of them is placed before this rank
            (`lambdarank_truncation_level`).
        seed: of everything random.
    """

    rounds: int = 150
    learning_rate: float = 0.05
    leaves: int = 31
    truncation: int = 30
    seed: int = 0


@dataclass(frozen=True)
class Examples:
    """Lists of candidates, each with at least one right answer.

    Attributes:
        values: (candidates × features).
        right: (candidates,) whether it is the answer.
        sizes: (lists,) candidates of each list, the best of the first stage first.
    """

    values: NDArray[np.float32]
    right: NDArray[np.bool_]
    sizes: NDArray[np.int64]

    def in_canonical_order(self, ranks: NDArray[np.int64]) -> "Examples":
        """The same lists in an order that follows from their contents alone.

        LightGBM's sums, and what it samples for its bins, depend on the order of rows, which would
        otherwise be that of the users' names.

        Args:
            ranks: (candidates,) of the first stage, by which each list stays sorted.
        """
        lists = np.repeat(np.arange(len(self.sizes)), self.sizes)
        digests = _digests(np.column_stack([self.values, self.right.astype(np.float32)]))
        of_list = np.zeros(len(self.sizes), dtype=np.uint64)
        np.add.at(of_list, lists, digests)
        order = np.lexsort((digests, ranks, lists, of_list[lists]))
        return Examples(
            self.values[order], self.right[order], self.sizes[np.argsort(of_list, kind="stable")]
        )


def joined(parts: Sequence[Examples]) -> Examples:
    """The lists of all parts."""
    return Examples(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.sizes for part in parts]),
    )


def train(examples: Examples, names: Sequence[str], boosting: Boosting) -> str:
    """LambdaRank (Burges 2010) by LightGBM, as LightGBM's text.

    Args:
        examples: at least one list.
        names: of the features.
        boosting: how.
    """
    lightgbm = _lightgbm()
    data = lightgbm.Dataset(
        examples.values,
        label=examples.right.astype(np.float32),
        group=examples.sizes,
        feature_name=list(names),
        params={"verbosity": -1, "feature_pre_filter": False},
    )
    parameters = {
        "objective": "lambdarank",
        "lambdarank_truncation_level": boosting.truncation,
        "num_leaves": boosting.leaves,
        "learning_rate": boosting.learning_rate,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": _threads(len(examples.values)),
        "seed": boosting.seed,
        "verbosity": -1,
    }
    trained = lightgbm.train(parameters, data, num_boost_round=boosting.rounds)
    return str(trained.model_to_string())


def _lightgbm() -> Any:  # noqa: ANN401 - imported on use
    """LightGBM, whose threads sleep while they wait for each other.

    They meet many times per tree. Where something else runs on a core, a thread that spins there
    holds up the one it waits for, and training takes many times as long. OpenMP reads the variable
    when LightGBM loads it; a value that somebody chose stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import lightgbm

    return lightgbm


def _threads(rows: int) -> int:
    return THREADS if rows >= ROWS_WORTH_THREADS else 1


def _digests(values: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A number for each row that follows from its values (multiply-xorshift, as SplitMix64)."""
    digest = np.zeros(len(values), dtype=np.uint64)
    for column in np.ascontiguousarray(values.T).view(np.uint32):
        digest = (digest ^ column) * np.uint64(0x9E3779B97F4A7C15)
        digest = (digest ^ (digest >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        digest ^= digest >> np.uint64(27)
    return digest
