"""Random streams of the synthetic shop: one generator per purpose and day.

Belongs here: how a seed becomes generators. Does not belong here: anything drawn from them. Each
day has streams of its own, so that what happens on it does not depend on which other days are made.
"""

from datetime import date
from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a generator is used for; the numbers are part of every seed, so never renumber."""

    POPULATION = 0
    CATALOGUE = 1
    BEHAVIOUR = 2
    DIRT = 3


def generator(seed: int, stream: Stream, day: date | None = None) -> np.random.Generator:
    """A generator for `stream`, on `day` for what happens daily."""
    return np.random.default_rng([seed, day.toordinal() if day else 0, int(stream)])
