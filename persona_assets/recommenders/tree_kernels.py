"""The compiled loop of `trees.py`.

Belongs here: the way of each row through each tree. Does not belong here: reading trees (there).
"""

import numpy as np
from numba import njit

DEFAULT_LEFT = 2
"""Bit of LightGBM's decision type: missing values go left."""
ZERO_IS_MISSING = 4
NAN_IS_MISSING = 8
"""Its two bits above say what is a missing value; neither: nothing is, NaN counts as 0."""
_ZERO = float(np.float32(1e-35))
"""LightGBM's `kZeroThreshold`, which has a float's precision: what is no farther from 0 is 0."""


@njit(cache=True, nogil=True)
def add_leaves(  # type: ignore[no-untyped-def] # noqa: ANN201
    values, roots, features, thresholds, decisions, left, right, leaves, scores,  # noqa: ANN001
):  # fmt: skip
    """Add the leaf that each row ends in to its score, tree after tree as LightGBM does.

    Args:
        values: (rows × features).
        roots: (trees,) first node; below 0: ~number of the only leaf.
        features: (nodes,) column that decides.
        thresholds: (nodes,) values up to this one go left.
        decisions: (nodes,) LightGBM's decision type.
        left: (nodes,) next node; below 0: ~number of a leaf.
        right: (nodes,) the same.
        leaves: (leaves,) what each adds.
        scores: (rows,) is added to.
    """
    for row in range(len(values)):
        score = 0.0
        for tree in range(len(roots)):
            node = roots[tree]
            while node >= 0:
                value = float(values[row, features[node]])
                decision = decisions[node]
                missing = np.isnan(value)
                if missing and not decision & NAN_IS_MISSING:
                    value, missing = 0.0, False
                if abs(value) <= _ZERO:
                    value, missing = 0.0, decision & ZERO_IS_MISSING != 0
                by_default = decision & DEFAULT_LEFT != 0
                goes_left = by_default if missing else value <= thresholds[node]
                node = left[node] if goes_left else right[node]
            score += leaves[~node]
        scores[row] += score
