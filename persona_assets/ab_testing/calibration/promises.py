"""What is promised of a method, and whether a measured value keeps it.

Belongs here: promises, the noise of a measurement, the rows of experiments/calibration. Does not
belong here: how a value is measured.

A value is an estimate from finitely many experiments, so a promise counts as broken only where the
99 % interval of the value lies outside of it: of twenty methods that keep theirs exactly at its
edge, one in ten tables shows one as broken.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from persona_assets.statistics.two_samples import wilson_interval
from persona_assets.tables.experiments import CALIBRATION

CONFIDENCE = 0.99
# Its two-sided normal quantile.
_Z = 2.5758293035489004


@dataclass(frozen=True)
class Promise:
    """The range in which a value has to be."""

    low: float
    high: float


FALSE_FINDINGS = Promise(0.04, 0.06)
COVERAGE = Promise(0.94, 0.96)
AT_MOST_5 = Promise(0.0, 0.06)
"""Of methods that are cautious by construction: fewer false findings are no fault."""
AT_LEAST_95 = Promise(0.94, 1.0)


@dataclass(frozen=True)
class Measured:
    """A value over many experiments.

    Attributes:
        method: what was used, and on what.
        measure: what was counted, one of the contract's.
        experiments: so many.
        value: a share of them, or a ratio.
        low: of its 99 % interval.
        high: likewise.
        promise: None: nothing is promised; the row shows what is avoided.
    """

    method: str
    measure: str
    experiments: int
    value: float
    low: float
    high: float
    promise: Promise | None

    @property
    def is_kept(self) -> bool | None:
        """Does the interval reach into what is promised? None: nothing is."""
        if self.promise is None:
            return None
        return self.low <= self.promise.high and self.high >= self.promise.low


def share(method: str, measure: str, hits: Sequence[bool], promise: Promise | None) -> Measured:
    """A share of experiments, with Wilson's interval.

    Args:
        method: what was used.
        measure: what was counted.
        hits: of every experiment.
        promise: of the share.
    """
    low, high = wilson_interval(sum(hits), len(hits), CONFIDENCE)
    # Rounding can put an end below 0 or above 1.
    low, high = max(0.0, low), min(1.0, high)
    return Measured(method, measure, len(hits), sum(hits) / len(hits), low, high, promise)


def ratio(
    method: str, measure: str, values: Sequence[float], true: float, promise: Promise
) -> Measured:
    """The mean of estimates as a multiple of the true value, with its normal interval.

    Args:
        method: what was used.
        measure: what was estimated.
        values: one estimate of every experiment, at least two.
        true: what they estimate, not 0.
        promise: of the multiple.
    """
    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    margin = _Z * math.sqrt(variance / count) / abs(true)
    middle = mean / true
    return Measured(method, measure, count, middle, middle - margin, middle + margin, promise)


def as_table(measured: Iterable[Measured]) -> pl.DataFrame:
    """Rows of experiments/calibration."""
    return pl.DataFrame(
        [
            {
                "method": each.method,
                "measure": each.measure,
                "experiments": each.experiments,
                "value": each.value,
                "low": each.low,
                "high": each.high,
                "promised_low": None if each.promise is None else each.promise.low,
                "promised_high": None if each.promise is None else each.promise.high,
                "kept": each.is_kept,
            }
            for each in measured
        ],
        schema=CALIBRATION.polars_schema,
    )
