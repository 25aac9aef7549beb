"""Whether the statistics of experiments keep what they promise, where the truth is known.

Belongs here: experiments drawn from a known truth, analysed by the code that analyses real ones,
and counted against a promise. Does not belong here: formulas (`statistics/`), or the simulated
week of a home's own models (`experiments/calibration.py`).
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from persona_assets.ab_testing.calibration import estimates, looks, verdicts
from persona_assets.ab_testing.calibration.promises import Measured, as_table

EXPERIMENTS = 1000
"""Shares of 5 % and 95 % are then known to about 1.4 percentage points."""


def calibration(*, experiments: int = EXPERIMENTS, seed: int) -> pl.DataFrame:
    """Repeat experiments of a known truth and hold each method against its promise.

    Args:
        experiments: of each kind.
        seed: of the draws; each kind has its own, so that one more kind changes no other.

    Returns:
        Rows of experiments/calibration.
    """
    return as_table(_measured(experiments, seed))


def _measured(experiments: int, seed: int) -> Iterator[Measured]:
    kinds = (estimates.measured, looks.measured, verdicts.measured)
    for number, kind in enumerate(kinds):
        yield from kind(np.random.default_rng([seed, number]), experiments)
