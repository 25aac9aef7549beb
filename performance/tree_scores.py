"""Scores of a ranker's trees: our compiled loop beside LightGBM's own prediction.

    python performance/tree_scores.py

Grows 150 trees of 31 leaves over 30 features, scores lists of candidates by both in turn, checks
that no bit differs, and prints the median milliseconds of processor time.
"""

import statistics
import time
from collections.abc import Callable

import lightgbm
import numpy as np
from numpy.typing import NDArray

from persona_assets.recommenders.lambdarank import Boosting, Examples, train
from persona_assets.recommenders.trees import Trees

FEATURES, LISTS, CANDIDATES = 30, 600, 100
SIZES = {100: 101, 200: 101, 60_000: 5}
"""Rows that are scored at once, and how often."""


def milliseconds(
    score: Callable[[NDArray[np.float32]], object], rows: NDArray[np.float32]
) -> float:
    """Processor time of one call."""
    began = time.process_time()
    score(rows)
    return 1e3 * (time.process_time() - began)


def main() -> None:
    """Print the table."""
    values = np.random.default_rng(0).normal(size=(LISTS * CANDIDATES, FEATURES))
    values = values.astype(np.float32)
    best = values[:, 1].reshape(LISTS, CANDIDATES).argmax(axis=1)
    right = np.zeros(len(values), dtype=bool)
    right[np.arange(LISTS) * CANDIDATES + best] = True
    names = [f"feature_{number}" for number in range(FEATURES)]
    text = train(Examples(values, right, np.full(LISTS, CANDIDATES)), names, Boosting())
    trees, booster = Trees.read(text), lightgbm.Booster(model_str=text)

    def by_lightgbm(rows: NDArray[np.float32]) -> object:
        return booster.predict(rows, num_threads=1)

    assert trees.scores(values).tobytes() == np.asarray(by_lightgbm(values)).tobytes()
    print(f"{'rows':>7}{'ours, ms':>10}{'LightGBM, ms':>14}")
    for size, times in SIZES.items():
        rows = values[:size]
        taken = [
            (milliseconds(trees.scores, rows), milliseconds(by_lightgbm, rows))
            for _ in range(times)
        ]
        ours, theirs = (statistics.median(each) for each in zip(*taken, strict=True))
        print(f"{size:>7,}{ours:>10.3f}{theirs:>14.3f}")


if __name__ == "__main__":
    main()
