"""What looking every day does, and what does not suffer from it.

Belongs here: experiments that are looked at while they run: effects and sizes of arms. Does not
belong here: a single look (`estimates.py`).
"""

from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from persona_assets.ab_testing.calibration.draws import spending
from persona_assets.ab_testing.calibration.promises import (
    AT_MOST_5,
    FALSE_FINDINGS,
    Measured,
    Promise,
    share,
)
from persona_assets.ab_testing.timing import RUNNING_SHARE
from persona_assets.statistics.sample_ratio import sequential_sample_ratio_p_value
from persona_assets.statistics.sequential import mixture_parameter, standard_errors
from persona_assets.statistics.two_samples import sample_ratio_p_value

DAYS = 30
DAILY = 200
"""New users of an arm a day."""
LEVEL = 0.05


def measured(generator: np.random.Generator, experiments: int) -> Iterator[Measured]:
    """Findings of whoever stops at the first one, where there is nothing to find; lost users.

    Args:
        generator: of the draws.
        experiments: of each kind.
    """
    yield from _effects(generator, experiments)
    yield from _sizes(generator, experiments)


def _effects(generator: np.random.Generator, experiments: int) -> Iterator[Measured]:
    units = np.arange(1, DAYS + 1) * DAILY
    running = LEVEL * RUNNING_SHARE
    any_time, while_running = (_limits(2 * units, level) for level in (LEVEL, running))
    fixed, at_end = (NormalDist().inv_cdf(1 - level / 2) for level in (LEVEL, LEVEL - running))
    found: dict[str, list[bool]] = {}
    for _ in range(experiments):
        z = _standardised(
            spending(generator, DAYS * DAILY), spending(generator, DAYS * DAILY), units
        )
        for name, is_found in (
            ("fixed interval, every day", (z > fixed).any()),
            ("fixed interval, at the end alone", z[-1] > fixed),
            ("sequential interval, every day", (z > any_time).any()),
            ("hybrid", (z[:-1] > while_running[:-1]).any() or z[-1] > at_end),
        ):
            found.setdefault(name, []).append(bool(is_found))
    promises = {
        "fixed interval, every day": None,
        "fixed interval, at the end alone": FALSE_FINDINGS,
    }
    for name, hits in found.items():
        yield share(f"{name}, {DAYS} days", "false_findings", hits, promises.get(name, AT_MOST_5))


def _limits(total: NDArray[np.int64], level: float) -> NDArray[np.float64]:
    """Standard errors from 0 at which a sequential interval excludes it, day by day."""
    rho = mixture_parameter(int(total[-1]), 1 - level)
    return np.array([standard_errors(int(units), rho, 1 - level) for units in total])


def _standardised(
    arm: NDArray[np.float64], control: NDArray[np.float64], units: NDArray[np.int64]
) -> NDArray[np.float64]:
    """|difference of means| in standard errors, after so many units of each."""
    means, variances = [], []
    for values in (arm, control):
        mean = values.cumsum()[units - 1] / units
        squares = (values**2).cumsum()[units - 1] / units
        means.append(mean)
        variances.append((squares - mean**2) / (units - 1))
    return np.asarray(np.abs(means[0] - means[1]) / np.sqrt(variances[0] + variances[1]))


def _sizes(generator: np.random.Generator, experiments: int) -> Iterator[Measured]:
    """Alarms at 5 %, where a few thousand experiments show what is kept; in use it is 0.05 %."""
    equal = [0.5, 0.5]
    plain, sequential, lost = [], [], []
    for _ in range(experiments):
        sizes = generator.multinomial(1000, equal, size=DAYS).cumsum(axis=0).tolist()
        plain.append(min(sample_ratio_p_value(day, equal) for day in sizes) < LEVEL)
        sequential.append(sequential_sample_ratio_p_value(sizes, equal) < LEVEL)
        # An arm that loses a tenth: .9 / 1.9 of those who are left.
        leak = generator.multinomial(1000, [9 / 19, 10 / 19], size=DAYS).cumsum(axis=0)
        lost.append(sequential_sample_ratio_p_value(leak.tolist(), equal) < LEVEL)
    yield share(f"χ² of sizes, every day, {DAYS} days", "sample_ratio_alarms", plain, None)
    name = f"sequential test of sizes, {DAYS} days"
    yield share(name, "sample_ratio_alarms", sequential, AT_MOST_5)
    yield share(f"{name}, a tenth of an arm lost", "sample_ratio_alarms", lost, Promise(0.99, 1.0))
