"""Products without a score from the model: ranked by popularity, below all others.

Belongs here: their one order, for models whose scores are 0 where nothing speaks. Does not belong
here: those scores (one module per model) or models of pairs of products (`neighbours.py`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def popular_last(
    scores: NDArray[np.floating[Any]], popularity: NDArray[np.float64]
) -> NDArray[np.floating[Any]]:
    """The scores, with −1 / (1 + popularity) in the place of those that are not positive.

    Args:
        scores: (users × products).
        popularity: (products,) users or sessions that interacted with each.
    """
    return np.where(scores > 0, scores, (-1.0 / (1.0 + popularity)).astype(scores.dtype))
