"""Units of experiments whose truth is known.

Belongs here: draws of what shops measure of a customer. Does not belong here: what is made of them.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MEAN_SPENDING = 3.0
"""A tenth of the customers buys, for 30 on average."""
MEAN_CLICK_SHARE = 0.1


def spending(generator: np.random.Generator, users: int, lift: float = 0.0) -> Floats:
    """Revenue per user: mostly 0, else skewed; its mean is (1 + lift) · `MEAN_SPENDING`."""
    return np.asarray(
        (1 + lift) * (generator.random(users) < 0.1) * generator.gamma(1.5, 20.0, users)
    )


def clicks(generator: np.random.Generator, users: int, lift: float = 0.0) -> tuple[Floats, Floats]:
    """Clicks and impressions of users who differ in taste and in how much they see.

    Taste does not depend on how much is seen, so clicks / impressions is
    (1 + lift) · `MEAN_CLICK_SHARE`, but for the few whose taste is cut at 1.
    """
    seen = 1.0 + generator.geometric(0.1, users)
    taste = np.minimum(1.0, (1 + lift) * generator.beta(1, 9, users))
    return generator.binomial(seen.astype(int), taste).astype(np.float64), np.asarray(seen)
