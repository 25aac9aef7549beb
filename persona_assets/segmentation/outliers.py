"""Outliers: customers who are assigned to a segment but left out when clusters are fitted.

Belongs here: finding them. Does not belong here: what a home sets the share to (`config.py`).
"""

import numpy as np
from numpy.typing import NDArray

TREES = 100
TREE_SAMPLE = 256
"""Of the paper: more customers per tree hide the unusual among the usual."""


def anomalies(standard: NDArray[np.float64], *, seed: int) -> NDArray[np.float64]:
    """Score of each customer by an isolation forest, from 0 to 1; higher: more unusual.

    s(x) = 2^(−E[path length of x] / c(n)): Liu, Ting, Zhou, "Isolation Forest" (2008), equation 2.

    Args:
        standard: (customers × features), standardised.
        seed: of the forest.
    """
    from sklearn.ensemble import IsolationForest

    if len(standard) < 2 or not standard.shape[1]:  # a lone customer, or all of them alike
        return np.zeros(len(standard))
    forest = IsolationForest(
        n_estimators=TREES, max_samples=min(TREE_SAMPLE, len(standard)), random_state=seed
    ).fit(standard)
    return -forest.score_samples(standard)


def unusual(scores: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """The `share` of highest scores, rounded down; of equal scores all or none.

    None where that would leave one group of equals without anybody to be usual.
    """
    wanted = int(len(scores) * share)
    if not wanted:
        return np.zeros(len(scores), dtype=bool)
    bar = np.sort(scores)[-wanted]
    found = scores >= bar
    return found if found.sum() <= wanted else scores > bar
